"""Cells: one harness under one load once, and what the stub and the kernel say."""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harnesses import Harness, Job, Latencies, Load
from sampling import Watched, watch

_STUB = Path(__file__).parents[1] / "stub.py"
_PATIENCE_S = 240.0
_NS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one start of a harness showed; None is what could not be measured.

    Attributes:
        why_not: Why there are no figures.
        n_answers: That the stub wrote whole.
        per_s: Of them, between the first request and the last byte.
        cpu_ms: Of the client's processes in that span, for each answer.
        most_mb: The most that they held in it; `most_life_mb` from start to end.
        first_s: From the start of the program to its first request.
        other_cores: Taken in the span by neither client nor stub.
        p50_error_ms: Reported latency less true time, the middle of all.
        p99_error_ms: The same, of the worst in a hundred.
        n_matched: Latencies that were matched with their true times; None where
            percentiles are compared.
        client_limited: Whether the harness says itself that it was too slow to be
            trusted; None where it says nothing.
    """

    harness: str
    load: str
    round: int
    why_not: str | None = None
    n_answers: int | None = None
    per_s: float | None = None
    cpu_ms: float | None = None
    most_mb: float | None = None
    most_life_mb: float | None = None
    first_s: float | None = None
    other_cores: float | None = None
    p50_error_ms: float | None = None
    p99_error_ms: float | None = None
    n_matched: int | None = None
    client_limited: bool | None = None

    def row(self) -> dict[str, Any]:
        """For the raw rows: what is known, floats cut to four digits."""
        known = {k: v for k, v in asdict(self).items() if v is not None}
        return {
            k: float(f"{v:.4g}") if isinstance(v, float) else v
            for k, v in known.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A stub that runs: where it listens, its process."""

    url: str
    pid: int

    def log(self, *, forget: bool = False) -> list[dict[str, Any]]:
        """The true times of each request that was answered whole."""
        place = self.url.removesuffix("/v1") + "/log"
        method = "DELETE" if forget else "GET"
        request = urllib.request.Request(place, method=method)  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  same
            entries = map(json.loads, answer.read().splitlines())
            return [entry for entry in entries if "last_ns" in entry]


@contextlib.contextmanager
def stub(load: Load) -> Iterator[Stub]:
    """A stub for a load, in a process of its own."""
    command = [sys.executable, str(_STUB), "--bytes", str(load.n_bytes)]
    command += ["--service", load.service]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            yield Stub(url=json.loads(line)["url"], pid=process.pid)
        finally:
            process.terminate()


def measure(
    harness: Harness, load: Load, there: Stub, turn: int, span_s: float
) -> Cell:
    """Start a harness once against a stub; never raises for what it does."""
    named: dict[str, Any] = {"harness": harness.name, "load": load.name, "round": turn}
    if harness.why_not:
        return Cell(**named, why_not=harness.why_not)
    there.log(forget=True)
    # Where users keep their data: a folder of the temporary kind may be memory.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        job = Job(
            url=there.url,
            load=load,
            count=harness.count(load, span_s),
            seconds=span_s,
            folder=Path(name),
        )
        command, variables = harness.start(job)
        watched = watch(command, job.folder, variables, there.pid, _PATIENCE_S)
        entries = there.log()
        if watched.code or len(entries) < load.in_flight:
            return Cell(**named, why_not=_ended_badly(watched, entries))
        latencies = _reported(harness, job, watched.output)
    return Cell(
        **named,
        **_taken(watched, entries),
        **_errors(latencies, entries),
        client_limited=_client_limited(watched.output),
    )


def _reported(harness: Harness, job: Job, output: str) -> Latencies:
    """What a harness reported; nothing where it is not as we know it."""
    try:
        return harness.latencies(job, output)
    except (OSError, ValueError, LookupError, TypeError) as error:
        print(f"{harness.name}: its latencies can't be read ({error!r:.120})")
        return {}


def _client_limited(output: str) -> bool | None:
    """What the answer of `pixelmeter run --json` says of itself, where it does."""
    answers = (
        json.loads(line)
        for line in output.splitlines()
        if line.startswith('{"schema":"pixelmeter.run/')
    )
    return next((answer.get("client_limited") for answer in answers), None)


def _ended_badly(watched: Watched, entries: list[dict[str, Any]]) -> str:
    lines = watched.output.strip().splitlines() or ["it printed nothing"]
    told = next((line for line in lines if "rror:" in line), lines[-1])
    said = told.strip("│╭╰─╮╯ ")[:120]
    return f"ended with {watched.code} after {len(entries)} answers: {said}"


def _taken(watched: Watched, entries: list[dict[str, Any]]) -> dict[str, Any]:
    begin_ns = min(entry["received_ns"] for entry in entries)
    end_ns = max(entry["last_ns"] for entry in entries)
    cpu_s, other_cores = watched.between(begin_ns, end_ns)
    return {
        "n_answers": len(entries),
        "per_s": (len(entries) - 1) * _NS / (end_ns - begin_ns),
        "cpu_ms": cpu_s * 1000 / len(entries),
        "most_mb": watched.most_bytes(begin_ns, end_ns) / 1e6,
        "most_life_mb": watched.most_bytes() / 1e6,
        "first_s": (begin_ns - watched.started_ns) / _NS,
        "other_cores": other_cores,
    }


def _errors(latencies: Latencies, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Reported less true: by request, or by percentile where no more is told."""
    true_s = {
        entry["id"] or str(number): (entry["ready_ns"] - entry["received_ns"]) / _NS
        for number, entry in enumerate(entries)
    }
    if set(latencies) == {"p50", "p99"}:
        p50_s, p99_s = _percentiles(list(true_s.values()))
        return {
            "p50_error_ms": (latencies["p50"] - p50_s) * 1000,
            "p99_error_ms": (latencies["p99"] - p99_s) * 1000,
        }
    errors_s = [latencies[name] - true_s[name] for name in latencies.keys() & true_s]
    if len(errors_s) < len(entries) // 2:
        return {"n_matched": len(errors_s)}
    p50_s, p99_s = _percentiles(errors_s)
    return {
        "p50_error_ms": p50_s * 1000,
        "p99_error_ms": p99_s * 1000,
        "n_matched": len(errors_s),
    }


def _percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
