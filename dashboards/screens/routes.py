"""Routes: direct or gateway, paired prompt by prompt, and how sure."""

from collections.abc import Sequence

import streamlit as st

from bench.commands.comparing import sentences
from bench.studies.levels import Level
from bench.studies.pairing import Pairing
from bench.words.figures import UNKNOWN, percent_between
from dashboards.charts.paired_differences import paired_differences
from dashboards.screens import tables
from dashboards.screens.compared import (
    Compared,
    ask_of_run,
    compared,
    endpoints_needed,
    pick_run,
    ratios,
)
from dashboards.screens.frame import Row, Visit, chart, marked, note, say

_MOST_PAIRINGS = 6


def show(visit: Visit) -> None:
    """Verdicts in words, the routes' figures, differences prompt by prompt."""
    run_id = pick_run(visit)
    if run_id is None:
        return
    with st.spinner("Pairing trials", show_time=True):
        found = ask_of_run(visit, compared, run_id)
    if found.comparison is None:
        say(endpoints_needed(list(found.routes)))
        return
    pairings = found.comparison.pairings[:_MOST_PAIRINGS]
    for pairing in pairings:
        _verdicts(pairing, found)
    if len(found.comparison.pairings) > 1:
        note(
            f"{len(found.comparison.pairings)} pairs were looked at; the intervals are "
            "for one each, so a lone narrow finding may be chance."
        )
    _levels(found.comparison.levels, found)
    for i, pairing in enumerate(pairings):
        _ratios(pairing, found, i)


def _verdicts(pairing: Pairing, found: Compared) -> None:
    st.subheader("Like with like", anchor=False)
    say(
        f"{_side(pairing.second, found)} against {_side(pairing.first, found)}, "
        f"{pairing.n_pairs:,} pairs"
    )
    for sentence in sentences(pairing):
        say(f"{sentence[0].upper()}{sentence[1:]}.")


def _side(name: str, found: Compared) -> str:
    is_simulated = any(r["simulated"] for r in found.trials if r["endpoint"] == name)
    return f"{name} ({found.routes[name]}{', simulated' if is_simulated else ''})"


def _levels(levels: Sequence[Level], found: Compared) -> None:
    st.subheader("Endpoints", anchor=False)
    rows: list[Row] = [_level(level, found) for level in levels]
    tables.show(
        rows,
        [
            tables.text("Endpoint", "name"),
            tables.text("Route", "route"),
            tables.count("n", "n"),
            tables.share("Success", "ok_share"),
            tables.Column(heading="95% interval", value=lambda row: row["ok_between"]),
            tables.time("p50", "p50_s"),
            tables.between("95% of p50", "p50_low_s", "p50_high_s"),
            *tables.tail_columns(rows),
            tables.usd("US$ an image", "usd_per_image"),
            tables.usd("Charged", "charge_usd"),
            tables.usd("At list price", "list_usd"),
            *tables.doubt_columns(rows),
        ],
        alt="Endpoints of the run with counts, times and cost",
        key="routes-levels",
    )
    note("All trials of the run that the filters let through, paired or not.")


def _level(level: Level, found: Compared) -> Row:
    times, ok = level.times, level.ok_interval
    has_ok = ok.low is not None and ok.high is not None
    return {
        "name": marked(level.name, simulated=level.simulated),
        "route": found.routes[level.name],
        "n": level.n_settled,
        "ok_share": level.ok_share,
        "ok_between": percent_between(ok.low or 0, ok.high or 1) if has_ok else UNKNOWN,
        "p50_s": times.p50_s,
        "p50_low_s": times.p50_interval.low,
        "p50_high_s": times.p50_interval.high,
        "p95_s": times.p95_s,
        "p95_low_s": times.p95_interval.low,
        "p95_high_s": times.p95_interval.high,
        "max_s": times.max_s,
        "usd_per_image": level.usd_per_image,
        "charge_usd": level.charge_usd,
        "list_usd": level.list_usd,
        "possibly_billed_usd": level.possibly_billed_usd,
        "n_charge_unknown": level.n_charge_unknown,
    }


def _ratios(pairing: Pairing, found: Compared, place: int) -> None:
    rows = ratios(found.trials, pairing.first, pairing.second)
    summary = {
        "first": pairing.first,
        "second": pairing.second,
        "estimate": pairing.service.estimate,
        "low": pairing.service.interval.low,
        "high": pairing.service.interval.high,
        "n_prompts": pairing.service.n_prompts,
    }
    chart(
        paired_differences(rows, summary),
        "Ratio of service times prompt by prompt with the interval of the median; the "
        "table below holds them",
        f"routes-ratios-{place}",
    )
    with st.expander("Prompt by prompt as a table"):
        tables.show(
            sorted(rows, key=lambda row: -row["ratio"]),
            [
                tables.text("Prompt", "prompt_id"),
                tables.Column(
                    heading="Times as long",
                    value=lambda row: row["ratio"],
                    words="{:.3f}".format,
                ),
                tables.count("Pairs", "n"),
            ],
            alt="Ratio of service times for each prompt",
            key=f"routes-ratios-table-{place}",
        )
