"""Ratios: the targets beside what this run measured."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from cells import Cell
from harnesses import AIPERF, DEFAULT, SDK, TRANSPORT, WHOLE, WRK

_16, _256 = "1.5 MB, 16 in flight", "1.5 MB, 256 in flight"
_2_KB = "2 KB, 64 in flight"
Figure = Callable[[Cell], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of the targets.

    Attributes:
        than: Whose figure of the same round divides ours; None for the figure itself.
        at_least: Whether more is better.
    """

    what: str
    who: str
    load: str
    figure: Figure
    limit: float
    unit: str
    than: str | None = None
    at_least: bool = False

    @property
    def wanted(self) -> str:
        """The target in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}{self.unit}"

    def excuse(self, cells: list[Cell]) -> str:
        """Whether our own run said that its latencies can't be trusted."""
        if "error" not in self.what:
            return ""
        mine = [c for c in cells if (c.harness, c.load) == (self.who, self.load)]
        is_flagged = bool(mine) and all(cell.client_limited for cell in mine)
        return ", and flagged by the run itself" if is_flagged else ""

    def measured(self, cells: list[Cell]) -> list[float]:
        """One value a round in which all that is needed was measured."""
        ours, theirs = (
            {
                cell.round: value
                for cell in cells
                if (cell.harness, cell.load) == (name, self.load)
                and (value := self.figure(cell)) is not None
            }
            for name in (self.who, self.than)
        )
        if self.than is None:
            return list(ours.values())
        return [ours[turn] / theirs[turn] for turn in ours if theirs.get(turn)]


def _faster(who: str, load: str, than: str, limit: float) -> Target:
    what = f"{who}: requests/s over {than}, {load}"
    return Target(
        what=what,
        who=who,
        load=load,
        figure=lambda c: c.per_s,
        limit=limit,
        unit=" x",
        than=than,
        at_least=True,
    )


def _most(
    who: str, load: str, what: str, figure: Figure, limit: float, unit: str
) -> Target:
    return Target(
        what=f"{who}: {what}, {load}",
        who=who,
        load=load,
        figure=figure,
        limit=limit,
        unit=unit,
    )


TARGETS = (
    _faster(TRANSPORT, _16, WRK, 0.7),
    _most(TRANSPORT, _16, "CPU a request", lambda c: c.cpu_ms, 0.5, " ms"),
    _faster(WHOLE, _16, AIPERF, 6),
    _faster(WHOLE, _16, SDK, 5),
    _most(WHOLE, _16, "CPU a request", lambda c: c.cpu_ms, 1.2, " ms"),
    _faster(DEFAULT, _16, AIPERF, 3),
    _most(WHOLE, "spread", "p99 error", lambda c: c.p99_error_ms, 3, " ms"),
    _most(WHOLE, "burst", "p99 error", lambda c: c.p99_error_ms, 50, " ms"),
    _most(WHOLE, _16, "peak memory", lambda c: c.most_life_mb, 150, " MB"),
    _most(WHOLE, _256, "peak memory", lambda c: c.most_life_mb, 600, " MB"),
    _most(WHOLE, _16, "first request after start", lambda c: c.first_s, 1.5, " s"),
    _faster(WHOLE, _2_KB, SDK, 1.5),
)


def targets(cells: list[Cell]) -> str:
    """The table of targets."""
    lines = ["| what | target | measured | |", "|---|---|---|---|"]
    for target in TARGETS:
        values = target.measured(cells)
        if not values:
            lines.append(f"| {target.what} | {target.wanted} | not measured | |")
            continue
        middle = statistics.median(values)
        is_reached = (middle >= target.limit) == target.at_least or (
            middle == target.limit
        )
        ends = f" ({min(values):.3g}–{max(values):.3g})" if len(values) > 1 else ""
        verdict = "reached" if is_reached else f"not reached{target.excuse(cells)}"
        lines.append(
            f"| {target.what} | {target.wanted} "
            f"| {middle:.3g}{target.unit}{ends} | {verdict} |"
        )
    return "\n".join(lines) + "\n"
