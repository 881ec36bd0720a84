"""Flat prices: whole pictures charged by the piece."""

from decimal import Decimal

from pricing.charge import Charge, Scheme, by_scheme, per_unit_line
from pricing.errors import BadQuantity, BadVariant, UnknownPrice, UnknownQuantity
from pricing.rates import ImagePrice, RateCard
from pricing.variant import AUTO, Size

IMAGE_CLASS = "image"


def charge_images(
    card: RateCard,
    quality: str,
    size: Size | None,
    images: int = 1,
    scheme: Scheme | None = None,
) -> Charge:
    """Charge whole pictures at a card that prices them; one picture is one call."""
    price = image_price(card, quality, size)
    line = per_unit_line(IMAGE_CLASS, 1, price.rate.usd, price.rate.per)
    one = Charge(lines=(line,), books=(card.ref,))
    return by_scheme(one, scheme).times(images)


def charge_flat(
    flat_price: Decimal, images: int = 1, scheme: Scheme | None = None
) -> Charge:
    """Charge pictures at a flat price a picture, known from no book."""
    if flat_price < 0:
        raise BadQuantity("flat_price can't be negative")
    one = Charge(lines=(per_unit_line(IMAGE_CLASS, 1, flat_price),))
    return by_scheme(one, scheme).times(images)


def image_price(card: RateCard, quality: str, size: Size | None) -> ImagePrice:
    """The price of one picture; ``auto`` raises UnknownQuantity."""
    if not card.images:
        raise UnknownPrice(
            f"{card.vendor} prices {card.model} by tokens, not by whole images: "
            "ask in mode estimate or usage"
        )
    qualities = dict.fromkeys(price.quality for price in card.images)
    if quality == AUTO:
        raise UnknownQuantity(
            "quality", f"quality auto may be any of {', '.join(qualities)}"
        )
    if quality not in qualities:
        raise BadVariant(
            f"quality '{quality[:40]}' has no price for {card.model} at {card.vendor}; "
            f"it has {', '.join(qualities)}"
        )
    of_quality = [price for price in card.images if price.quality == quality]
    for price in of_quality:
        if price.size is None or price.size == size:
            return price
    sizes = ", ".join(str(price.size) for price in of_quality)
    if size is None:
        raise UnknownQuantity("size", f"size auto may be any of {sizes}")
    raise BadVariant(f"size {size} has no {quality} price for {card.model}: {sizes}")


def dearest_image(card: RateCard, quality: str, size: Size | None) -> ImagePrice:
    """The dearest price that a picture can turn out as, where ``auto`` is left."""
    possible = [
        price
        for price in card.images
        if quality in {AUTO, price.quality}
        and (size is None or price.size in {None, size})
    ]
    if not possible:
        raise UnknownPrice(f"{card.model} has no price for {quality} at {size or AUTO}")
    return max(possible, key=lambda price: price.rate.usd)
