"""Generated: what a call was asked and gave, told to a person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import orjson
import typer

from bench.commands.carrying import Session
from bench.errors import BadInput
from bench.meter.answer import Answer, Image
from bench.meter.overheard import operation_of
from bench.words.ended import not_sent_after
from bench.words.figures import bytes_text, dollars, seconds
from bench.words.places import place
from pricing.money import total, usd_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is asked, as the command line says it.

    Attributes:
        prompts: The turns of a conversation, else one; none of a variation.
    """

    operation: str
    prompts: tuple[str, ...]
    images: tuple[str, ...]
    mask: str | None
    markup: str | None = None

    @classmethod
    def read(
        cls,
        *,
        prompt: str | None,
        then: Sequence[str] | None,
        images: Sequence[str] | None,
        mask: str | None,
        markup: str | None = None,
        is_variation: bool,
    ) -> Self:
        """The operation follows from what is given.

        Raises:
            BadInput: Something is missing, or does not go together.
        """
        then, images = tuple(then or ()), tuple(images or ())
        if markup is not None and (not images or then or mask is not None):
            raise BadInput(
                "--markup is for the first --image, in one request and without --mask; "
                "name an image, and take the others away"
            )
        if is_variation:
            operation = "variation"
            if prompt is not None or then or mask or markup or len(images) != 1:
                raise BadInput(
                    "--variation takes one --image and nothing else: no PROMPT, no "
                    "--then, no --mask or --markup"
                )
        elif prompt is None:
            raise BadInput("PROMPT is missing: say what is to be drawn")
        elif mask is not None and not images:
            raise BadInput("--mask is for the first --image; name one")
        else:
            operation = "converse" if then else operation_of(images, mask)
        prompts = () if prompt is None else (prompt, *then)
        return cls(
            operation=operation,
            prompts=prompts,
            images=images,
            mask=mask,
            markup=markup,
        )

    def api(self, named: str | None) -> str | None:
        """The API, which only a conversation chooses by itself."""
        return "responses" if named is None and self.is_conversation else named

    @property
    def is_conversation(self) -> bool:
        """Whether there are turns."""
        return self.operation == "converse"


# Told the answers, and the files that their pictures were copied to.
Teller = Callable[[Sequence[Answer], Sequence[Path]], None]


def teller(given: Given, session: Session, *, as_json: bool) -> Teller:
    """What tells answers: to a person, or as one JSON object."""

    def told(answers: Sequence[Answer], copies: Sequence[Path]) -> None:
        if as_json:
            typer.echo(answers_json(given, answers))
        else:
            tell(given, answers, copies, session)

    return told


def tell(
    given: Given, answers: Sequence[Answer], outputs: Sequence[Path], session: Session
) -> None:
    """The files, the seconds, the dollars; of each turn, and of all."""
    n_asked = max(1, len(given.prompts))
    for number, answer in enumerate(answers, start=1):
        turn = f"turn {number}: " if len(answers) > 1 else ""
        _tell_one(answer, outputs_of(answers, outputs, number - 1), session, turn)
    is_stranded = not answers[-1].ok or answers[-1].response_id is None
    if len(answers) < n_asked and is_stranded:
        typer.echo(not_sent_after(n_asked - len(answers), n_asked), err=True)
    if len(answers) > 1:
        marked = _mark(any(answer.simulated for answer in answers))
        typer.echo(f"together: {_seconds(answers)}, {_money(answers)}{marked}")
    run_id = answers[0].run_id
    typer.echo(f"run {run_id}: pixelmeter show {run_id}{session.where}")


def outputs_of(
    answers: Sequence[Answer], outputs: Sequence[Path], index: int
) -> Sequence[Path]:
    """The files that are meant for the pictures of one answer."""
    if len(answers) == 1:
        return outputs
    return outputs[index : index + 1]


def _tell_one(
    answer: Answer, outputs: Sequence[Path], session: Session, turn: str
) -> None:
    for number, image in enumerate(answer.images):
        copies = () if image.problem else outputs[number : number + 1]
        path = image.path if is_kept(answer) else None
        kept = place(copies[0] if copies else path or "not kept")
        typer.echo(f"{turn}{kept}  {_facts(image)}")
    if not is_kept(answer):
        typer.echo(
            "error: the picture is paid for, but could not be kept below "
            f"{session.data.images}; see to room and rights there",
            err=True,
        )
    if not answer.ok:
        typer.echo(f"{turn}{answer.why}", err=True)
    typer.echo(
        f"{turn}{_seconds((answer,))}{_partials(answer)}, "
        f"{_money((answer,))}{_mark(answer.simulated)}"
    )


