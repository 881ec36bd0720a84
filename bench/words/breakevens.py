"""Break-evens: from which volume on an alternative pays, as sentences."""

from bench.words.figures import so_many
from bench.words.savings import cents
from pricing.breakeven import BreakEven, Crossing


def break_even_sentence(
    alternative: str,
    against: str,
    found: BreakEven,
    ends: tuple[BreakEven, BreakEven] | None = None,
) -> str:
    """Where two alternatives cost the same a month, or that they never do.

    Args:
        alternative: Who may be worth it.
        against: Whom it is compared with.
        found: At the costs as measured or given.
        ends: At both ends of the band of the saving a picture, where there is one.
    """
    spent = "" if found.spend_usd is None else f"US{cents(found.spend_usd)}"
    band = _between(ends) if ends else ""
    match found.crossing:
        case Crossing.ALWAYS:
            return f"{alternative} costs less than {against} at every volume{band}"
        case Crossing.NEVER:
            return f"{alternative} never costs less than {against}{band}"
        case Crossing.SAME:
            return f"{alternative} and {against} cost the same at every volume{band}"
        case Crossing.FROM:
            return (
                f"{alternative} costs less from {so_many(found.images or 0, 'image')} "
                f"a month on, where {against} costs {spent} a month{band}"
            )
        case Crossing.UP_TO:
            return (
                f"{alternative} costs less only up to "
                f"{so_many(found.images or 0, 'image')} a month, "
                f"where {against} costs {spent} a month{band}"
            )


def volume_words(found: BreakEven) -> str:
    """A break-even in a table: `from 1,200`, `always`, `never`."""
    if found.images is None:
        return str(found.crossing)
    return f"{found.crossing} {found.images:,}"


def _between(ends: tuple[BreakEven, BreakEven]) -> str:
    first, last = ends
    low, high = map(volume_words, ends)
    if low == high:
        return ""
    if first.crossing == last.crossing and first.images and last.images:
        low, high = (f"{n:,}" for n in sorted((first.images, last.images)))
    return f" (90% band: {low} to {high})"


def payback_sentence(alternative: str, month: int | None, months: int) -> str:
    """When the savings so far have paid for a set-up."""
    if month is None:
        within = so_many(months, "month")
        return f"{alternative} does not pay for its set-up within {within}"
    return (
        f"{alternative} has paid for its set-up by the end of month {month}, "
        "and stays ahead"
    )
