"""Calls: a bill that has a row a call, against our attempts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bench.store.queries import Row
from pricing.book import PriceBook
from pricing.charge import charge
from pricing.errors import PricingError
from pricing.money import plus
from pricing.usage import Usage

_COUNTS = (
    *("input_text_tokens", "input_image_tokens", "cached_text_tokens"),
    *("output_image_tokens", "output_text_tokens"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGroup:
    """Calls of a model of which bill and record say alike.

    Attributes:
        verdict: same; said_0 (we charged it, the bill says 0 or nothing); lower,
            higher (than our charge); unknown (we have no charge); only_billed;
            only_ours; book (not compared with attempts: the bill's own tokens at
            our book, which is then `charge_usd`).
    """

    model: str
    verdict: str
    n: int
    billed_usd: Decimal | None
    charge_usd: Decimal | None


def call_groups(
    book: PriceBook, calls: Iterable[Row], lines: Iterable[Row]
) -> tuple[CallGroup, ...]:
    """Calls by model and verdict, and the bill's own tokens at our prices.

    `calls` and `lines` are rows of `bench.store.bills`; the counts of `lines` are
    the bill's own.
    """
    groups: dict[tuple[str, str], CallGroup] = {}
    for row in calls:
        key = (row["model"], row["verdict"])
        group = CallGroup(
            model=row["model"],
            verdict=row["verdict"],
            n=row["n"],
            billed_usd=row["billed_usd"],
            charge_usd=row["charge_usd"],
        )
        groups[key] = _sum(groups.get(key), group)
    for group in _at_book(book, lines):
        groups[group.model, "book"] = _sum(groups.get((group.model, "book")), group)
    return tuple(groups[key] for key in sorted(groups))


def _at_book(book: PriceBook, lines: Iterable[Row]) -> Iterator[CallGroup]:
    for line in lines:
        if not line["output_image_tokens"] or line["model"] is None:
            continue
        counts = {name: line[name] for name in _COUNTS}
        usd = _book_usd(book, line["model"], line["day"], counts)
        yield CallGroup(
            model=line["model"],
            verdict="book",
            n=line["n_rows"],
            billed_usd=line["amount"],
            charge_usd=usd,
        )


def _book_usd(
    book: PriceBook, model: str, day: date, counts: dict[str, int | None]
) -> Decimal | None:
    for name in (model, model.rpartition("/")[2]):
        try:
            return charge(Usage(**counts), book.card("openai", name, day)).usd
        except PricingError:
            continue
    return None


def _sum(before: CallGroup | None, group: CallGroup) -> CallGroup:
    if before is None:
        return group
    return CallGroup(
        model=group.model,
        verdict=group.verdict,
        n=before.n + group.n,
        billed_usd=_plus(before.billed_usd, group.billed_usd),
        charge_usd=_plus(before.charge_usd, group.charge_usd),
    )


def _plus(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    """A sum; unknown where a part of it is."""
    return None if amount is None or other is None else plus(amount, other)
