"""Whole price: rates and steps as whole numbers, for SQL."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from bench.store.price_rows import (
    FLAT,
    ROUNDED_UP,
    SCALED,
    PriceRow,
    Ratio,
    Step,
)
from bench.studies.asked_price import AskedPrice
from pricing.charge import IMAGE_CLASS, LineItem
from pricing.errors import PricingError
from pricing.money import line_usd, ratio, round_up, round_usd, times
from pricing.picture import charge_images
from pricing.rates import Rate, RateCard, TokenClass
from pricing.scheme import Scheme
from pricing.steps import (
    PX_PER_MEGAPIXEL,
    Credits,
    Fee,
    FlatPerCall,
    Megapixels,
    Multiplier,
    PerClass,
    RoundUp,
)
from pricing.steps import Step as SchemeStep
from pricing.variant import Size, parse_size

_E12 = 10**12
# A quantity of 10^12 times such a number still fits 128 bits.
_LARGEST = 10**25
_INPUTS = (
    (TokenClass.INPUT_TEXT, TokenClass.CACHED_TEXT),
    (TokenClass.INPUT_IMAGE, TokenClass.CACHED_IMAGE),
)
_Rates = Mapping[TokenClass, Rate]
_Own = Mapping[str, Decimal]


class _NoWholeNumbersError(Exception):
    """SQL can't hold the price, or not multiply it as pricing does."""


def price_rows(price_id: int, price: AskedPrice) -> tuple[PriceRow, ...]:
    """The rows of a price, two where one has a long context."""
    if price.card is None:
        return (PriceRow(price_id=price_id, has_price=False),)
    try:
        if price.author is not None:
            # Whose long inputs have rates of their own, apart from the other models'.
            raise _NoWholeNumbersError  # noqa: TRY301  as those raised below
        if price.card.images:
            return (_of_pictures(price_id, price, price.card),)
        return _of_tokens(price_id, price, price.card)
    except (_NoWholeNumbersError, PricingError):
        return (PriceRow(price_id=price_id, is_for_python=True),)


def _of_tokens(
    price_id: int, price: AskedPrice, card: RateCard
) -> tuple[PriceRow, ...]:
    own, steps = _own_rates(price.scheme), _steps(price.scheme, None)
    rates = _rates(card.rates, own)
    text = price.mainline
    if text is None:
        return (PriceRow(price_id=price_id, rates=rates, steps=steps),)
    above = text.long_above_tokens
    contexts = [(False, text.rates)]
    contexts += [] if above is None else [(True, text.long_rates)]
    return tuple(
        PriceRow(
            price_id=price_id,
            is_long=is_long,
            long_above_tokens=above,
            has_mainline=True,
            rates={**rates, **_rates(of_text, own)},
            steps=steps,
        )
        for is_long, of_text in contexts
    )


def _of_pictures(price_id: int, price: AskedPrice, card: RateCard) -> PriceRow:
    """The pictures of a request cost the same each time."""
    if price.mainline is not None:
        raise _NoWholeNumbersError
    own = _own_rates(price.scheme)
    if own and card.round_up_usd is not None:
        # Its rounding is taken from the direct rates, then stays as it is.
        raise _NoWholeNumbersError
    quality = price.cell.text("quality") or "auto"
    size = parse_size(price.cell.text("size") or "auto")
    line = charge_images(card, quality, size, price.cell.n).lines[0]
    rounded = () if card.round_up_usd is None else (_rounded_up(card.round_up_usd),)
    kept = [name for pair in _INPUTS if pair[0] in card.rates for name in pair]
    return PriceRow(
        price_id=price_id,
        picture_e12=_whole(_line_usd(line, own)),
        n_pictures=price.cell.n,
        takes_inputs=bool(card.rates),
        rates=_rates({n: r for n, r in card.rates.items() if n in kept}, own),
        steps=(*rounded, *_steps(price.scheme, _pictures_px(line, size))),
    )


def _pictures_px(line: LineItem, size: Size | None) -> int | None:
    return size.area_px if size and line.name == IMAGE_CLASS else None


def _line_usd(line: LineItem, own: _Own) -> Decimal:
    rate = own.get(line.name)
    return line.usd if rate is None else line_usd(line.quantity, rate, line.per)


def _rates(rates: _Rates, own: _Own) -> dict[str, Ratio]:
    """Rates by class, a scheme's own ones over those of the book."""
    return {
        str(name): _ratio(Fraction(own.get(name, rate.usd)) * _E12 / rate.per)
        for name, rate in rates.items()
    }


def _own_rates(scheme: Scheme | None) -> _Own:
    steps = scheme.steps if scheme else ()
    found = [step.rates for step in steps if isinstance(step, PerClass)]
    if len(found) > 1:
        # Each changes the total by what it alone would: no set of rates says that.
        raise _NoWholeNumbersError
    return found[0] if found else {}


def _steps(scheme: Scheme | None, pictures_px: int | None) -> tuple[Step, ...]:
    """The steps behind a scheme's own rates: on the call first, then on its total."""
    steps = [s for s in (scheme.steps if scheme else ()) if not isinstance(s, PerClass)]
    steps.sort(key=lambda step: step.is_on_total)
    return tuple(_step(step, pictures_px) for step in steps)


def _step(step: SchemeStep, pictures_px: int | None) -> Step:
    match step:
        case Multiplier():
            return _scaled(Fraction(step.factor))
        case FlatPerCall():
            return Step(kind=FLAT, ratio=Ratio(by=_whole(round_usd(step.usd))))
        case RoundUp():
            return _rounded_up(step.to_usd)
        case Megapixels():
            return _scaled(_megapixels(step, pictures_px))
        case Credits():
            return _scaled(1 / Fraction(step.per_usd))
        case Fee() if step.purchase_usd is None:
            return _scaled(1 + Fraction(step.share))
        case _:
            raise _NoWholeNumbersError


def _megapixels(step: Megapixels, pictures_px: int | None) -> Fraction:
    if pictures_px is None:
        raise _NoWholeNumbersError
    begun = round_up(Decimal(pictures_px), times(step.to_megapixel, PX_PER_MEGAPIXEL))
    return Fraction(ratio(begun, Decimal(PX_PER_MEGAPIXEL)))


def _scaled(factor: Fraction) -> Step:
    return Step(kind=SCALED, ratio=_ratio(factor))


def _rounded_up(to_usd: Decimal) -> Step:
    return Step(kind=ROUNDED_UP, ratio=_ratio(Fraction(to_usd) * _E12))


def _ratio(value: Fraction) -> Ratio:
    if value.numerator >= _LARGEST or value.denominator >= _LARGEST:
        raise _NoWholeNumbersError
    return Ratio(by=value.numerator, to=value.denominator)


def _whole(usd: Decimal) -> int:
    """Dollars of a rounded line, in 10^-12."""
    return int(times(usd, _E12))
