"""Tables: rows of a report as texts under headings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.commands.comparing import level_heading
from bench.commands.scheduled import BOTH_COLUMNS, both_latencies
from bench.commands.showing import FIGURE_COLUMNS, figures, timed_only
from bench.commands.shown_modes import mode_tables
from bench.store.queries import Row
from bench.studies.comparison import Comparison
from bench.studies.levels import Level, times_of
from bench.studies.saving import Saving
from bench.studies.unit_cost import variant_text
from bench.words.ended import at_most, ended
from bench.words.figures import (
    UNKNOWN,
    dollars,
    dollars_between,
    known_dollars,
    percent,
    seconds,
)
from bench.words.printable import shortened
from bench.words.variants import asked
from dashboards.report.facts import Facts

Column = tuple[str, bool]
MARK = " (simulated)"
_WIDE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Texts in rows.

    Attributes:
        caption: What the table holds, for those who hear it.
        columns: Heading, and whether it is a figure, which stands to the right.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Of each column the least width in letters that reads well."""
        return tuple(
            min(_WIDE, max((len(row[i]) for row in self.rows), default=0))
            for i in range(len(self.columns))
        )


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]
) -> Table:
    """A table from whatever holds its texts."""
    texts = tuple(tuple(row) for row in rows)
    return Table(caption=caption, columns=tuple(columns), rows=texts)


def plain_columns(*headings: str) -> list[Column]:
    """Columns of words."""
    return [(heading, False) for heading in headings]


def figure_columns(*headings: str) -> list[Column]:
    """Columns of figures."""
    return [(heading, True) for heading in headings]


def marked(name: str, *, simulated: bool) -> str:
    """A name with its mark."""
    return name + (MARK if simulated else "")


def cells_table(facts: Facts) -> Table:
    """One line a cell, as `show` prints them."""
    columns = [*plain_columns("endpoint", "asked"), *FIGURE_COLUMNS]
    lines = [_cell(cell) for cell in facts.shown.cells]
    return table("Every cell of the run", *timed_only(facts.shown, columns, lines))


def _cell(cell: Row) -> list[str]:
    usd = known_dollars(cell["charge_usd"], cell["n_charge_unknown"] or 0)
    return [
        marked(cell["endpoint"], simulated=cell["simulated"]),
        asked(cell),
        *figures(
            n_trials=cell["n_trials"],
            n=cell["n_settled"],
            n_ok=cell["n_ok"],
            times=times_of(cell["service_s"]),
        ),
        dollars(cell["usd_per_image"]) if cell["images"] else UNKNOWN,
        usd if cell["attempts"] else UNKNOWN,
    ]


def both_table(facts: Facts) -> Table:
    """Latency from schedule beside that from send; no lines in a closed loop."""
    cells = facts.shown.cells if facts.shown.offered is not None else []
    return table(
        "Latency from schedule (due to last byte) and from send",
        [*plain_columns("endpoint", "asked"), *BOTH_COLUMNS],
        (
            [marked(cell["endpoint"], simulated=cell["simulated"]), asked(cell), *times]
            for cell, times in zip(cells, both_latencies(cells), strict=True)
        ),
    )


def modes_tables(facts: Facts) -> list[Table]:
    """Streams, mainline models, conversations, as `show` prints them."""
    return [
        table(f"{caption[:1].upper()}{caption[1:]}", columns, lines)
        for caption, columns, lines in mode_tables(facts.shown)
    ]


def levels_table(comparison: Comparison, order: Sequence[str]) -> Table:
    """One line a level, as `compare` prints them.

    Args:
        comparison: Its levels stand in the order in which trials came.
        order: The names in the order of the plan.
    """
    columns = [(level_heading(comparison.by), False), *FIGURE_COLUMNS]
    levels = sorted(comparison.levels, key=lambda level: order.index(level.name))
    return table(f"By {comparison.by}, all trials", columns, map(_level, levels))


def _level(level: Level) -> list[str]:
    return [
        marked(level.name, simulated=level.simulated),
        *figures(
            n_trials=level.n_trials,
            n=level.n_settled,
            n_ok=level.n_ok,
            times=level.times,
        ),
        dollars(level.usd_per_image) if level.images else UNKNOWN,
        known_dollars(level.charge_usd, level.n_charge_unknown)
        if level.n_settled
        else UNKNOWN,
    ]


def savings_table(found: Sequence[Saving], images_per_month: int) -> Table:
    """One line a variant at a direct endpoint and at a gateway."""
    sides = {(saving.direct, saving.gateway) for saving in found}
    caption = f"{images_per_month:,} images a month"
    if len(sides) == 1:
        caption += f", {found[0].direct} against {found[0].gateway}"
    named = plain_columns("asked", *([] if len(sides) == 1 else ["sides"]))
    return table(
        caption,
        [
            *named,
            *figure_columns("US$ direct", "US$ gateway", "saving a month"),
            *figure_columns("90% band", "saving", "a year", "n prompts"),
        ],
        (
            [*_of_whom(saving)[: len(named)], *saving_figures(saving)]
            for saving in found
        ),
    )


def _of_whom(saving: Saving) -> list[str]:
    return [variant_text(saving.variant), f"{saving.direct}, {saving.gateway}"]


def saving_figures(saving: Saving) -> list[str]:
    """Direct, gateway, saving, band, share, a year, prompts: as texts."""
    projected, band = saving.projection, saving.saving_band_usd
    return [
        dollars(projected.direct_usd),
        dollars(projected.alternative_usd),
        dollars(projected.saving_usd),
        UNKNOWN if band is None else dollars_between(*band),
        percent(projected.saving_share),
        dollars(projected.saving_year_usd),
        str(saving.n_prompts),
    ]


def errors_table(errors: Sequence[Row]) -> Table:
    """Requests that were not ok, by what was answered."""
    return table(
        "Requests that were not ok",
        [
            *plain_columns("endpoint", "outcome"),
            *figure_columns("status"),
            *plain_columns("code"),
            *figure_columns("requests"),
            *plain_columns("one of the messages"),
        ],
        (
            [
                error["endpoint"],
                error["outcome"],
                str(error["http_status"] or UNKNOWN),
                error["error_code"] or UNKNOWN,
                f"{error['attempts']:,}",
                shortened(error["error_message"] or UNKNOWN),
            ]
            for error in errors
        ),
    )


def possibly_billed_table(attempts: Sequence[Row]) -> Table:
    """Requests that may have been billed, one by one."""
    return table(
        "Possibly billed, one by one",
        [
            *plain_columns("when (UTC)", "endpoint", "prompt", "outcome"),
            *figure_columns("US$ at most"),
            *plain_columns("attempt", "request id"),
        ],
        (
            [
                f"{attempt['started_at']:%Y-%m-%d %H:%M:%S}",
                attempt["endpoint"],
                attempt["prompt_id"] or UNKNOWN,
                ended(attempt),
                at_most(attempt),
                attempt["attempt_id"],
                attempt["request_id"] or UNKNOWN,
            ]
            for attempt in attempts
        ),
    )


def parts_table(rows: Sequence[Row]) -> Table:
    """The figures behind the chart of parts."""
    keys = ("queued_s", "connect_s", "first_byte_s", "rest_s")
    return table(
        "Mean seconds by part",
        [
            *plain_columns("endpoint"),
            *figure_columns("n", "queued", "connect", "to first byte"),
            *figure_columns("first to last byte"),
        ],
        (
            [
                marked(row["endpoint"], simulated=row["simulated"]),
                str(row["n"]),
                *(seconds(row[key]) for key in keys),
            ]
            for row in rows
        ),
    )
