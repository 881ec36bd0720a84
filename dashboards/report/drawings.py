"""Drawings: the charts of a report, each with its figures as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.commands.comparing import level_heading
from bench.studies.comparison import Comparison, Factor
from bench.studies.pairing import Pairing
from bench.studies.unit_cost import variant_text
from bench.words.figures import dollars, seconds, so_many
from dashboards.charts.cost_against_latency import cost_against_latency
from dashboards.charts.cost_bars import cost_bars
from dashboards.charts.ecdf import ecdf
from dashboards.charts.inline import figure_content
from dashboards.charts.intervals import intervals
from dashboards.charts.months import months
from dashboards.charts.over_time import over_time
from dashboards.charts.paired_differences import paired_differences
from dashboards.charts.parts import parts
from dashboards.charts.points import month_points, ratio_points, ratio_summary
from dashboards.report.facts import IMAGES_PER_MONTH, Facts
from dashboards.report.points import (
    cell_points,
    level_bins,
    level_quantiles,
    median_saving,
    part_points,
    stretch_points,
)
from dashboards.report.tables import (
    Table,
    figure_columns,
    parts_table,
    plain_columns,
    table,
)

MOST_PAIRINGS_DRAWN = 3
FEWEST_FOR_A_COURSE = 6
MOST_CELLS_DRAWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart.

    Attributes:
        name: Unique on the page; letters and hyphens.
        says: What it shows, for those who can't see it.
        content: What plotly draws.
        twin: The same figures as a table; None where `elsewhere` says where.
        has_log_switch: Whether its axis of seconds can be changed.
    """

    name: str
    says: str
    content: dict[str, object]
    twin: Table | None = None
    elsewhere: str = ""
    has_log_switch: bool = False

    @property
    def height_px(self) -> int:
        """How high it is drawn."""
        layout: Any = self.content["layout"]
        return int(layout["height"])


def _drawn_cells(facts: Facts) -> list[dict[str, Any]]:
    return cell_points(facts)[:MOST_CELLS_DRAWN]


def _in_cells(facts: Facts) -> str:
    n_cells = len(facts.shown.cells)
    if n_cells <= MOST_CELLS_DRAWN:
        return "The figures stand in the table of all cells."
    return (
        f"The first {MOST_CELLS_DRAWN} of {n_cells:,} cells are drawn; "
        "all stand in the table of cells."
    )


def time_drawings(facts: Facts) -> tuple[Drawing, ...]:
    """Where the seconds are: curves, intervals, parts, the course of the run."""
    n_timed = sum(cell["n_timed"] for cell in facts.shown.cells)
    if not n_timed:
        return ()
    dots = Drawing(
        name="intervals",
        says="Median and p95 of service time of every cell, with intervals",
        content=figure_content(intervals(_drawn_cells(facts))),
        elsewhere=_in_cells(facts),
    )
    if n_timed < FEWEST_FOR_A_COURSE:
        return (dots, _parts(facts))
    return (_curves(facts), dots, _parts(facts), _course(facts))


def _curves(facts: Facts) -> Drawing:
    first = facts.comparisons[0] if facts.comparisons else None
    by = first.by if first else Factor.ENDPOINT.value
    known = level_quantiles(first) if first else ()
    figure = ecdf(level_bins(facts, by), by, quantiles=known)
    return Drawing(
        name="curves",
        says=f"Share of answers that took at most so long, by {by}",
        content=figure_content(figure),
        twin=_levels_twin(first) if first else None,
        elsewhere="" if first else _in_cells(facts),
        has_log_switch=True,
    )


def _levels_twin(comparison: Comparison) -> Table:
    return table(
        f"Service time by {comparison.by}",
        [
            (level_heading(comparison.by), False),
            *figure_columns("n", "p50", "p95", "max"),
        ],
        (
            [
                level.name,
                f"{level.times.n:,}",
                *map(
                    seconds, (level.times.p50_s, level.times.p95_s, level.times.max_s)
                ),
            ]
            for level in comparison.levels
        ),
    )


