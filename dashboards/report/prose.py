"""Prose: how a run stands, in sentences."""

from datetime import datetime
from decimal import Decimal

import orjson

from bench.commands.checking import certification_sentence, kept_up
from bench.commands.doubting import cost_sentences, token_sentences
from bench.commands.jobbing import job_line
from bench.store.queries import Row
from bench.words.figures import dollars
from bench.words.limited import limited_sentence
from bench.words.served import other_than_asked
from dashboards.report.facts import Facts
from pricing.money import usd_text

_BUCKETS = ("done", "failed", "possibly_billed", "not_sent", "in_flight")


def standing(facts: Facts) -> list[tuple[str, str]]:
    """The first lines of a report: a word and what is said of it."""
    row = facts.shown.run
    return [
        ("state", state(row)),
        ("begun", utc(row["created_at"])),
        ("trials", trials(row)),
        ("requests", f"{row['attempts']:,}"),
        *(_money(row) if row["attempts"] else ()),
    ]


def _money(row: Row) -> list[tuple[str, str]]:
    return [
        ("US$ charged", dollars(row["charge_usd"])),
        ("US$ at the direct list price", dollars(row["list_usd"])),
    ]


def trust(facts: Facts) -> list[str]:
    """How far the times of the run can be trusted, a sentence each."""
    if not facts.shown.run["attempts"]:
        return []
    if facts.shown.run["load"] == "batch":
        none = "Times: none; jobs of the Batch API answer when they have ended."
        return [none, *(f"Job {job_line(job)}." for job in facts.jobs)]
    said = [f"Times: {certification_sentence(facts.checked.certification)}."]
    if facts.shown.run["client_limited"] is False:
        said.append(f"Self-check: {kept_up(facts.checked)}.")
    return said


def state(row: Row) -> str:
    """The state, and what stopped the run."""
    return row["state"] + (f" ({row['stopped_by']})" if row["stopped_by"] else "")


def trials(row: Row) -> str:
    """How many trials there are of each kind that occurs."""
    if not row["n_trials"]:
        return "none"
    counts = ", ".join(
        f"{row[f'n_{name}']:,} {name.replace('_', ' ')}"
        for name in _BUCKETS
        if row[f"n_{name}"] or name == "done"
    )
    return f"{counts} of {row['n_trials']:,}"


def remarks(facts: Facts) -> list[str]:
    """What a reader must know before believing the figures."""
    row, found = facts.shown.run, []
    if limited := limited_sentence(row):
        found.append(f"{limited[:1].upper()}{limited[1:]}.")
    if row["state"] == "running":
        found.append("The run still goes on; these figures are of the moment.")
    if row["n_not_sent"] and row["state"] != "running":
        how = "" if facts.is_metered else f": pixelmeter resume {row['run_id']}"
        found.append(
            f"{row['n_not_sent']:,} of {row['n_trials']:,} trials were never sent{how}"
        )
    if not row["attempts"]:
        found.append("Nothing was sent, so nothing was measured.")
    if row["n_possibly_billed"] or row["possibly_billed_usd"]:
        found.append(
            f"Up to {dollars(row['possibly_billed_usd'])} may have been billed beside "
            "the charge; the requests are listed one by one below."
        )
    found += [f"Not as asked: {said}." for said in other_than_asked(facts.served)]
    doubts = (*token_sentences(facts.doubts), *cost_sentences(facts.doubts))
    found += [f"Told otherwise: {said}." for said in doubts]
    if row["n_damaged"]:
        found.append(f"{row['n_damaged']:,} records of the run can't be read.")
    return [*found, *(f"Not read: {problem}" for problem in facts.problems)]


def money_lines(row: Row) -> list[tuple[str, str, str]]:
    """The run's dollars: a word, the exact amount, what it means."""
    lines = [
        ("charge_usd", "at the endpoints' prices, frozen in the plan"),
        ("list_usd", "the same usage at the direct book's price"),
        ("possibly_billed_usd", "the most that may have been billed unknown to us"),
        ("reserved_usd", "the most that requests under way can cost"),
    ]
    return [(name, _exact(row, name), what) for name, what in lines]


def _exact(row: Row, name: str) -> str:
    """The amount; where requests left and no price is known, none."""
    if row[name] is None and row["attempts"] and name in {"charge_usd", "list_usd"}:
        return dollars(None)
    return usd_text(row[name] or Decimal(0))


def utc(at: datetime) -> str:
    """An instant as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def tags(row: Row) -> str:
    """Tags of a run, `key=value`."""
    pairs = orjson.loads(row["tags"]).items()
    return " ".join(f"{key}={value}" for key, value in pairs)
