"""Prices: what a request costs, from the emulator's own rates."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bench.emulator.tokens import Usage

SMALLEST_USD = Decimal("0.000000000001")
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens of each class that the Images API reports."""

    input_text: Decimal
    input_image: Decimal
    output_image: Decimal
    output_text: Decimal = Decimal(0)


def _rates(text_in: str, image_in: str, image_out: str, text_out: str = "0") -> Rates:
    return Rates(
        input_text=Decimal(text_in),
        input_image=Decimal(image_in),
        output_image=Decimal(image_out),
        output_text=Decimal(text_out),
    )


RATES = {
    "gpt-image-1": _rates("5", "10", "40"),
    "gpt-image-1-mini": _rates("2", "2.5", "8"),
    "gpt-image-1.5": _rates("5", "8", "32", "10"),
    "gpt-image-2": _rates("5", "8", "30"),
    "gpt-image-2.5": _rates("5", "8", "30"),
    "gpt-image-2.6": _rates("5", "8", "30"),
}
PER_IMAGE = {
    ("dall-e-2", "standard", "256x256"): Decimal("0.016"),
    ("dall-e-2", "standard", "512x512"): Decimal("0.018"),
    ("dall-e-2", "standard", "1024x1024"): Decimal("0.020"),
    ("dall-e-3", "standard", "1024x1024"): Decimal("0.040"),
    ("dall-e-3", "standard", "1024x1792"): Decimal("0.080"),
    ("dall-e-3", "standard", "1792x1024"): Decimal("0.080"),
    ("dall-e-3", "hd", "1024x1024"): Decimal("0.080"),
    ("dall-e-3", "hd", "1024x1792"): Decimal("0.120"),
    ("dall-e-3", "hd", "1792x1024"): Decimal("0.120"),
}


def rounded(usd: Decimal) -> Decimal:
    """Round to 12 decimals, half to even."""
    return usd.quantize(SMALLEST_USD, context=EXACT)


def token_price_usd(kin: str, usage: Usage) -> Decimal:
    """Return the list price: each class rounded once, then summed."""
    rates = RATES[kin]
    lines = (
        (usage.input_text_tokens, rates.input_text),
        (usage.input_image_tokens, rates.input_image),
        (usage.output_image_tokens, rates.output_image),
        (usage.output_text_tokens, rates.output_text),
    )
    total = Decimal(0)
    for quantity, rate in lines:
        line = EXACT.divide(EXACT.multiply(Decimal(quantity), rate), MILLION)
        total = EXACT.add(total, rounded(line))
    return total


def batched(list_usd: Decimal) -> Decimal:
    """Return what a line of a batch costs: half of the list price, rounded once."""
    return rounded(EXACT.divide(list_usd, Decimal(2)))


def scaled(list_usd: Decimal, factor: Decimal) -> Decimal:
    """Return a gateway's price: the list price times its factor, rounded once."""
    return rounded(EXACT.multiply(list_usd, factor))


def usd_text(usd: Decimal) -> str:
    """Write an amount as a plain decimal string without trailing zeros."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
