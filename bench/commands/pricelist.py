"""Price list: what `prices` found, as tables and as JSON."""

from collections.abc import Iterable, Sequence
from datetime import date

import typer

from bench.studies.booklist import AssumedBound, Change, priced
from bench.words.figures import so_many
from bench.words.printable import printable
from bench.words.tables import print_table
from pricing.book import PriceBook
from pricing.money import usd_text
from pricing.rates import Rate, RateCard, TokenClass

LIST_SCHEMA = "pixelmeter.prices/1"
SHOW_SCHEMA = "pixelmeter.prices.show/1"
DIFF_SCHEMA = "pixelmeter.prices.diff/1"
CHECK_SCHEMA = "pixelmeter.prices.check/1"
BOUNDS_SCHEMA = "pixelmeter.prices.bounds/1"
Json = dict[str, object]
_SHORT = {
    TokenClass.INPUT_TEXT: "text in",
    TokenClass.CACHED_TEXT: "cached",
    TokenClass.INPUT_IMAGE: "image in",
    TokenClass.CACHED_IMAGE: "cached",
    TokenClass.OUTPUT_IMAGE: "image out",
    TokenClass.OUTPUT_TEXT: "text out",
    TokenClass.MAINLINE_INPUT: "in",
    TokenClass.MAINLINE_CACHED: "cached",
    TokenClass.MAINLINE_CACHE_WRITE: "cache write",
    TokenClass.MAINLINE_OUTPUT: "out",
}


def print_cards(cards: Sequence[RateCard], day: date) -> None:
    """One line a model and tier, its prices in short."""
    if not cards:
        typer.echo(f"no price holds on {day} of what was asked for")
        return
    print_table(
        [
            *(("model", False), ("vendor", False), ("tier", False)),
            *(("USD", False), ("from", False), ("until", False), ("checked", False)),
        ],
        [
            _shown(
                card.model,
                f"{card.vendor}{' (own)' if card.own else ''}",
                str(card.tier),
                _in_short(card),
                str(card.valid_from),
                str(card.valid_until or ""),
                str(card.checked_on),
            )
            for card in cards
        ],
    )
    typer.echo(
        f"{so_many(len(cards), 'card')} on {day}; tokens by the million; until is the "
        "first day that is not billable"
    )


def _in_short(card: RateCard) -> str:
    """The prices of a card on one line."""
    rates = [f"{_SHORT[name]} {usd_text(r.usd)}" for name, r in card.rates.items()]
    prices = sorted(price.rate.usd for price in card.images)
    if prices:
        low, high = usd_text(prices[0]), usd_text(prices[-1])
        unit = "megapixel" if any(price.per_px for price in card.images) else "picture"
        rates.insert(0, f"a {unit} {low if low == high else f'{low} to {high}'}")
    if card.round_up_usd is not None:
        rates.append(f"rounded up to {usd_text(card.round_up_usd)}")
    return ", ".join(rates)


def print_history(book: PriceBook, cards: Sequence[RateCard]) -> None:
    """Every rate of every card, with its source."""
    rows: list[list[str]] = []
    for card in cards:
        own = " (own)" if card.own else ""
        for one in priced(card):
            head = (f"{card.vendor}{own}", card.tier, str(card.valid_from))
            until = str(card.valid_until or "")
            figures = (one.name, usd_text(one.rate.usd), one.per)
            trust = (str(one.rate.confidence), str(one.rate.checked_on))
            rows.append(_shown(*head, until, *figures, *trust, one.rate.source))
    print_table(
        [
            *(("vendor", False), ("tier", False), ("from", False), ("until", False)),
            *(("class", False), ("USD", True), ("per", False)),
            *(("confidence", False), ("checked", False), ("source", False)),
        ],
        rows,
    )
    for note in _life_notes(book, cards):
        typer.echo(note)


def _life_notes(book: PriceBook, cards: Sequence[RateCard]) -> Iterable[str]:
    """What the dates leave open."""
    for vendor, model in dict.fromkeys((card.vendor, card.model) for card in cards):
        for life in book.models:
            if (life.vendor, life.name) == (vendor, model) and life.known_only:
                yield printable(
                    f"{vendor}: known from {life.released}, the day the price was "
                    "read; what held before is not confirmed"
                )
    for card in cards:
        if card.round_up_usd is not None:
            yield printable(
                f"{card.vendor}: each request is rounded up to "
                f"{usd_text(card.round_up_usd)} USD"
            )


