"""Sampling: what a program and all that it starts take, over time."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.05
_LOOK_FOR_MORE_S = 0.25
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Where /proc/PID/stat says them, counted behind the program's name.
_SESSION, _OWN_TICKS, _REAPED_TICKS = 3, (11, 12), (13, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look.

    Attributes:
        at_ns: On the monotonic clock.
        cpu_s: User and system time of the program's session so far, with that of
            its processes that ended.
        resident_bytes: Summed over its processes; shared pages count in each.
        stub_s: Processor time of the stub so far.
        machine_s: Busy time of all cores so far.
    """

    at_ns: int
    cpu_s: float
    resident_bytes: int
    stub_s: float
    machine_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A program that ended: code, what it printed, and every look at it."""

    code: int
    output: str
    started_ns: int
    samples: tuple[Sample, ...]

    def between(self, begin_ns: int, end_ns: int) -> tuple[float, float]:
        """Processor seconds of the program in a span, and cores that others took."""
        first, last = self._at(begin_ns), self._at(end_ns)
        own_s = last.cpu_s - first.cpu_s
        others_s = last.machine_s - first.machine_s - own_s
        others_s -= last.stub_s - first.stub_s
        return own_s, max(0.0, others_s * 1e9 / (end_ns - begin_ns))

    def most_bytes(self, begin_ns: int = 0, end_ns: int = 1 << 63) -> int:
        """The most that was resident in a span."""
        found = [
            sample.resident_bytes
            for sample in self.samples
            if begin_ns <= sample.at_ns <= end_ns
        ]
        return max(found, default=0)

    def _at(self, at_ns: int) -> Sample:
        """Counters at an instant, on a line between two looks."""
        before = [s for s in self.samples if s.at_ns <= at_ns] or [self.samples[0]]
        after = [s for s in self.samples if s.at_ns > at_ns] or [self.samples[-1]]
        one, two = before[-1], after[0]
        if two.at_ns <= one.at_ns:
            return one
        share = (at_ns - one.at_ns) / (two.at_ns - one.at_ns)
        return Sample(
            at_ns=at_ns,
            cpu_s=one.cpu_s + share * (two.cpu_s - one.cpu_s),
            resident_bytes=one.resident_bytes,
            stub_s=one.stub_s + share * (two.stub_s - one.stub_s),
            machine_s=one.machine_s + share * (two.machine_s - one.machine_s),
        )


def watch(
    command: list[str],
    folder: Path,
    variables: dict[str, str],
    stub_pid: int,
    patience_s: float,
) -> Watched:
    """Run a program in a session of its own to its end, looking at it often.

    One that takes longer than `patience_s` is killed and ends with a code below 0.
    """
    with (folder / "output.txt").open("w+b") as output:
        started_ns = time.monotonic_ns()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            samples, code = _samples(process.pid, stub_pid, patience_s)
        except BaseException:
            # In a session of its own it would go on without us.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        process.returncode = code
        output.seek(0)
        told = output.read().decode(errors="replace")
    return Watched(
        code=code, output=told, started_ns=started_ns, samples=tuple(samples)
    )


def _samples(pid: int, stub_pid: int, patience_s: float) -> tuple[list[Sample], int]:
    known, next_look, samples = [pid], 0.0, list[Sample]()
    deadline = time.monotonic() + patience_s
    while True:
        now = time.monotonic()
        if now >= next_look:
            known, next_look = _session(pid), now + _LOOK_FOR_MORE_S
        samples.append(_look(known, stub_pid))
        if now > deadline:
            os.killpg(pid, signal.SIGKILL)
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            last = _look([], stub_pid)
            # All that the program waited for is in its own account by now.
            whole_s = max(usage.ru_utime + usage.ru_stime, samples[-1].cpu_s)
            samples.append(
                Sample(
                    at_ns=last.at_ns,
                    cpu_s=whole_s,
                    resident_bytes=0,
                    stub_s=last.stub_s,
                    machine_s=last.machine_s,
                )
            )
            return samples, os.waitstatus_to_exitcode(status)
        time.sleep(EVERY_S)


def _look(pids: list[int], stub_pid: int) -> Sample:
    ticks = n_pages = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            ticks += sum(int(fields[i]) for i in (*_OWN_TICKS, *_REAPED_TICKS))
            n_pages += _pages(pid)
    stub = _stat(stub_pid)
    return Sample(
        at_ns=time.monotonic_ns(),
        cpu_s=ticks / _TICKS_PER_S,
        resident_bytes=n_pages * _PAGE_BYTES,
        stub_s=sum(int(stub[i]) for i in _OWN_TICKS) / _TICKS_PER_S if stub else 0.0,
        machine_s=_machine_s(),
    )


def _stat(pid: int) -> list[str]:
    """The fields behind the name, none when the process is gone."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return content.rpartition(")")[2].split()


def _pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0


def _session(leader: int) -> list[int]:
    found = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    stats = ((pid, _stat(pid)) for pid in found)
    return [pid for pid, told in stats if told and int(told[_SESSION]) == leader]


def _machine_s() -> float:
    """User, nice, system, interrupts and stolen time of all cores."""
    ticks = [int(t) for t in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks[:8]) - idle) / _TICKS_PER_S
