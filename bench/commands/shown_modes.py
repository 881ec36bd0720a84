"""Shown modes: streams, mainline models, conversations of a run, told."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import typer

from bench.store.queries import Row
from bench.store.shown import Shown
from bench.studies.levels import Times, times_of
from bench.studies.text_cost import TextCost, text_costs
from bench.words.ended import not_sent_after
from bench.words.figures import UNKNOWN, dollars, known_dollars, seconds
from bench.words.tables import print_table
from bench.words.variants import asked
from pricing.money import usd_text

Column = tuple[str, bool]
ModeTable = tuple[str, list[Column], list[list[str]]]
_PLACE = (("endpoint", False), ("asked", False))


def print_modes(shown: Shown) -> None:
    """A table for each of the four that the run has."""
    for caption, columns, lines in mode_tables(shown):
        typer.echo(f"\n{caption}")
        print_table(columns, lines)
    if n := sum(turn["n_stranded"] for turn in shown.turns):
        typer.echo(not_sent_after(n, sum(turn["n"] for turn in shown.turns)))


def mode_tables(shown: Shown) -> list[ModeTable]:
    """What each table holds, its columns and its lines; none that is empty."""
    tables: list[ModeTable] = [
        (
            "streams: partial pictures that came, and the final one",
            [
                *_PLACE,
                *[("ok", True), ("partials", True), ("first partial p50", True)],
                *[("p95 or max", True), ("final p50", True), ("p95 or max", True)],
            ],
            [[*_place(shown, row), *_stream(row)] for row in shown.streams],
        ),
        (
            "mainline models, which drove the image tool; charged with it",
            _text_columns("with the image tool's", "image tokens reported"),
            _text_lines(shown, shown.mainline_models),
        ),
        (
            "authors, which wrote SVGs; charged with the picture",
            _text_columns("with all others'", "its tokens reported"),
            _text_lines(shown, shown.svg_authors),
        ),
        (
            "conversations, turn by turn",
            [
                *_PLACE,
                *[("conversation", False), ("turn", True), ("ok", True)],
                *[("p50", True), ("p95 or max", True), ("US$", True)],
            ],
            _conversation_lines(shown),
        ),
    ]
    return [one for one in tables if one[2]]


def _text_columns(together: str, told: str) -> list[Column]:
    return [
        *_PLACE,
        *[("requests", True), ("tokens in", True), ("of them cached", True)],
        *[("tokens out", True), ("US$ of it at list", True)],
        *[(together, True), (told, False)],
    ]


def _text_lines(shown: Shown, rows: Sequence[Row]) -> list[list[str]]:
    return [
        [*_place(shown, {"cell_index": cost.cell_index}), *_text_line(cost)]
        for cost in text_costs(rows)
    ]


def modes_answer(shown: Shown) -> dict[str, Any]:
    """The same as plain data: lists, empty where the run has none."""
    return {
        "streams": [
            {
                **_asked(shown, row),
                **{n: row[n] for n in ("n_ok", "partials_asked", "partials_came")},
                **_members("first_partial", times_of(row["first_partial_s"])),
                **_members("service", times_of(row["service_s"])),
            }
            for row in shown.streams
        ],
        "mainline_models": [
            {**_cell_of(shown, cost.cell_index), **_mainline(cost)}
            for cost in text_costs(shown.mainline_models)
        ],
        "svg_authors": [
            {**_cell_of(shown, cost.cell_index), **_author(cost)}
            for cost in text_costs(shown.svg_authors)
        ],
        "conversations": [
            {
                **_asked(shown, row),
                **_talk(row, "conversation", "n_turns", "n", "n_whole"),
                "turns": [
                    _talk(turn, "turn", "n", "n_ok", "n_sent", "n_stranded")
                    for turn in _turns(shown, row)
                ],
            }
            for row in shown.conversations
        ],
    }


def _cell_of(shown: Shown, cell_index: int) -> dict[str, Any]:
    cell = next(c for c in shown.cells if c["cell_index"] == cell_index)
    names = ("endpoint", "model", "mainline_model", "simulated")
    return {"cell_index": cell_index, **{name: cell[name] for name in names}}


def _asked(shown: Shown, row: Row) -> dict[str, Any]:
    return _cell_of(shown, row["cell_index"])


def _place(shown: Shown, row: Row) -> list[str]:
    """Whose line it is; all that is asked, so that no two look alike."""
    cell = next(c for c in shown.cells if c["cell_index"] == row["cell_index"])
    simulated = " (simulated)" if cell["simulated"] else ""
    return [cell["endpoint"] + simulated, asked(cell)]


def _stream(row: Row) -> list[str]:
    first, final = times_of(row["first_partial_s"]), times_of(row["service_s"])
    came = f"{row['partials_came']} of {row['partials_asked']}"
    return [str(row["n_ok"]), came, *_quantiles(first), *_quantiles(final)]


def _quantiles(times: Times) -> list[str]:
    tail = seconds(times.p95_s)
    if times.p95_s is None and times.n:
        tail = f"max {seconds(times.max_s)}"
    return [seconds(times.p50_s), tail]


def _members(what: str, times: Times) -> dict[str, Any]:
    return {
        f"{what}_p50_s": times.p50_s,
        f"{what}_p95_s": times.p95_s,
        f"{what}_max_s": times.max_s,
    }


def _text_line(cost: TextCost) -> list[str]:
    counts = (cost.input_tokens, cost.cached_tokens, cost.output_tokens)
    return [
        str(cost.requests),
        *(UNKNOWN if n is None else f"{n:,}" for n in counts),
        UNKNOWN if cost.usd is None else dollars(cost.usd),
        UNKNOWN if cost.list_usd is None else dollars(cost.list_usd),
        _told(cost),
    ]


def _told(cost: TextCost) -> str:
    """What answers with a picture told of tokens."""
    n_answers = cost.n_reported + cost.n_zero + cost.n_absent
    others = ((cost.n_zero, "all zero"), (cost.n_absent, "absent"))
    said = [f"{n} {how}" for n, how in others if n]
    return ", ".join((f"{cost.n_reported} of {n_answers}", *said))


def _mainline(cost: TextCost) -> dict[str, Any]:
    return {"mainline_model": cost.model, **_text(cost, "tool_usage")}


def _author(cost: TextCost) -> dict[str, Any]:
    # An answer tells no cached part of what an author read.
    told = _text(cost, "svg_usage")
    return {
        "svg_model": cost.model,
        **{name: told[name] for name in told if name != "cached_tokens"},
    }


def _text(cost: TextCost, usage: str) -> dict[str, Any]:
    return {
        "requests": cost.requests,
        "input_tokens": cost.input_tokens,
        "cached_tokens": cost.cached_tokens,
        "output_tokens": cost.output_tokens,
        "usd_at_list": _usd(cost.usd),
        "list_usd": _usd(cost.list_usd),
        usage: {
            "reported": cost.n_reported,
            "zero": cost.n_zero,
            "absent": cost.n_absent,
        },
    }


def _conversation_lines(shown: Shown) -> list[list[str]]:
    lines: list[list[str]] = []
    for row in shown.conversations:
        place, name = _place(shown, row), row["conversation"]
        for turn in _turns(shown, row):
            ok = f"{turn['n_ok']}/{turn['n']}"
            lines.append([*place, name, str(turn["turn"]), ok, *_took_and_cost(turn)])
        ok = f"{row['n_whole']}/{row['n']}"
        lines.append([*place, name, "all", ok, *_took_and_cost(row)])
    return lines


def _turns(shown: Shown, conversation: Row) -> Sequence[Row]:
    key = (conversation["cell_index"], conversation["conversation"])
    return [t for t in shown.turns if (t["cell_index"], t["conversation"]) == key]


def _took_and_cost(row: Row) -> list[str]:
    usd = known_dollars(row["charge_usd"], row["n_charge_unknown"] or 0)
    if row.get("n_sent") == 0:
        usd = UNKNOWN
    return [*_quantiles(times_of(row["service_s"])), usd]


def _talk(row: Row, *names: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in names},
        **_members("service", times_of(row["service_s"])),
        "charge_usd": _usd(row["charge_usd"]),
        "n_charge_unknown": row["n_charge_unknown"],
    }


def _usd(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)