def print_changes(found: Sequence[Change], first: date, second: date) -> None:
    """One line a rate that is new, gone or another."""
    if not found:
        typer.echo(f"nothing changed from {first} to {second}")
        return
    print_table(
        [
            *(("model", False), ("", False), ("vendor", False), ("tier", False)),
            *(
                ("class", False),
                (str(first), True),
                (str(second), True),
                ("why", False),
            ),
        ],
        [
            _shown(
                change.model,
                change.sign,
                change.vendor,
                change.tier,
                change.name,
                _usd(change.before) or "-",
                _usd(change.after) or "-",
                change.why,
            )
            for change in found
        ],
    )
    counts = {sign: sum(c.sign == sign for c in found) for sign in "+-~"}
    typer.echo(f"{counts['+']} new, {counts['-']} gone, {counts['~']} another")


def print_check(texts: Iterable[str], faults: Sequence[str]) -> None:
    """Every fault on a line of its own, or one sentence that all is well."""
    for fault in faults:
        typer.echo(printable(fault))
    files = len(list(texts))
    if not faults:
        typer.echo(f"{so_many(files, 'book')} checked: nothing is wrong")


def print_bounds(found: Sequence[AssumedBound]) -> None:
    """One line a model and quantity."""
    print_table(
        [
            *(("model", False), ("quantity", False), ("tokens", True), ("USD", True)),
            *(("basis", False), ("checked", False), ("source", False)),
        ],
        [
            _shown(
                bound.model,
                bound.quantity,
                f"{bound.tokens:,}",
                "no rate" if bound.usd is None else usd_text(bound.usd),
                "assumed" if bound.is_assumed else "source",
                str(bound.checked_on),
                bound.source,
            )
            for bound in found
        ],
    )
    typer.echo(
        "a bound reserves money in a run and never answers a price question; "
        "dollars at OpenAI's standard rate"
    )


def list_answer(cards: Iterable[RateCard], day: date) -> Json:
    """The cards of a day."""
    listed = [_card(card) for card in cards]
    return {"schema": LIST_SCHEMA, "as_of": str(day), "cards": listed}


def history_answer(book: PriceBook, model: str, cards: Iterable[RateCard]) -> Json:
    """The cards of a model, and what its dates mean."""
    lives = {(life.vendor, life.name): life for life in book.models}
    listed: list[Json] = []
    for card in cards:
        life = lives[card.vendor, card.model]
        listed.append(_card(card) | {"known_only": life.known_only})
    return {"schema": SHOW_SCHEMA, "model": model, "cards": listed}


def diff_answer(found: Iterable[Change], first: date, second: date) -> Json:
    """What changed between two days."""
    listed = [
        {
            "sign": change.sign,
            "vendor": change.vendor,
            "model": change.model,
            "tier": change.tier,
            "class": change.name,
            "before_usd": _usd(change.before),
            "after_usd": _usd(change.after),
            "why": change.why,
            "source": _source(change),
        }
        for change in found
    ]
    days = {"first": str(first), "second": str(second)}
    return {"schema": DIFF_SCHEMA, **days, "changes": listed}


def check_answer(texts: Iterable[str], faults: Iterable[str]) -> Json:
    """The files that were read, and what is wrong with them."""
    return {"schema": CHECK_SCHEMA, "files": list(texts), "faults": list(faults)}


def bounds_answer(found: Iterable[AssumedBound]) -> Json:
    """Every bound; a quantity without a rate has no dollars."""
    listed = [
        {
            "model": bound.model,
            "quantity": bound.quantity,
            "tokens": bound.tokens,
            "usd": None if bound.usd is None else usd_text(bound.usd),
            "assumed": bound.is_assumed,
            "source": bound.source,
            "checked_on": str(bound.checked_on),
        }
        for bound in found
    ]
    return {"schema": BOUNDS_SCHEMA, "bounds": listed}


def _card(card: RateCard) -> Json:
    return {"own": False} | card.to_json()


def _source(change: Change) -> str | None:
    rate = change.after or change.before
    return None if rate is None else rate.source


def _usd(rate: Rate | None) -> str | None:
    return None if rate is None else usd_text(rate.usd)


def _shown(*texts: str) -> list[str]:
    """Cells that can't steer the terminal, whatever a book of one's own holds."""
    return [printable(text) for text in texts]
