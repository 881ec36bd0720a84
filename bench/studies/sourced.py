"""Sourced: what a picture of each part of a mix costs, and who says so."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bench.errors import BadInput
from bench.scenario.form import Book, Choice, FromRun, Part
from bench.studies.book_price import BookPricer, PartUsd, has_own_prices, kinds_of
from bench.studies.resampling import Draws
from bench.studies.run_price import Basis, MeasuredRun
from pricing.rates import BookRef

Mix = tuple[Part, ...]
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPrice:
    """A part of a mix, and what a picture of it costs.

    Attributes:
        low_usd, high_usd: The 90 % band of a measured price; None without one.
        draws: A measured price redrawn; None where the price is given.
        batch_usd: None where the batch tier is not asked for.
        ok_usd: Of a measured price, an image of the trials that were ok alone.
    """

    part: Part
    usd: Decimal
    medium_usd: Decimal = _NONE
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None
    draws: Draws | None = None
    batch_usd: Decimal | None = None
    batch_medium_usd: Decimal = _NONE
    ok_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Prices of the parts of a mix from one place.

    Attributes:
        how: Where they come from, in words.
        rates_of: The book whose rates they follow; None where they are their own.
        as_of: The day that they hold for.
        bases: What was measured; empty where prices are given.
        ends: The first day on which a model can't be bought any more.
        why_no_band: For measured prices without one, why.
    """

    parts: tuple[PartPrice, ...]
    how: str
    rates_of: str | None = None
    as_of: date | None = None
    bases: tuple[Basis, ...] = ()
    books: tuple[BookRef, ...] = ()
    notes: tuple[str, ...] = ()
    ends: tuple[tuple[str, date], ...] = ()
    why_no_band: str | None = None

    def said_by(self, number: int) -> str:
        """Who says the price of a part, counted from 1, and on how many it rests."""
        if not self.bases:
            checked = sorted({str(ref.checked_on) for ref in self.books})
            return f"{self.how}, checked {checked[0]}" if checked else self.how
        basis = self.bases[number - 1]
        n_prompts = basis.measured.n_prompts
        return f"{self.how}, n={basis.unit.n:,} images of {n_prompts} prompts"


def from_price(choice: Choice, mix: Mix, *, batch: bool) -> Source:
    """The price that a scenario gives.

    Raises:
        BadInput: A batch price is asked for and not given.
    """
    if batch and choice.batch_usd_per_image is None:
        raise BadInput(
            "batch_share: there is no batch price; give batch_usd_per_image, or "
            "batch_share: 0 here"
        )
    usd = choice.usd_per_image or _NONE
    one = PartPrice(
        part=Part(), usd=usd, batch_usd=choice.batch_usd_per_image if batch else None
    )
    return Source(
        parts=tuple(replace(one, part=part) for part in mix), how="the price as given"
    )


def from_book(pricer: BookPricer, book: Book, mix: Mix, *, batch: bool) -> Source:
    """The prices of a book, with its batch tier beside them if that is asked for.

    Raises:
        BadInput: There is no such price on that day.
    """
    try:
        found = pricer.price(book, mix)
    except BadInput as error:
        cure = "; else leave tier: batch out" if book.tier == "batch" else ""
        raise BadInput(f"{error}{cure}") from None
    beside: tuple[PartUsd | None, ...] = (None,) * len(mix)
    if batch:
        try:
            in_batch = book.model_copy(update={"tier": "batch"})
            beside = pricer.price(in_batch, mix).parts
        except BadInput as error:
            cure = "else give batch_share: 0 here"
            raise BadInput(f"batch_share: {error}; {cure}") from None
    tier = ", batch tier" if book.tier == "batch" else ""
    return Source(
        parts=tuple(map(_part_price, mix, found.parts, beside)),
        how=f"the {book.provider} price book of {pricer.day(book)}{tier}"
        f"{_scheme_words(book)}",
        rates_of=None if has_own_prices(book) else book.provider,
        as_of=pricer.day(book),
        books=found.books,
        notes=found.notes,
        ends=found.ends,
    )


def _part_price(part: Part, price: PartUsd, batch: PartUsd | None) -> PartPrice:
    return PartPrice(
        part=part,
        usd=price.usd,
        medium_usd=price.medium_usd,
        batch_usd=batch and batch.usd,
        batch_medium_usd=batch.medium_usd if batch else _NONE,
    )


def _scheme_words(book: Book) -> str:
    if book.multiplier is not None:
        return f" times {book.multiplier.normalize():f}"
    if book.scheme is None:
        return ""
    kinds = ", then ".join(kind.replace("_", " ") for kind in kinds_of(book))
    return f" under a gateway's scheme ({kinds})"


def from_run(run: MeasuredRun, asked: FromRun, mix: Mix, *, batch: bool) -> Source:
    """What usable pictures cost in a run.

    Raises:
        BadInput: The run has no such picture, or a batch price is asked for.
    """
    if batch:
        raise BadInput(
            "batch_share: a cost that was measured in a run has no batch price; give "
            "batch_share: 0 here, or a book"
        )
    endpoint = run.endpoint(asked)
    bases = run.bases(endpoint, mix)
    return Source(
        parts=tuple(
            _measured(run, part, b) for part, b in zip(mix, bases, strict=True)
        ),
        how=f"measured in run {run.run_id} at {endpoint}",
        bases=bases,
        books=run.books(bases),
        why_no_band=next(
            (b.measured.why_no_band for b in bases if b.measured.why_no_band), None
        ),
    )


def _measured(run: MeasuredRun, part: Part, basis: Basis) -> PartPrice:
    return PartPrice(
        part=part,
        usd=basis.unit.usd,
        medium_usd=run.medium_usd(basis),
        low_usd=basis.unit.usd_low,
        high_usd=basis.unit.usd_high,
        draws=basis.measured.draws,
        ok_usd=basis.measured.ok_usd,
    )


def part_words(part: Part) -> str:
    """What is asked for a part, in words."""
    asked = tuple(v for v in (part.model, part.quality, part.size, part.asked) if v)
    return " ".join(asked) if asked else "any picture"
