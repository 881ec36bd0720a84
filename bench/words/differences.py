"""Differences: one side against another in a sentence."""

from dataclasses import dataclass
from decimal import Decimal

from bench.words.figures import dollars, more_or_less, percent, signed_dollars, so_many

FEWEST_PROMPTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Who is compared, and over how many prompts.

    Attributes:
        is_clear: Whether the interval leaves out "no difference".
    """

    first: str
    second: str
    n_prompts: int
    is_clear: bool

    @property
    def basis(self) -> str:
        """How many prompts stand behind a figure."""
        return f"n={so_many(self.n_prompts, 'prompt')}"

    @property
    def is_enough(self) -> bool:
        """Whether so many prompts can show a difference at all."""
        return self.n_prompts >= FEWEST_PROMPTS

    def unsure(self, what: str) -> str:
        """The beginning of a sentence that finds no difference."""
        return f"{what}: no clear difference between {self.first} and {self.second}"

    def too_few(self, what: str) -> str:
        """A sentence that refuses to tell."""
        return (
            f"{what}: too few prompts to tell {self.second} from {self.first} "
            f"({self.basis}; {FEWEST_PROMPTS} are needed)"
        )


def cost_sentence(
    sides: Sides,
    first_per_image: Decimal | None,
    second_per_image: Decimal | None,
    interval_usd: tuple[Decimal, Decimal] | None,
) -> str:
    """Dollars an image of the second side against the first."""
    if first_per_image is None or second_per_image is None:
        return "cost: no pair of pictures whose price is known on both sides"
    step = second_per_image - first_per_image
    if step == 0:
        return (
            f"cost: {sides.second} and {sides.first} cost the same, "
            f"{dollars(first_per_image)} an image ({sides.basis})"
        )
    bounds = _bounds(interval_usd)
    figures = f"{signed_dollars(step)} an image ({sides.basis}, {bounds})"
    if sides.is_enough and not sides.is_clear:
        return f"{sides.unsure('cost')}: {figures}"
    amount = _amount(second_per_image, first_per_image)
    return f"cost: {sides.second} costs {amount} {sides.first}: {figures}"


def _bounds(interval_usd: tuple[Decimal, Decimal] | None) -> str:
    if interval_usd is None:
        return "too few for an interval"
    if interval_usd[0] == interval_usd[1]:
        return "the same for every prompt"
    low, high = map(signed_dollars, interval_usd)
    if low == high:
        return "95% interval too narrow to show"
    return f"95% interval {low} to {high}"


def _amount(usd: Decimal, than_usd: Decimal) -> str:
    if not than_usd:
        return "more than"
    if usd >= 2 * than_usd:
        return f"{usd / than_usd:.1f} times as much as"
    return more_or_less(float(usd / than_usd - 1), "more", "less") + " than"


def time_sentence(
    sides: Sides, ratio: float | None, interval: tuple[float, float] | None
) -> str:
    """Service time of the second side against the first, as ratios."""
    what = "service time"
    if ratio is None:
        return f"{what}: no pair of answers that were both ok and timed"
    if not interval:
        return sides.too_few(what)
    low, high = interval
    figures = f"95% interval {_slower(low)} to {_slower(high)}, {sides.basis}"
    if not sides.is_clear:
        return f"{sides.unsure(what)} ({_slower(ratio)}, {figures})"
    return f"{what}: {sides.second} {_slower(ratio)} than {sides.first}, {figures}"


def _slower(ratio: float) -> str:
    return more_or_less(ratio - 1, "slower", "faster")


def success_sentence(
    sides: Sides, shares: tuple[float, float] | None, n_pairs: int, p: float | None
) -> str:
    """Share of ok trials of the second side against the first."""
    what = "success"
    if shares is None:
        return f"{what}: no pair of trials that both ended"
    first, second = shares
    figures = (
        f"{sides.first} {percent(first)}, {sides.second} {percent(second)} "
        f"of {so_many(n_pairs, 'pair')}"
    )
    if not sides.is_enough:
        return f"{sides.too_few(what)}: {figures}"
    if not sides.is_clear:
        return f"{sides.unsure(what)} ({figures})"
    step = f"{abs(second - first) * 100:.1f} points {_higher(second - first)}"
    test = "" if p is None else f", McNemar p={p:.2g}"
    return f"{what}: {sides.second} {step} than {sides.first} ({figures}{test})"


def _higher(step: float) -> str:
    return "higher" if step >= 0 else "lower"
