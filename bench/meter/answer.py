"""Answer: what one metered call gave, took and cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bench.attempt import Attempt, Outcome, Picture, Served, Stamps, Trial, UsageSource
from bench.errors import BenchError
from bench.words.refused import cure_of
from pricing.money import minus, total

Counts = Mapping[str, int | None]


class NoImage(BenchError):
    """The call gave no picture that can be used; says why."""

    exit_code = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One picture that was served.

    Attributes:
        content: The bytes as they were served.
        format: png, jpeg, webp, gif or svg; None when the bytes are no picture.
        path: Where it is kept; None unless the meter keeps pictures.
        simulated: Whether it carries the emulator's mark.
        problem: Why it can't be used, None when it can.
    """

    content: bytes
    sha256: str | None
    format: str | None
    width_px: int | None
    height_px: int | None
    path: Path | None
    simulated: bool
    problem: str | None

    @classmethod
    def of(cls, picture: Picture, content: bytes, path: Path | None) -> "Image":
        """A checked picture with its bytes."""
        return cls(
            content=content,
            sha256=picture.sha256,
            format=picture.format,
            width_px=picture.width_px,
            height_px=picture.height_px,
            path=path,
            simulated=picture.simulated,
            problem=picture.problem,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one metered call gave, took and cost; a failed call is one too.

    Attributes:
        prompt_id: What the call gave as `prompt_id`; else made from what was asked.
        outcome: How the last attempt ended: ok, refused, rate_limited,
            timed_out, server_error, client_error, unusable, cancelled, lost.
        images: Pictures of the last attempt, in the order of the answer.
        usage: Token counts of the last attempt by class; None is unknown.
        usage_source: Whether they were reported, estimated, or are absent.
        charge_usd: US dollars of all attempts; None where it can't be known.
        list_usd: The same usage at the provider's direct price.
        possibly_billed_usd: The most that attempts of unknown fate may cost.
        timings: Seconds of the last attempt, taken at the socket.
        served: What was served, where it says so.
        attempts: Every request that was made, retries in.
        response_id: What the Responses API calls the last answer; a conversation
            goes on from it. None elsewhere.
        partials_s: Of a stream: seconds from the last request sent to each partial
            picture, in their order.
    """

    run_id: str
    trial_id: str
    prompt_id: str
    endpoint: str
    model: str
    outcome: Outcome
    images: tuple[Image, ...]
    usage: Counts
    usage_source: UsageSource
    charge_usd: Decimal | None
    list_usd: Decimal | None
    possibly_billed_usd: Decimal
    timings: Stamps
    served: Served
    simulated: bool
    attempts: tuple[Attempt, ...]
    response_id: str | None = None
    partials_s: tuple[float, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every picture that was asked for can be used."""
        return self.outcome is Outcome.OK

    @property
    def image(self) -> Image:
        """The first picture.

        Raises:
            NoImage: There is none that can be used; the sentence says why.
        """
        if self.ok and self.images:
            return self.images[0]
        raise NoImage(self.why)

    @property
    def saving_usd(self) -> Decimal | None:
        """Dollars below the direct price; negative where the gateway is dearer."""
        if self.list_usd is None or self.charge_usd is None:
            return None
        # A difference of nothing would be shown as 0E-12.
        return minus(self.list_usd, self.charge_usd) or Decimal(0)

    @property
    def revised_prompt(self) -> str | None:
        """What was really drawn, where the answer says so."""
        return self.served.revised_prompt

    @property
    def request_id(self) -> str | None:
        """The endpoint's own name for the last request."""
        return self.attempts[-1].request_id

    @property
    def why(self) -> str:
        """How the call ended, in a sentence."""
        last = self.attempts[-1]
        status = f", HTTP {last.http_status}" if last.http_status else ""
        said = f": {' '.join(last.error_message.split())}" if last.error_message else ""
        cure = cure_of(last.error_message)
        mend = f"; {cure}" if cure else ""
        return f"{self.endpoint}: {self.outcome.replace('_', ' ')}{status}{said}{mend}"


def answer_of(
    run_id: str, trial: Trial, attempts: Sequence[Attempt], images: Sequence[Image]
) -> Answer:
    """The answer of a call from its attempts, at least one."""
    last = attempts[-1]
    return Answer(
        run_id=run_id,
        trial_id=trial.trial_id,
        prompt_id=trial.prompt_id,
        endpoint=trial.cell.endpoint,
        model=trial.cell.model,
        outcome=last.outcome,
        images=tuple(images),
        usage=last.usage,
        usage_source=last.usage_source,
        charge_usd=_sum([a.money.charge_usd for a in attempts]),
        list_usd=_sum([a.money.list_usd for a in attempts]),
        possibly_billed_usd=total(a.money.possibly_billed_usd for a in attempts),
        timings=last.stamps,
        served=last.served,
        simulated=any(a.simulated for a in attempts),
        attempts=tuple(attempts),
        response_id=last.response_id,
        partials_s=last.partials_s,
    )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """The whole sum; None as soon as a part of it is unknown."""
    known = [usd for usd in amounts if usd is not None]
    return total(known) if len(known) == len(amounts) else None
