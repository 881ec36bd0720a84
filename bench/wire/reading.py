"""Reading: what one answer says, whatever its status."""

from dataclasses import dataclass, field

from bench.attempt import Billing, Outcome, ReportedCost, Served

LONGEST_MESSAGE = 500
_CONTROLS = {
    code: None for code in (*range(32), *range(127, 160)) if code not in b"\t\n"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one answer says.

    Attributes:
        pictures: The bytes of each picture, in the order of the answer.
        usage: Token counts by class, None where the answer has no usable one.
        flags: Words for what was odd about the usage.
        cost: What the body says that the request cost.
        stops: Why no more requests should be sent this way: `quota`,
            `credentials`, or None.
    """

    outcome: Outcome
    billing: Billing
    pictures: tuple[bytes, ...] = ()
    usage: dict[str, int | None] | None = None
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
