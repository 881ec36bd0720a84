"""Doubts: where picture, answer and request don't agree; pure."""

import re

from bench.attempt import Billing, Cell, Outcome, Served
from bench.wire.reading import Reading
from bench.wire.usage import AUTHOR_ABSENT, AUTHOR_UNREADABLE, AUTHOR_ZERO
from pricing.errors import PricingError
from pricing.variant import parse_size

SVG = "svg"
_SNAPSHOT = re.compile("-20[0-9]{2}-[0-9]{2}-[0-9]{2}$")
_TOLD = frozenset({AUTHOR_ZERO, AUTHOR_UNREADABLE})
_PAID = frozenset({Billing.BILLED, Billing.BILLED_UNUSABLE})


def doubts_of(
    cell: Cell,
    reading: Reading,
    seen: Served,
    n_pictures: int,
    author: str | None = None,
) -> tuple[str, ...]:
    """A word for each doubt.

    Args:
        cell: What was asked.
        reading: What the answer says.
        seen: What the bytes of its first picture say.
        n_pictures: How many it holds.
        author: What the price book calls the author of an SVG that was asked for.
    """
    stated = reading.served
    checks = (
        ("size_not_as_asked", cell.text("size"), seen.size),
        ("format_not_as_asked", cell.text("output_format"), seen.format),
        ("quality_not_as_asked", cell.text("quality"), stated.quality),
        ("size_misstated", stated.size, seen.size),
        ("format_misstated", stated.format, seen.format),
    )
    found = tuple(
        word
        for word, wanted, got in checks
        if wanted not in {None, "auto"}
        and got not in {None, "auto", wanted}
        and not (seen.format == SVG and _is_same_shape(wanted, got))
    )
    too_few = reading.outcome is Outcome.OK and n_pictures != cell.n
    return (
        *found,
        *(("images_not_as_asked",) if too_few else ()),
        *(_of_author(cell, reading, author) if reading.billing in _PAID else ()),
    )


def _is_same_shape(wanted: str | None, got: str | None) -> bool:
    """Whether two sizes differ in scale alone, which an SVG has not."""
    try:
        one, other = parse_size(wanted or ""), parse_size(got or "")
    except PricingError:
        return False
    if one is None or other is None:
        return False
    return one.width_px * other.height_px == other.width_px * one.height_px


def _of_author(cell: Cell, reading: Reading, author: str | None) -> tuple[str, ...]:
    """What is odd about the text model that wrote an SVG, or should have."""
    asked, told = cell.author_model, reading.served.svg_model
    if asked is None:
        has_some = reading.author is not None and any(reading.author.values())
        return ("svg_usage_unasked",) if has_some else ()
    found = ("svg_model_not_as_asked",) if _is_other({asked, author}, told) else ()
    is_absent = reading.author is None and not _TOLD.intersection(reading.flags)
    return (*found, AUTHOR_ABSENT) if is_absent else found


def _is_other(asked: set[str | None], told: str | None) -> bool:
    """Whether another model answered; a dated snapshot is the one that was asked."""
    return told is not None and asked.isdisjoint({told, _SNAPSHOT.sub("", told)})
