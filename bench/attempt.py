"""Attempt: the words of a measurement, from cell to outcome."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bench.reference import Reference

MOST_OUTPUT_TOKENS = 2048


class Outcome(StrEnum):
    """How an attempt ended, seen by the person who waits for a picture."""

    OK = "ok"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    TIMED_OUT = "timed_out"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    UNUSABLE = "unusable"
    CANCELLED = "cancelled"
    LOST = "lost"


class Billing(StrEnum):
    """What we know about the money of an attempt."""

    NOT_SENT = "not_sent"
    UNBILLED = "unbilled"
    POSSIBLY_BILLED = "possibly_billed"
    BILLED_UNUSABLE = "billed_unusable"
    BILLED = "billed"


class UsageSource(StrEnum):
    """Where the token counts of an attempt come from."""

    REPORTED = "reported"
    ESTIMATED = "estimated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One variant at one endpoint: a square of the grid.

    Attributes:
        endpoint: Name of the endpoint in the endpoints file.
        api: `images` or `responses`.
        operation: `generate`, `edit`, `compose`, `inpaint`, `variation` or
            `converse`.
        model: The image model; of the tool where the API is `responses`.
        mainline_model: The text model that drives the tool, None elsewhere.
        parameters: What the request carries beside prompt and models, sorted
            by name; a parameter that is not here is not sent.
    """

    endpoint: str
    api: str
    operation: str
    model: str
    parameters: tuple[tuple[str, str | int | bool], ...]
    mainline_model: str | None = None

    def parameter(self, name: str) -> str | int | bool | None:
        """The value that is sent for `name`, None when it is not sent."""
        return dict(self.parameters).get(name)

    def text(self, name: str) -> str | None:
        """A parameter as text, None when it is not sent."""
        value = self.parameter(name)
        return None if value is None else str(value)

    def count(self, name: str, default: int) -> int:
        """A parameter as a whole number, `default` when it is not sent."""
        value = self.parameter(name)
        return default if value is None else int(value)

    @property
    def n(self) -> int:
        """Images asked for in one request."""
        return self.count("n", 1)

    @property
    def author_model(self) -> str | None:
        """The text model that writes an SVG, None where none is named or asked for."""
        is_svg = self.parameter("output_format") == "svg"
        return self.text("svg_model") if is_svg else None

    @property
    def models(self) -> tuple[tuple[str, str], ...]:
        """Every model that a request is charged for, behind the name of its key."""
        named = (
            ("model", self.model),
            ("mainline_model", self.mainline_model),
            ("svg_model", self.author_model),
        )
        return tuple((key, model) for key, model in named if model is not None)

    @property
    def max_output_tokens(self) -> int:
        """What binds the text model of a Responses call; it is always sent."""
        return self.count("max_output_tokens", MOST_OUTPUT_TOKENS)

    @property
    def n_partials(self) -> int:
        """Partial pictures asked for; only a stream has any."""
        return self.count("partial_images", 0) if self.is_stream else 0

    @property
    def is_stream(self) -> bool:
        """Whether the answer is to come as events."""
        return self.parameter("stream") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One planned measurement: a prompt at a cell, for the repeat-th time.

    Attributes:
        trial_id: Made from the run, the cell, the prompt and the repeat.
        repeat: Counts from 1.
        block: Which (prompt, repeat) block of the run, counts from 0.
        position: Place in the order of the whole run, counts from 0.
        references: Pictures that are sent along, in their order.
        mask: Says where the first of them may be changed.
        markup: Drawn over the first of them, to say what is to be changed.
        after: The trial of the turn before in a conversation, None for the first
            turn and for what is no conversation.
        previous_response_id: What that turn's answer is called; known only when
            it has come.
    """

    trial_id: str
    cell: Cell
    prompt_id: str
    prompt_text: str
    repeat: int
    block: int
    position: int
    references: tuple[Reference, ...] = ()
    mask: Reference | None = None
    markup: Reference | None = None
    after: str | None = None
    previous_response_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture that was served, as its bytes say.

    Attributes:
        sha256: Hex digest of the bytes; also its file name when it is kept. None
            where pictures are not opened.
        format: png, jpeg, webp, gif, svg; None when they are no picture we use.
        simulated: Whether the picture carries the emulator's mark.
        problem: Why the picture can't be used, None when it can.
    """

    sha256: str | None
    n_bytes: int
    format: str | None
    width_px: int | None
    height_px: int | None
    simulated: bool
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Durations of one attempt in seconds, None where it did not get so far.

    Attributes:
        queued_s: From scheduled to the start of the request (limits, budget,
            intent made durable).
        connect_s: TCP and TLS set-up; 0.0 on a kept connection.
        first_byte_s: From request sent to the first byte of the answer.
        first_partial_s: From request sent to the first partial picture.
        service_s: From request sent to the last byte of the answer.
        total_s: From scheduled to the last byte, waits and retries in.
        lag_s: How long the last byte lay in the kernel before it was read: our
            own lag; None where the kernel does not tell.
        late_s: How much later than due the request was begun though nothing but
            this program stood in its way; None without a schedule.
    """

    queued_s: float | None = None
    connect_s: float | None = None
    first_byte_s: float | None = None
    first_partial_s: float | None = None
    service_s: float | None = None
    total_s: float | None = None
    lag_s: float | None = None
    late_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the answer says was served, None where it does not say.

    Attributes:
        svg_model: The text model that wrote an SVG.
    """

    model: str | None = None
    size: str | None = None
    quality: str | None = None
    format: str | None = None
    revised_prompt: str | None = None
    svg_model: str | None = None


def members(value: Picture | Stamps | Served) -> dict[str, Any]:
    """What a record holds of a value, by name, in the order of its class."""
    return {name: getattr(value, name) for name in value.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Dollars of one attempt.

    Attributes:
        charge_usd: At the endpoint's prices frozen in the plan; None when it
            can't be known.
        list_usd: The same usage at the direct book's price.
        possibly_billed_usd: The upper bound that may have been billed though
            no charge is known.
    """

    charge_usd: Decimal | None = None
    list_usd: Decimal | None = None
    possibly_billed_usd: Decimal = Decimal(0)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCost:
    """What an answer itself says that it cost.

    Attributes:
        usd: Exactly as it was written.
        source: The header, or the member of the body, that says so.
    """

    usd: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request that was made (or meant) for a trial, and its end.

    Attributes:
        response_id: What the Responses API calls the answer; a next turn needs it.
        partials_s: From request sent to each partial picture, in their order.
    """

    attempt_id: str
    trial_id: str
    attempt_no: int
    endpoint: str
    outcome: Outcome
    billing: Billing
    started_at: str
    stamps: Stamps
    served: Served
    money: Money
    usage: dict[str, int | None] = field(default_factory=dict[str, int | None])
    usage_source: UsageSource = UsageSource.ABSENT
    pictures: tuple[Picture, ...] = ()
    simulated: bool = False
    http_status: int | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    reported_cost: ReportedCost | None = None
    response_id: str | None = None
    partials_s: tuple[float, ...] = ()
