"""Reading: what one answer says, whatever its status."""

from dataclasses import dataclass, field, replace

from bench.attempt import Billing, Outcome, ReportedCost, Served

LONGEST_MESSAGE = 500
# LiteLLM makes ids of some 500 signs; a shortened one would name nothing.
LONGEST_ID = 4_000
LONGEST_PROMPT = 32_000
# No request asks for more than ten; each is opened, and written to the disk.
MOST_PICTURES = 100
# Of a success whose end did not come.
CUT_BODY = "cut_body"
_CONTROLS = {
    code: None for code in (*range(32), *range(127, 160)) if code not in b"\t\n"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one answer says.

    Attributes:
        pictures: The bytes of each picture, in the order of the answer.
        usage: Token counts of the image model by class, None where the answer has
            no usable one.
        mainline: Those of the text model that drove it; None where the answer is
            none of the Responses API, or does not tell.
        is_response: Whether it is an answer of the Responses API.
        response_id: What that API calls it.
        service_tier: In which tier that API says it was served.
        partial_ends: Of a stream: how many bytes of its body are there when the
            event of each partial picture is whole.
        flags: Words for what was odd about the usage.
        cost: What the body says that the request cost.
        stops: Why no more requests should be sent this way: `quota`,
            `credentials`, or None.
    """

    outcome: Outcome
    billing: Billing
    pictures: tuple[bytes, ...] = ()
    usage: dict[str, int | None] | None = None
    mainline: dict[str, int | None] | None = None
    is_response: bool = False
    response_id: str | None = None
    service_tier: str | None = None
    partial_ends: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()
    served: Served = field(default_factory=Served)
    cost: ReportedCost | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    stops: str | None = None


def text(value: object, longest: int = 200) -> str | None:
    """A text of the answer, shortened; None for anything else.

    Control characters are left out: a terminal would carry them out.
    """
    if not isinstance(value, str):
        return None
    return value.translate(_CONTROLS)[:longest] or None


def unusable(code: str, message: str) -> Reading:
    """A success without a picture that can be used: paid, as far as we know."""
    return Reading(
        outcome=Outcome.UNUSABLE,
        billing=Billing.BILLED_UNUSABLE,
        error_type="unusable_answer",
        error_code=code,
        error_message=message[:LONGEST_MESSAGE],
    )


def left_early(reading: Reading) -> Reading:
    """A stream whose program went away: what came of it, else broken off.

    It also goes away when it has read how the stream ended, or why it failed.
    """
    if reading.error_code != CUT_BODY:
        return reading
    return replace(
        reading,
        outcome=Outcome.CANCELLED,
        billing=Billing.POSSIBLY_BILLED,
        error_type="cancelled",
        error_code="left_stream",
    )


def response_id_of(value: object) -> str | None:
    """What the Responses API calls an answer, whole; None for anything else."""
    is_one = isinstance(value, str) and len(value) <= LONGEST_ID
    return text(value, LONGEST_ID) if is_one else None
