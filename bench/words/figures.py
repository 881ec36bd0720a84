"""Figures: dollars, seconds, shares and sizes as words."""

from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "−"
UNKNOWN = "–"
_SMALLEST_USD = Decimal("0.0001")
_KILO = 1000


def dollars(usd: Decimal | None) -> str:
    """US dollars for people: four decimals below 1, two above, none from 10,000.

    Below a cent two significant digits; a positive amount is never shown as 0;
    an unknown one is no price.
    """
    if usd is None:
        return "no price"
    sign, size = (MINUS, -usd) if usd < 0 else ("", usd)
    if size == 0:
        return "$0.00"
    if size < _SMALLEST_USD:
        return f"{sign}<$0.0001"
    return f"{sign}${_rounded(size, _places(size)):,}"


def known_dollars(usd: Decimal | None, n_unknown: int) -> str:
    """A sum of what is known, and how many amounts are not in it."""
    if not n_unknown:
        return dollars(usd)
    more = f"{n_unknown:,} unknown"
    return more if usd is None else f"{dollars(usd)} + {more}"


def expected_dollars(usd: Decimal | None, n_trials: int, n_without: int) -> str:
    """What trials will cost by published rules, and how many no rule prices."""
    if not n_without:
        return dollars(usd)
    if usd is None:
        return f"not known: no published rule prices {_whole(n_trials)}"
    known = so_many(n_trials - n_without, "trial")
    return (
        f"{dollars(usd)} for {known}; no published rule prices the other {n_without:,}"
    )


def _whole(n: int) -> str:
    return "the 1 trial" if n == 1 else f"any of the {n:,} trials"


def _places(size: Decimal) -> int:
    if size < Decimal("0.01"):
        return 1 - size.adjusted()
    if size < 1:
        return 4
    return 2 if size < 10_000 else 0  # noqa: PLR2004  the rule of the docstring


def _rounded(size: Decimal, places: int) -> Decimal:
    return size.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def seconds(duration_s: float | None) -> str:
    """Seconds with one decimal from 1 s on, milliseconds below."""
    if duration_s is None:
        return UNKNOWN
    sign, size_s = (MINUS, -duration_s) if duration_s < 0 else ("", duration_s)
    if size_s >= 1:
        return f"{sign}{size_s:,.1f} s"
    return f"{sign}{size_s * 1000:.0f} ms"


def milliseconds(duration_s: float | None) -> str:
    """A duration at which a tenth of a millisecond counts."""
    if duration_s is None:
        return UNKNOWN
    ms = duration_s * 1000
    return f"{ms:.1f} ms" if abs(ms) < 100 else f"{ms:,.0f} ms"  # noqa: PLR2004  three digits


def seconds_between(low_s: float, high_s: float) -> str:
    """Two durations in one unit, the larger one's."""
    low, high = seconds(low_s), seconds(high_s)
    if high_s >= 1:
        return f"{low_s:,.1f} to {high}"
    return f"{low.removesuffix(' ms')} to {high}"


def percent_between(low: float, high: float) -> str:
    """Two shares as percentages."""
    return f"{percent(low).removesuffix('%')} to {percent(high)}"


def signed_dollars(usd: Decimal) -> str:
    """A difference in US dollars, with its sign."""
    return f"+{dollars(usd)}" if usd > 0 else dollars(usd)


def dollars_between(low_usd: Decimal, high_usd: Decimal) -> str:
    """Two amounts of US dollars; one where both look alike."""
    low, high = dollars(low_usd), dollars(high_usd)
    return low if low == high else f"{low} to {high}"


def percent(share: float | Decimal | None) -> str:
    """A share as a percentage with one decimal."""
    if share is None:
        return UNKNOWN
    sign = MINUS if round(share, 3) < 0 else ""
    return f"{sign}{abs(share):.1%}"


def so_many(n: int, noun: str) -> str:
    """So many of something: `1 run`, `2 runs`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def more_or_less(share: float, more: str, less: str) -> str:
    """A relative difference in words: 0.08 is `8.0% slower`."""
    return f"{abs(share):.1%} {more if share >= 0 else less}"


def duration(length_s: float) -> str:
    """A length of time in its two largest units."""
    whole_s = round(length_s)
    for unit, size_s, smaller, smaller_s in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole_s >= size_s:
            rest = whole_s % size_s // smaller_s
            return f"{whole_s // size_s} {unit}" + (
                f" {rest} {smaller}" if rest else ""
            )
    return f"{whole_s} s"


def bytes_text(n_bytes: int) -> str:
    """A size in bytes, kB, MB or GB."""
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < _KILO:
            return f"{size:.0f} {unit}"
        size /= _KILO
    return f"{size:,.1f} GB"
