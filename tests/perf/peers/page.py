"""Page: the figures of a run of the peers as Markdown."""

import statistics
from collections.abc import Callable
from pathlib import Path

from cells import Cell
from harnesses import HARNESSES
from ratios import targets

_TEXT = Path(__file__).with_name("page.md")


def page(facts: dict[str, str], cells: list[Cell]) -> str:
    """The whole page."""
    loads = list(dict.fromkeys(cell.load for cell in cells))
    timed = [load for load in ("burst", "spread") if load in loads]
    parts = ["## Targets\n", targets(cells)]
    for load in loads:
        if load not in timed:
            parts += [f"## {load}, answered at once\n", _throughput(cells, load)]
    if timed:
        parts += ["## Is the reported latency true?\n", _latency(cells, timed)]
    said = f"{facts['day']}, {facts['form']} form. {facts['machine']}."
    return _TEXT.read_text("utf-8").format(
        facts=f"{said} {facts['versions']}.\n{_noise(cells)}",
        figures="\n".join(parts).strip(),
    )


def _noise(cells: list[Cell]) -> str:
    others = [cell.other_cores for cell in cells if cell.other_cores is not None]
    if not others:
        return "Nothing could be measured."
    return (
        "Client and stub share the machine; meanwhile others took "
        f"{min(others):.1f} to {max(others):.1f} cores (median "
        f"{statistics.median(others):.1f}; the last column says it for each row)."
    )


def _throughput(cells: list[Cell], load: str) -> str:
    head = "| | requests/s | CPU ms a request | memory, MB | others' cores |\n"
    lines = [head + "|---|---|---|---|---|"]
    for name, mine in _by_harness(cells, load):
        measured = [cell for cell in mine if not cell.why_not]
        if not measured:
            lines.append(f"| {name} | {mine[-1].why_not} | | | |")
            continue
        lines.append(
            f"| {name} | {_span(measured, lambda c: c.per_s, ',.0f')} "
            f"| {_span(measured, lambda c: c.cpu_ms, '.2f')} "
            f"| {_middle(measured, lambda c: c.most_mb):,.0f} / "
            f"{_middle(measured, lambda c: c.most_life_mb):,.0f} "
            f"| {_middle(measured, lambda c: c.other_cores):.1f} |"
        )
    return "\n".join(lines) + "\n"


def _latency(cells: list[Cell], loads: list[str]) -> str:
    heads = "".join(f" {load} p50 / p99 error, ms | others' cores |" for load in loads)
    lines = [f"| |{heads}\n|---|" + "---|---|" * len(loads)]
    for name in (harness.name for harness in HARNESSES):
        columns = [
            _errors([c for c in cells if c.harness == name and c.load == load])
            for load in loads
        ]
        lines.append(f"| {name} | " + " | ".join(columns) + " |")
    return "\n".join(lines) + "\n"


def _errors(mine: list[Cell]) -> str:
    measured = [cell for cell in mine if cell.p99_error_ms is not None]
    if not measured:
        why_not = next((cell.why_not for cell in mine), "not asked")
        return f"{why_not or 'no latency could be matched'} | "
    n_flagged = sum(cell.client_limited is True for cell in measured)
    flagged = f", flagged in {n_flagged} of {len(measured)}" if n_flagged else ""
    return (
        f"{_span(measured, lambda c: c.p50_error_ms, ',.1f')} / "
        f"{_span(measured, lambda c: c.p99_error_ms, ',.1f')}{flagged} "
        f"| {_middle(measured, lambda c: c.other_cores):.1f}"
    )


def _by_harness(cells: list[Cell], load: str) -> list[tuple[str, list[Cell]]]:
    found = [
        (
            harness.name,
            [c for c in cells if (c.harness, c.load) == (harness.name, load)],
        )
        for harness in HARNESSES
    ]
    return [(name, mine) for name, mine in found if mine]


Figure = Callable[[Cell], float | None]


def _values(cells: list[Cell], figure: Figure) -> list[float]:
    return [value for cell in cells if (value := figure(cell)) is not None]


def _middle(cells: list[Cell], figure: Figure) -> float:
    return statistics.median(_values(cells, figure))


def _span(cells: list[Cell], figure: Figure, form: str) -> str:
    """The median, and the ends where there is more than one round."""
    values = _values(cells, figure)
    middle = format(statistics.median(values), form)
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):{form}}–{max(values):{form}})"