def _mark(is_simulated: bool) -> str:
    return " (simulated)" if is_simulated else ""


def _partials(answer: Answer) -> str:
    if not answer.partials_s:
        return ""
    came = ", ".join(seconds(one) for one in answer.partials_s)
    n = len(answer.partials_s)
    return f" (partial {'pictures' if n > 1 else 'picture'} after {came})"


def is_kept(answer: Answer) -> bool:
    """Whether the pictures of the last attempt lie in the data folder."""
    return "picture_not_kept" not in answer.attempts[-1].money.flags


def _facts(image: Image) -> str:
    problem = f", {image.problem}" if image.problem else ""
    size = f"{image.width_px}x{image.height_px} {image.format}, "
    if image.width_px is None:
        size = ""
    return f"{size}{bytes_text(len(image.content))}{problem}"


def _seconds(answers: Sequence[Answer]) -> str:
    return seconds(_service_s(answers))


def _service_s(answers: Sequence[Answer]) -> float | None:
    known = [a.timings.service_s for a in answers if a.timings.service_s is not None]
    return sum(known) if len(known) == len(answers) else None


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [usd for usd in amounts if usd is not None]
    return total(known) if len(known) == len(amounts) else None


def _money(answers: Sequence[Answer]) -> str:
    charge_usd = _sum([a.charge_usd for a in answers])
    charged = f"charged {dollars(charge_usd)}"
    if charge_usd is None:
        charged = "charge unknown"
    possibly_usd = total(a.possibly_billed_usd for a in answers)
    if possibly_usd:
        charged += f", up to {dollars(possibly_usd)} possibly billed"
    saving_usd = _sum([a.saving_usd for a in answers])
    list_usd = _sum([a.list_usd for a in answers])
    if not saving_usd or list_usd is None:
        return charged
    word = "less" if saving_usd > 0 else "more"
    return (
        f"{charged}, {dollars(abs(saving_usd))} {word} than {dollars(list_usd)} direct"
    )


def answers_json(given: Given, answers: Sequence[Answer]) -> str:
    """The same as one JSON object; of a conversation sums, and each turn."""
    last = answers[-1]
    turns = [_one(answer) for answer in answers]
    failed = next((a for a in answers if not a.ok), None)
    whole = {
        **turns[-1],
        "outcome": last.outcome if failed is None else failed.outcome,
        "error": None if failed is None else failed.why,
        "images": [image for turn in turns for image in turn["images"]],
        "charge_usd": _text(_sum([a.charge_usd for a in answers])),
        "list_usd": _text(_sum([a.list_usd for a in answers])),
        "saving_usd": _text(_sum([a.saving_usd for a in answers])),
        "possibly_billed_usd": usd_text(total(a.possibly_billed_usd for a in answers)),
        "service_s": _service_s(answers),
        "attempts": sum(len(answer.attempts) for answer in answers),
    }
    answer = {
        "schema": "pixelmeter.generate/1",
        "run_id": last.run_id,
        "operation": given.operation,
        **whole,
        "turns": turns if given.is_conversation else [],
    }
    return orjson.dumps(answer).decode()


def _one(answer: Answer) -> dict[str, Any]:
    return {
        "endpoint": answer.endpoint,
        "model": answer.model,
        "outcome": answer.outcome,
        "error": None if answer.ok else answer.why,
        "images": [
            {
                "path": str(image.path) if is_kept(answer) else None,
                "sha256": image.sha256,
                "format": image.format,
                "width_px": image.width_px,
                "height_px": image.height_px,
                "bytes": len(image.content),
                "problem": image.problem,
            }
            for image in answer.images
        ],
        "charge_usd": _text(answer.charge_usd),
        "list_usd": _text(answer.list_usd),
        "saving_usd": _text(answer.saving_usd),
        "possibly_billed_usd": _text(answer.possibly_billed_usd),
        "usage": dict(answer.usage) or None,
        "usage_source": answer.usage_source,
        "service_s": answer.timings.service_s,
        "total_s": answer.timings.total_s,
        "first_partial_s": answer.timings.first_partial_s,
        "partials_s": list(answer.partials_s),
        "revised_prompt": answer.revised_prompt,
        "response_id": answer.response_id,
        "attempts": len(answer.attempts),
        "request_id": answer.request_id,
        "simulated": answer.simulated,
    }


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)
