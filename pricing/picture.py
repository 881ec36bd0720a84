"""Picture: whole pictures charged at a price a picture or a megapixel."""

from decimal import Decimal

from pricing.charge import (
    IMAGE_CLASS,
    INPUT_UNKNOWN,
    MEGAPIXEL_CLASS,
    Charge,
    LineItem,
    own_flag,
    per_unit_line,
    split_cached,
)
from pricing.errors import BadQuantity, BadVariant, UnknownPrice, UnknownQuantity
from pricing.money import round_up, round_usd
from pricing.rates import ImagePrice, RateCard, TokenClass
from pricing.usage import Usage, check_quantity
from pricing.variant import AUTO, Size

_INPUTS = (
    (TokenClass.INPUT_TEXT, TokenClass.CACHED_TEXT),
    (TokenClass.INPUT_IMAGE, TokenClass.CACHED_IMAGE),
)


def charge_images(
    card: RateCard,
    quality: str,
    size: Size | None,
    images: int = 1,
    inputs: Usage | None = None,
) -> Charge:
    """Charge the whole pictures of one call at a card that prices them.

    Where the card prices input tokens too, those of the call stand in ``inputs``; an
    input that is not known counts 0 and is flagged. A card that rounds up does so for
    the call.
    """
    price = image_price(card, quality, size)
    return _call(card, _picture_line(price, size, images), inputs)


def charge_dearest(
    card: RateCard,
    quality: str,
    size: Size | None,
    images: int = 1,
    inputs: Usage | None = None,
) -> Charge:
    """The most that whole pictures can cost where quality or size is ``auto``."""
    price = dearest_image(card, quality, size)
    return _call(card, _picture_line(price, size or price.size, images), inputs)


def charge_flat(flat_price: Decimal) -> Charge:
    """Charge one picture at a flat price, known from no book."""
    if flat_price < 0:
        raise BadQuantity("flat_price can't be negative")
    return Charge(lines=(per_unit_line(IMAGE_CLASS, 1, flat_price),))


def image_price(card: RateCard, quality: str, size: Size | None) -> ImagePrice:
    """The price of one picture; ``auto`` raises UnknownQuantity."""
    if not card.images:
        raise UnknownPrice(
            f"{card.vendor} prices {card.title} by tokens, not by whole images: "
            "ask in mode estimate or usage"
        )
    qualities = dict.fromkeys(price.quality for price in card.images)
    if quality == AUTO and _is_one_price(card):
        return card.images[0]
    quality = _settled(card, quality, tuple(qualities))
    of_quality = [price for price in card.images if price.quality == quality]
    sizes = ", ".join(str(price.size or "any other") for price in of_quality)
    by_size = {price.size: price for price in of_quality}
    if size is None and (len(by_size) > 1 or None not in by_size):
        raise UnknownQuantity("size", f"size auto may be any of {sizes}")
    found = by_size.get(size) or by_size.get(None)
    if found is None:
        raise BadVariant(
            f"size {size} has no {quality} price for {card.model}: {sizes}"
        )
    if found.per_px and size is None:
        raise UnknownQuantity(
            "size", f"{card.model} is priced by the megapixel, and size auto is open"
        )
    return found


def _settled(card: RateCard, quality: str, known: tuple[str, ...]) -> str:
    """The quality that a picture will have; one that is left to chance raises."""
    if quality == AUTO and len(known) == 1:
        return known[0]
    if quality == AUTO:
        raise UnknownQuantity(
            "quality", f"quality auto may be any of {', '.join(known)}"
        )
    if quality not in known:
        raise BadVariant(
            f"quality '{quality[:40]}' has no price for {card.title} at {card.vendor}; "
            f"it has {', '.join(known)}"
        )
    return quality


def _is_one_price(card: RateCard) -> bool:
    """Whether every picture costs the same, whatever its quality and size."""
    prices = {(price.rate.usd, price.size, price.per_px) for price in card.images}
    return prices == {(card.images[0].rate.usd, None, None)}


def dearest_image(card: RateCard, quality: str, size: Size | None) -> ImagePrice:
    """The dearest price that a picture can turn out as, where ``auto`` is left."""
    possible = [
        price
        for price in card.images
        if quality in {AUTO, price.quality}
        and (size is None or price.size in {None, size})
        and not (size is None and price.per_px)
    ]
    if not possible:
        raise UnknownPrice(f"{card.model} has no price for {quality} at {size or AUTO}")
    return max(possible, key=lambda price: price.rate.usd)


def _call(card: RateCard, pictures: LineItem, inputs: Usage | None) -> Charge:
    """One call: its pictures, its input tokens, and what is rounded up."""
    lines, flags = _input_lines(card, inputs or Usage())
    due = dict.fromkeys(flag for flag in (*flags, own_flag(card)) if flag)
    found = Charge(lines=(pictures, *lines), flags=tuple(due), books=(card.ref,))
    if card.round_up_usd is None:
        return found
    whole = round_usd(round_up(found.usd, card.round_up_usd))
    return found if whole == found.usd else found.adjusted_to(whole)


def _picture_line(price: ImagePrice, size: Size | None, images: int) -> LineItem:
    """The pictures of a call, or the whole megapixels that they begin."""
    check_quantity("the number of pictures", images)
    rate = price.rate
    if price.per_px is None or size is None:
        return per_unit_line(IMAGE_CLASS, images, rate.usd, rate.per)
    begun = -(-size.area_px // price.per_px)
    return per_unit_line(MEGAPIXEL_CLASS, images * begun, rate.usd, rate.per)


def _input_lines(
    card: RateCard, inputs: Usage
) -> tuple[list[LineItem], list[str | None]]:
    """Lines of the inputs that the card prices, and the flags that are due."""
    lines: list[LineItem] = []
    flags: list[str | None] = []
    for plain, cached in _INPUTS:
        whole = getattr(inputs, f"{plain}_tokens")
        if plain not in card.rates:
            if whole:
                raise UnknownPrice(
                    f"the {card.vendor} book has no rate for {plain} tokens "
                    f"of {card.title}"
                )
            continue
        part = getattr(inputs, f"{cached}_tokens")
        counts, flag = split_cached(whole, part)
        flags.append(INPUT_UNKNOWN if whole is None else flag)
        for name, quantity in zip((plain, cached), counts, strict=True):
            if quantity:
                rate = card.rate(name)
                lines.append(per_unit_line(name, quantity, rate.usd, rate.per))
    return lines, flags
