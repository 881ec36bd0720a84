"""Benchmark: service times in the JSON form of pytest-benchmark."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from bench.store import queries
from bench.store.exported import Table
from pricing.money import usd_text

# The release whose form and arithmetic this is.
_FORM = "5.3.1"
_SHOWN_BARE = ("quality", "size")
_MONEY = ("charge_usd", "list_usd", "possibly_billed_usd", "usd_per_image")
_FACTS = ("suite", "endpoint", "route", "model", "simulated", "n_trials", "n_ok")
_FENCE = 1.5


def benchmark_lines(table: Table) -> Iterator[bytes]:
    """One JSON object: a benchmark a cell with times, which are service seconds.

    Cells without a time stand in `left_out` by name, with their money.
    """
    run = queries.run(table.con, table.run_id) or {}
    cells = _cells(table)
    told = {
        "machine_info": {
            "node": "pixelmeter",
            "simulated": run["simulated"],
            "client_limited": run["client_limited"],
        },
        "commit_info": {},
        "benchmarks": [_benchmark(cell) for cell in cells if cell["service_s"]],
        "left_out": [
            {"name": _name(cell), "extra_info": _extra(cell)}
            for cell in cells
            if not cell["service_s"]
        ],
        "datetime": f"{run['created_at'].isoformat()}+00:00",
        "version": _FORM,
    }
    yield orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"


def n_untimed(table: Table) -> int:
    """How many cells have no time to tell."""
    return sum(not cell["service_s"] for cell in _cells(table))


def _cells(table: Table) -> list[queries.Row]:
    return queries.cells(table.con, table.run_id)


def _benchmark(cell: Mapping[str, Any]) -> dict[str, Any]:
    """One group a variant: endpoints and runs stand side by side."""
    name = _name(cell)
    return {
        "group": _variant(cell),
        "name": name,
        "fullname": f"{cell['suite']}::{name}",
        "params": {"endpoint": cell["endpoint"], "model": cell["model"]},
        "param": cell["endpoint"],
        "extra_info": _extra(cell),
        "options": {},
        "stats": stats_of(cell["service_s"]),
    }


def _variant(cell: Mapping[str, Any]) -> str:
    """What is asked, in the same words in every run."""
    asked: dict[str, Any] = orjson.loads(cell["parameters"] or "{}")
    bare = [str(asked.pop(name)) for name in _SHOWN_BARE if name in asked]
    rest = [f"{name}={_word(asked[name])}" for name in sorted(asked)]
    models = [cell["model"], cell["mainline_model"]]
    kind = [] if cell["operation"] == "generate" else [cell["operation"]]
    api = [] if cell["api"] == "images" else [cell["api"]]
    return " ".join([*(name for name in models if name), *api, *kind, *bare, *rest])


def _word(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _name(cell: Mapping[str, Any]) -> str:
    mark = " (simulated)" if cell["simulated"] else ""
    return f"{_variant(cell)} at {cell['endpoint']}{mark}"


def _extra(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Money as exact text, None where it is unknown."""
    money = {
        name: None if cell[name] is None else usd_text(cell[name]) for name in _MONEY
    }
    return {
        "run_id": cell["run_id"],
        **{name: cell[name] for name in _FACTS},
        **money,
        "n_charge_unknown": cell["n_charge_unknown"],
    }


def stats_of(times_s: Sequence[float]) -> dict[str, Any]:
    """What pytest-benchmark says of at least one time, computed as it does."""
    data = sorted(times_s)
    mean, total = statistics.mean(data), sum(data)
    stddev = statistics.stdev(data) if len(data) > 1 else 0
    q1, q3 = _quartiles(data)
    iqr = q3 - q1
    low, high = q1 - _FENCE * iqr, q3 + _FENCE * iqr
    far = sum(not mean - stddev <= time <= mean + stddev for time in data)
    beyond = sum(not low <= time <= high for time in data)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": len(data),
        "median": statistics.median(data),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": data[bisect_left(data, low)],
        "hd15iqr": data[bisect_right(data, high) - 1],
        "ops": len(data) / total if total else 0,
        "total": total,
        "data": data,
        "iterations": 1,
    }


def _quartiles(data: Sequence[float]) -> tuple[float, float]:
    """First and third: halves of an even number, else between neighbours."""
    n = len(data)
    if n == 1:
        return data[0], data[0]
    if n % 2 == 0:
        return statistics.median(data[: n // 2]), statistics.median(data[n // 2 :])
    fourth, left = divmod(n, 4)
    if left == 1:
        return (
            0.25 * data[fourth - 1] + 0.75 * data[fourth],
            0.75 * data[3 * fourth] + 0.25 * data[3 * fourth + 1],
        )
    return (
        0.75 * data[fourth] + 0.25 * data[fourth + 1],
        0.25 * data[3 * fourth + 1] + 0.75 * data[3 * fourth + 2],
    )
