"""Usage: tokens that an answer reports; None is unknown, never 0."""

from dataclasses import dataclass

from pricing.errors import BadQuantity

# Beyond any bill, and small enough that every line fits DECIMAL(38,12).
LARGEST_QUANTITY = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of a whole image request.

    Input totals include their cached part; output totals include partial images.
    """

    input_text_tokens: int | None = None
    cached_text_tokens: int | None = None
    input_image_tokens: int | None = None
    cached_image_tokens: int | None = None
    output_image_tokens: int | None = None
    output_text_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse negative and contradictory quantities."""
        _check_all(self)
        _check_part(
            ("cached_text_tokens", self.cached_text_tokens),
            ("input_text_tokens", self.input_text_tokens),
        )
        _check_part(
            ("cached_image_tokens", self.cached_image_tokens),
            ("input_image_tokens", self.input_image_tokens),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MainlineUsage:
    """Tokens of the text model that drives a Responses call.

    ``input_tokens`` includes the cached and the cache-written part.
    """

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse negative and contradictory quantities."""
        _check_all(self)
        parts = [self.cached_tokens, self.cache_write_tokens]
        known = [part for part in parts if part is not None]
        _check_part(
            ("cached_tokens and cache_write_tokens", sum(known) if known else None),
            ("input_tokens", self.input_tokens),
        )


def _check_all(usage: Usage | MainlineUsage) -> None:
    """Refuse any quantity that is none; charges come by the ten thousand."""
    for name in usage.__slots__:
        quantity = getattr(usage, name)
        if quantity is not None and not (
            type(quantity) is int and 0 <= quantity <= LARGEST_QUANTITY
        ):
            check_quantity(name, quantity)


def check_quantity(name: str, quantity: int | None) -> None:
    """Refuse a quantity that is no whole number from 0 to 10^12."""
    if quantity is None:
        return
    if isinstance(quantity, bool) or not isinstance(quantity, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadQuantity(f"{name} must be a whole number, not {quantity!r}")
    if quantity < 0:
        raise BadQuantity(f"{name} is {quantity}; a quantity can't be negative")
    if quantity > LARGEST_QUANTITY:
        raise BadQuantity(f"{name} passes 10^12, which no request can use")


def _check_part(part: tuple[str, int | None], whole: tuple[str, int | None]) -> None:
    """Refuse a part that is larger than its whole, or has no whole at all."""
    if not part[1]:
        return
    if whole[1] is None:
        raise BadQuantity(f"{part[0]} is {part[1]} but {whole[0]} is not given")
    if part[1] > whole[1]:
        raise BadQuantity(
            f"{part[0]} ({part[1]}) can't be more than {whole[0]} ({whole[1]}), "
            "which includes it"
        )