def _parts(facts: Facts) -> Drawing:
    rows = part_points(facts)
    return Drawing(
        name="parts",
        says="Mean seconds queued, connecting, to the first byte and to the last",
        content=figure_content(parts(rows)),
        twin=parts_table(rows),
    )


def _course(facts: Facts) -> Drawing:
    rows = stretch_points(facts)
    twin = table(
        "Service time and errors over the run",
        [*plain_columns("from (UTC)"), *figure_columns("n", "not ok", "p50", "p95")],
        (
            [
                f"{row['at']:%Y-%m-%d %H:%M:%S}",
                f"{row['n']:,}",
                f"{row['n_errors']:,}",
                seconds(row["p50_s"]),
                seconds(row["p95_s"]),
            ]
            for row in rows
        ),
    )
    return Drawing(
        name="course",
        says="Median and p95 of service time, and requests not ok, over the run",
        content=figure_content(over_time(rows)),
        twin=twin,
    )


def cost_drawings(facts: Facts) -> tuple[Drawing, ...]:
    """What an image costs, and what that buys in time."""
    rows = _drawn_cells(facts)
    if not any(row["usd_per_image"] is not None for row in rows):
        return ()
    bars = Drawing(
        name="cost",
        says="US dollars an image of every cell, beside the direct list price",
        content=figure_content(cost_bars(rows)),
        elsewhere=_in_cells(facts),
    )
    dots = Drawing(
        name="cost-against-latency",
        says="US dollars an image against median service time of every cell",
        content=figure_content(cost_against_latency(rows)),
        elsewhere=_in_cells(facts),
    )
    # A single cell has nothing to stand against.
    return (bars, dots) if len(rows) > 1 else (bars,)


def pair_drawings(facts: Facts) -> tuple[Drawing, ...]:
    """The first pairings of the first comparison, prompt by prompt."""
    if not facts.comparisons:
        return ()
    comparison = facts.comparisons[0]
    drawn = comparison.pairings[:MOST_PAIRINGS_DRAWN]
    return tuple(
        _pairs(pairing, place, simulated=comparison.simulated)
        for place, pairing in enumerate(drawn)
    )


def _pairs(pairing: Pairing, place: int, *, simulated: bool) -> Drawing:
    first, second = pairing.first, pairing.second
    rows = ratio_points(pairing, simulated=simulated)
    summary = ratio_summary(pairing)
    twin = table(
        f"Times as long: {second} over {first}, by prompt",
        [*plain_columns("prompt"), *figure_columns("ratio", "n pairs")],
        ([row["prompt_id"], f"{row['ratio']:.3f}", str(row["n"])] for row in rows),
    )
    title = f"{second} against {first}: service time by prompt"
    return Drawing(
        name=f"pairs-{place}",
        says=f"How many times as long {second} took as {first}, prompt by prompt",
        content=figure_content(paired_differences(rows, summary, title=title)),
        twin=twin,
    )


def saving_drawing(facts: Facts) -> Drawing | None:
    """A year of one variant, direct and through the gateway."""
    if not facts.savings:
        return None
    saving = median_saving(facts.savings)
    rows = month_points(saving, simulated=facts.is_simulated)
    what = variant_text(saving.variant)
    remark = (
        f"{IMAGES_PER_MONTH:,} images a month, n={so_many(saving.n_prompts, 'prompt')}"
    )
    if saving.saving_band_usd is not None:
        remark += "\nband: 90% of the saving"
    return Drawing(
        name="months",
        says=f"Cumulative US dollars of {what}, direct and through the gateway",
        content=figure_content(months(rows, title=f"A year of {what}", remark=remark)),
        twin=_months_twin(rows),
    )


def _months_twin(rows: Sequence[dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(row["name"] for row in rows))
    by_month = {(row["month"], row["name"]): row["usd"] for row in rows}
    last = max(row["month"] for row in rows)
    return table(
        "Cumulative US$ at the end of each month",
        [("month", True), *figure_columns(*names)],
        (
            [str(month), *(dollars(by_month.get((month, name))) for name in names)]
            for month in range(1, last + 1)
        ),
    )
