"""Priced: an alternative's cost a picture, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bench.errors import BadInput
from bench.scenario import Book, Choice, FromRun, Of, Part
from bench.studies.book_price import book_price
from bench.studies.resampling import Draws
from bench.studies.run_price import Basis, MeasuredRun, RunRecord, mixed
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.money import round_usd, times
from pricing.projection import UnitCost
from pricing.rates import BookRef

ReadRun = Callable[[str], RunRecord]
Mix = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A cost a picture with its sources.

    Attributes:
        how: Where it comes from, in words.
        notes: What it leaves out or takes for granted.
        why_no_band: For a measured cost without one, why.
    """

    unit: UnitCost
    draws: Draws
    how: str
    bases: tuple[Basis, ...] = ()
    books: tuple[BookRef, ...] = ()
    notes: tuple[str, ...] = ()
    why_no_band: str | None = None

    @property
    def n_prompts(self) -> int | None:
        """Prompts behind a measured cost: of the part that has the fewest."""
        return min((basis.measured.n_prompts for basis in self.bases), default=None)

    @property
    def simulated(self) -> bool:
        """Whether an emulator answered behind it."""
        return any(basis.measured.simulated for basis in self.bases)


class Pricer:
    """Prices alternatives one after the other; each run is read once."""

    def __init__(
        self, read_run: ReadRun, today: date, prices: PriceBook | None = None
    ) -> None:
        """Take what reads a run, the day for prices without a date, and the books."""
        self._prices = prices
        self._read_run = read_run
        self._today = today
        self._runs: dict[str, MeasuredRun] = {}
        self._priced: dict[str, Priced] = {}

    def run(self, name: str) -> MeasuredRun:
        """A run and its unit costs.

        Raises:
            BadInput: It has nothing to project from.
        """
        if name not in self._runs:
            self._runs[name] = MeasuredRun(self._read_run(name))
        return self._runs[name]

    def price(self, choice: Choice, mix: Mix | None) -> Priced:
        """The cost a picture of an alternative.

        Raises:
            BadInput: It has no price; names the alternative and says why.
        """
        try:
            found = self._price(choice, choice.mix or mix or (Part(),))
        except (BadInput, PricingError) as error:
            raise BadInput(f"alternative '{choice.name}': {error}") from None
        self._priced[choice.name] = found
        return found

    def _price(self, choice: Choice, mix: Mix) -> Priced:
        if choice.book:
            return self._from_book(choice.book, mix)
        if choice.from_run:
            return self._from_run(choice.from_run, mix)
        if choice.of:
            return self._of(choice.of)
        usd = choice.usd_per_image or Decimal(0)
        draws = Draws(constant_usd=usd)
        return Priced(unit=UnitCost(usd=usd), draws=draws, how="the price as given")

    def _from_book(self, book: Book, mix: Mix) -> Priced:
        found = book_price(book, mix, self._today, self._prices)
        tier = ", batch tier" if book.tier == "batch" else ""
        return Priced(
            unit=UnitCost(usd=found.usd),
            draws=Draws(constant_usd=found.usd),
            how=f"the {book.provider} price book of {book.as_of or self._today}{tier}",
            books=found.books,
            notes=found.notes,
        )

    def _from_run(self, asked: FromRun, mix: Mix) -> Priced:
        run = self.run(asked.run)
        endpoint = run.endpoint(asked)
        bases = run.bases(endpoint, mix)
        unit, draws, why = mixed(bases)
        return Priced(
            unit=unit,
            draws=draws,
            how=f"measured in run {run.run_id} at {endpoint}",
            bases=bases,
            books=run.books(bases),
            why_no_band=why,
        )

    def _of(self, of: Of) -> Priced:
        first, factor = self._priced[of.alternative], of.multiplier

        def scaled(amount: Decimal | None) -> Decimal | None:
            return None if amount is None else round_usd(times(amount, factor))

        unit = UnitCost(
            usd=round_usd(times(first.unit.usd, factor)),
            usd_low=scaled(first.unit.usd_low),
            usd_high=scaled(first.unit.usd_high),
            median_usd=scaled(first.unit.median_usd),
            n=first.unit.n,
        )
        return Priced(
            unit=unit,
            draws=first.draws.scaled(factor),
            how=f"{factor.normalize():f} times the cost of {of.alternative}",
            bases=first.bases,
            books=first.books,
            notes=first.notes,
            why_no_band=first.why_no_band,
        )
