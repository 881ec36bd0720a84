"""Timing: this machine's own floor, for `doctor --timing`."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import takewhile
from typing import Any

import orjson
import typer

from bench.checkup.timing import SIZES, Floor, floors
from bench.commands.doubles import started
from bench.words.figures import UNKNOWN, milliseconds, percent
from bench.words.tables import print_table

_NAMES = {n_bytes: name for name, n_bytes in SIZES}
_COLUMNS = (
    ("answer", False),
    *((name, True) for name in ("a second", "answers", "in flight")),
    *((name, True) for name in ("first byte off by p50", "p99")),
    *((name, True) for name in ("last byte off by p50", "p99")),
    *((name, True) for name in ("begun late p99", "loop late p99", "of a core")),
    ("to be trusted", False),
)


def measured_floors() -> tuple[Floor, ...]:
    """Measure against an emulator of our own; told on stderr what and when.

    Raises:
        StorageFailed: It did not start, or records can't be written.
    """
    typer.echo("an emulator is started on this machine; nothing is paid", err=True)
    with started() as double:
        return floors(
            double.change, double.url, lambda said: typer.echo(said, err=True)
        )


def print_floors(found: Sequence[Floor]) -> None:
    """The table, and what it comes to."""
    print_table(list(_COLUMNS), [_line(floor) for floor in found])
    typer.echo("")
    for sentence in sentences(found):
        typer.echo(sentence)


def _line(floor: Floor) -> list[str]:
    first, last = floor.first_byte_error_s, floor.service_error_s
    in_flight = floor.in_flight_mean
    return [
        _NAMES[floor.load.answer_bytes],
        f"{floor.load.rate:g}",
        str(floor.n) if floor.n == floor.n_ok else f"{floor.n} of {floor.n_ok}",
        UNKNOWN if in_flight is None else f"{in_flight:.0f}",
        *(milliseconds(first and first[at]) for at in (0, -1)),
        *(milliseconds(last and last[at]) for at in (0, -1)),
        milliseconds(floor.late_p99_s),
        milliseconds(floor.loop_lag_p99_s),
        percent(floor.cpu_share),
        _trusted(floor),
    ]


def _trusted(floor: Floor) -> str:
    if floor.is_trusted:
        return "yes, but marked client-limited" if floor.client_limited else "yes"
    return "no" if floor.client_limited else "no, and not marked"


def sentences(found: Sequence[Floor]) -> list[str]:
    """Up to which rate the times of each size can be trusted."""
    limit = milliseconds(max(floor.limit_s for floor in found))
    stand = (
        f"On this machine, now, times are within {limit} (p99) of the emulator's own "
        f"stamps for {_reach(found)}."
    )
    doubt = (
        "The emulator ran beside and took its share of the processors, as did "
        "whatever else works here. Where answers take longer than 0.5 s a run may be "
        "off by more: 1% of their median."
    )
    return [stand, doubt]


def _reach(found: Sequence[Floor]) -> str:
    parts: list[str] = []
    for name, n_bytes in SIZES:
        tried = [f for f in found if f.load.answer_bytes == n_bytes]
        # Rates rise: behind one that failed none is reached by chance.
        good = list(takewhile(lambda floor: floor.is_trusted, tried))
        if not good:
            parts.append(f"{name} at none of these rates")
        else:
            more = " at least" if len(good) == len(tried) else ""
            parts.append(f"{name} up to {good[-1].load.rate:g} a second{more}")
    return "; ".join(parts)


def floors_answer(found: Sequence[Floor]) -> dict[str, Any]:
    """The same for --json; durations in seconds."""
    return {
        "sentences": sentences(found),
        "timing": [
            {
                **asdict(floor.load),
                **{k: v for k, v in asdict(floor).items() if k != "load"},
                "is_trusted": floor.is_trusted,
            }
            for floor in found
        ],
    }


def print_json(schema: str, found: Sequence[Floor]) -> None:
    """One object on stdout."""
    typer.echo(orjson.dumps({"schema": schema, **floors_answer(found)}).decode())
