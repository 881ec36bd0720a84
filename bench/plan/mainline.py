"""Mainline: what the text models of a request can cost at most."""

from collections.abc import Sequence

from bench.attempt import Cell
from bench.errors import BadInput
from bench.prompt import Prompt
from pricing.book import shipped_book
from pricing.charge import Charge, charge_mainline
from pricing.errors import UnknownQuantity
from pricing.rates import RateCard, TokenClass
from pricing.usage import MainlineUsage

# Assumed on 2026-11-22: nobody publishes them. Recorded answers bear 1,500 to 2,500
# input tokens beside the prompt, for the tool's own description; a picture that a
# text model looks at took 3,779 at most where it is published (gpt-4.1-nano).
OVERHEAD_TOKENS = 4_000
PICTURE_TOKENS = 10_000
REASON = (
    "mainline tokens of {model} vary from answer to answer: its input is bound by the "
    "bytes of the prompts, {overhead:,} tokens for the tool and {picture:,} for each "
    "picture (assumed), its output by max_output_tokens"
)

AUTHOR_REASON = (
    "what {model} reads and writes for an SVG varies from answer to answer: it is "
    "bound by the most that it takes in one request, {input:,} tokens in and "
    "{output:,} out ({source}, {checked_on})"
)


def mainline_bound(
    card: RateCard, cell: Cell, turns: Sequence[Prompt]
) -> tuple[Charge, tuple[str, ...]]:
    """The most that the text model can cost in the last of some turns, and why.

    Args:
        card: Its rates.
        cell: Where it is asked.
        turns: Those of the conversation so far, the last one among them.
    """
    pictures = sum(len(turn.pictures) for turn in turns) + len(turns) - 1
    tokens = (
        sum(len(turn.text.encode()) for turn in turns)
        + OVERHEAD_TOKENS
        + pictures * PICTURE_TOKENS
        # What it wrote in the turns before comes back to it.
        + (len(turns) - 1) * cell.max_output_tokens
    )
    most = _dearest(card, tokens, cell.max_output_tokens)
    said = REASON.format(
        model=card.model, overhead=OVERHEAD_TOKENS, picture=PICTURE_TOKENS
    )
    return most, (said,)


def author_bound(card: RateCard) -> tuple[Charge, tuple[str, ...]]:
    """The most that the author of an SVG can cost, and why; by its published limits.

    Raises:
        BadInput: Nobody publishes any.
    """
    try:
        limits = shipped_book().limits(card.model)
    except UnknownQuantity as error:
        raise BadInput(f"svg_model: {error}; name one of them") from None
    said = AUTHOR_REASON.format(
        model=card.model,
        input=limits.input_tokens,
        output=limits.output_tokens,
        source=limits.source,
        checked_on=limits.checked_on,
    )
    return _dearest(card, limits.input_tokens, limits.output_tokens), (said,)


def _dearest(card: RateCard, input_tokens: int, output_tokens: int) -> Charge:
    """So many tokens, all of the input written to the cache where that is dearer."""
    is_dearer = _writes_are_dearer(card, input_tokens)
    return charge_mainline(
        MainlineUsage(
            input_tokens=input_tokens,
            cached_tokens=0,
            cache_write_tokens=input_tokens if is_dearer else 0,
            output_tokens=output_tokens,
        ),
        card,
    )


def _writes_are_dearer(card: RateCard, tokens: int) -> bool:
    if TokenClass.MAINLINE_CACHE_WRITE not in card.rates:
        return False
    written = card.rate(TokenClass.MAINLINE_CACHE_WRITE, tokens).usd
    return written > card.rate(TokenClass.MAINLINE_INPUT, tokens).usd
