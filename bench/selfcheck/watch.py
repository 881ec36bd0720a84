"""Watch: what this process itself does while requests are under way."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench.errors import StorageFailed
from bench.journal import VERSION, now_utc
from bench.selfcheck.lags import bucket_of

PROBE_NS = 10_000_000
INTERVAL_NS = 10_000_000_000
LONG_PAUSE_NS = 20_000_000
_NS = 1e9
Keep = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Level:
    """How many of something there are, and what that comes to over time."""

    n: int = 0
    most: int = 0
    area_ns: int = 0
    since_ns: int = 0

    def step(self, by: int, now_ns: int) -> None:
        """So many more (or fewer) from now on."""
        self.area_ns += self.n * (now_ns - self.since_ns)
        self.since_ns = now_ns
        self.n += by
        self.most = max(self.most, self.n)

    def take(self, now_ns: int) -> tuple[int, int]:
        """Area and most so far; from now on both are counted anew."""
        self.step(0, now_ns)
        taken = self.area_ns, self.most
        self.area_ns, self.most = 0, self.n
        return taken


# By identity: those of two watches are alike at first, and each leaves by itself.
@dataclass(slots=True, eq=False)
class Pauses:
    """Garbage collections, in which no line of this process is carried out."""

    n: int = 0
    n_long: int = 0
    total_ns: int = 0
    longest_ns: int = 0
    _begun_ns: int = 0

    def __call__(self, phase: str, _: Mapping[str, int]) -> None:
        """As `gc.callbacks` wants it."""
        now_ns = time.monotonic_ns()
        if phase == "start":
            self._begun_ns = now_ns
        elif self._begun_ns:
            pause_ns, self._begun_ns = now_ns - self._begun_ns, 0
            self.n += 1
            self.n_long += pause_ns > LONG_PAUSE_NS
            self.total_ns += pause_ns
            self.longest_ns = max(self.longest_ns, pause_ns)


@dataclass(slots=True)
class _Account:
    """What was counted since the last record."""

    watched_ns: int = 0
    cpu_ns: int = 0
    longest_lag_ns: int = 0
    lags: Counter[int] = field(default_factory=Counter[int])
    pauses: Pauses = field(default_factory=Pauses)


class Watch:
    """Probes the loop, the processor and the collector, only while it is needed.

    A probe is a timer each 10 ms on an absolute schedule; one that comes late has
    been late for every probe that was due meanwhile. With nothing under way there
    is no timer and no callback.
    """

    def __init__(self, keep: Keep, *, is_asked: bool) -> None:
        """Nothing is probed yet.

        Args:
            keep: Makes a record durable.
            is_asked: Whether somebody asked for a number of requests in flight;
                a program that is metered decides itself.
        """
        self._keep = keep
        self._is_asked = is_asked
        # Whether more attempts are to begin than have: what was answered and is
        # not yet recorded then keeps one of them back.
        self.has_more = True
        self._n_in_flight = 0
        # Attempts that nothing but this program keeps from being with the
        # endpoint, and those among them that are.
        self._open, self._with_endpoint = Level(), Level()
        # Answered with no more to begin: under way, but not open any more.
        self._n_spared = 0
        self._account = _Account()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._due_ns = self._since_ns = self._cpu_since_ns = 0

    @property
    def n_in_flight(self) -> int:
        """Attempts from their intent to their outcome."""
        return self._n_in_flight

    def begun(self) -> None:
        """An attempt has its place: its intent is recorded next."""
        now_ns = time.monotonic_ns()
        self._n_in_flight += 1
        self._open.step(1, now_ns)
        if self._timer is None:
            self._start(now_ns)

    def over(self) -> None:
        """An attempt's outcome is recorded."""
        self._n_in_flight -= 1
        if self._n_spared:
            self._n_spared -= 1
        else:
            self._open.step(-1, time.monotonic_ns())

    def sent(self) -> None:
        """A request is handed to its client."""
        self._with_endpoint.step(1, time.monotonic_ns())

    def answered(self) -> None:
        """An answer is there, or none will come."""
        now_ns = time.monotonic_ns()
        self._with_endpoint.step(-1, now_ns)
        if not self.has_more:
            self._n_spared += 1
            self._open.step(-1, now_ns)

    def stop(self) -> None:
        """Leave neither timer nor callback behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._pause(time.monotonic_ns())

    async def last_record(self) -> dict[str, Any] | None:
        """What was not recorded yet; None where nothing was watched since."""
        self.stop()
        for task in tuple(self._tasks):
            with suppress(StorageFailed):
                await task
        return self._record(time.monotonic_ns()) if self._account.watched_ns else None

    def _start(self, now_ns: int) -> None:
        self._since_ns, self._cpu_since_ns = now_ns, time.process_time_ns()
        gc.callbacks.append(self._account.pauses)
        self._due_ns = now_ns
        self._set_timer(asyncio.get_running_loop())

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_ns += PROBE_NS
        self._timer = loop.call_at(self._due_ns / _NS, self._probe, loop)

    def _probe(self, loop: asyncio.AbstractEventLoop) -> None:
        now_ns = time.monotonic_ns()
        account = self._account
        account.longest_lag_ns = max(account.longest_lag_ns, now_ns - self._due_ns)
        account.lags[bucket_of((now_ns - self._due_ns) / _NS)] += 1
        while self._due_ns + PROBE_NS <= now_ns:
            self._due_ns += PROBE_NS
            account.lags[bucket_of((now_ns - self._due_ns) / _NS)] += 1
        if not self._n_in_flight:
            self._pause(now_ns)
            return
        if account.watched_ns + now_ns - self._since_ns >= INTERVAL_NS:
            self._pause(now_ns)
            task = loop.create_task(self._kept(self._record(now_ns)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._start(now_ns)
        else:
            self._set_timer(loop)

    def _pause(self, now_ns: int) -> None:
        self._timer = None
        account = self._account
        account.watched_ns += now_ns - self._since_ns
        account.cpu_ns += time.process_time_ns() - self._cpu_since_ns
        # A program that is metered may have emptied the list.
        with suppress(ValueError):
            gc.callbacks.remove(account.pauses)

    async def _kept(self, record: Mapping[str, Any]) -> None:
        # Whoever sends next meets the same failure, and says it.
        with suppress(StorageFailed):
            await self._keep(record)

    def _record(self, now_ns: int) -> dict[str, Any]:
        """The account as a record; members are told in docs/journal.md."""
        account, self._account = self._account, _Account()
        pauses, watched_ns = account.pauses, account.watched_ns
        open_ns, _ = self._open.take(now_ns)
        with_endpoint_ns, most = self._with_endpoint.take(now_ns)
        return {
            "kind": "self_check",
            "v": VERSION,
            "at": now_utc(),
            "interval_s": watched_ns / _NS,
            "n_probes": account.lags.total(),
            "loop_lags": sorted(account.lags.items()),
            "loop_lag_max_s": account.longest_lag_ns / _NS,
            "cpu_s": account.cpu_ns / _NS,
            "gc_n": pauses.n,
            "gc_n_long": pauses.n_long,
            "gc_pause_s": pauses.total_ns / _NS,
            "gc_longest_s": pauses.longest_ns / _NS,
            "in_flight_asked": open_ns / watched_ns if self._is_asked else None,
            "in_flight_mean": with_endpoint_ns / watched_ns,
            "in_flight_max": most,
        }
