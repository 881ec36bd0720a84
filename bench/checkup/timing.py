"""Timing: how far this machine's times are off, by size and rate."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench.attempt import Attempt, Cell
from bench.endpoint import Endpoint, Route
from bench.folder import DataFolder
from bench.meter.lanes import open_lane
from bench.meter.session import OpenRun, open_run
from bench.plan.growth import prompt_of
from bench.plan.options import Options
from bench.selfcheck.verdict import LEAST_LIMIT_S, SERVICE_SHARE
from bench.store.checked import certification, judged_figures
from bench.store.index import open_index

# What an answer is like: a refusal or thumbnail, a compressed picture, a PNG.
SIZES = (("2 KB", 2_000), ("150 KB", 150_000), ("1.5 MB", 1_500_000))
RATES = (10, 40, 160)
STRETCH_S = 2.0
# Long enough for requests to be under way at the same time.
SERVICE_S = 0.25
_MOST_AT_ONCE = 4096
_WARM_S = 0.2
_NAME = "emulator"
_ASKED: tuple[tuple[str, str], ...] = (("quality", "low"), ("size", "1024x1024"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: answers of so many bytes, so many a second, so long.

    Attributes:
        partial_images: Where there are any, answers are streams, and pictures.
    """

    answer_bytes: int
    rate: float
    length_s: float = STRETCH_S
    partial_images: int = 0

    @property
    def parameters(self) -> tuple[tuple[str, str | int | bool], ...]:
        """What its requests say."""
        if not self.partial_images:
            return _ASKED
        return (("partial_images", self.partial_images), *_ASKED, ("stream", True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What one load showed; seconds.

    Attributes:
        n, n_ok: Answers that were compared, and that were ok.
        first_byte_error_s, first_partial_error_s, service_error_s: p50, p95, p99;
            None where nothing was compared.
        limit_s: The most that the p99 of an error may be.
        late_p99_s: How much later than due requests were begun.
        client_limited: As of any run.
        why_not: Why nothing, or not all, was compared.
    """

    load: Load
    n: int
    n_ok: int
    first_byte_error_s: tuple[float, float, float] | None
    first_partial_error_s: tuple[float, float, float] | None
    service_error_s: tuple[float, float, float] | None
    limit_s: float
    late_p99_s: float
    loop_lag_p99_s: float | None
    cpu_share: float | None
    in_flight_mean: float | None
    client_limited: bool | None
    reasons: tuple[str, ...]
    why_not: str | None

    @property
    def is_trusted(self) -> bool:
        """Whether the p99 of both errors is within the limit."""
        if self.first_byte_error_s is None or self.service_error_s is None:
            return False
        worst_s = max(self.first_byte_error_s[-1], self.service_error_s[-1])
        return worst_s <= self.limit_s

    @property
    def is_hopeless(self) -> bool:
        """Whether more of the same need not be tried: even the median is off."""
        error_s = self.service_error_s
        return error_s is None or error_s[0] > self.limit_s


async def measure(url: str, load: Load) -> Floor:
    """Send a load to an emulator by the path of any metered call.

    The emulator is to answer after `SERVICE_S` with bodies of the load's size.
    Records lie in a folder that is gone afterwards.

    Raises:
        StorageFailed: Records can't be written.
    """
    with tempfile.TemporaryDirectory(prefix="pixelmeter-timing-") as name:
        data = DataFolder(Path(name) / "data")
        run_id, lates_s = await _send(url, load, data)
        with open_index(data) as con:
            figures = judged_figures(con, run_id)
            found = certification(con, run_id)
    return Floor(
        load=load,
        n=found.n,
        n_ok=found.n_ok,
        first_byte_error_s=found.first_byte_error_s,
        first_partial_error_s=found.first_partial_error_s,
        service_error_s=found.service_error_s,
        limit_s=max(LEAST_LIMIT_S, SERVICE_SHARE * SERVICE_S),
        late_p99_s=sorted(lates_s)[-1 - len(lates_s) // 100],
        loop_lag_p99_s=figures["loop_lag_p99_s"],
        cpu_share=figures["cpu_share"],
        in_flight_mean=figures["in_flight_mean"],
        client_limited=figures["client_limited"],
        reasons=tuple(figures["reasons"]),
        why_not=found.why_not,
    )


async def _send(url: str, load: Load, data: DataFolder) -> tuple[str, list[float]]:
    """One metered run; its name, and how late each request was begun."""
    endpoint = Endpoint(
        name=_NAME,
        base_url=url,
        api_key_env="PIXELMETER_TIMING_KEY",
        route=Route.DIRECT,
        prices="openai",
    )
    options = Options(concurrency=_MOST_AT_ONCE, images="hash")
    async with AsyncExitStack() as stack:
        run = await open_run(
            data, "timing", (endpoint,), options, tags={}, note=None, stack=stack
        )
        try:
            lates_s = await _on_schedule(run, endpoint, load, stack)
        finally:
            await run.end(None)
    await run.refresh_index()
    return run.run_id, lates_s


async def _on_schedule(
    run: OpenRun, endpoint: Endpoint, load: Load, stack: AsyncExitStack
) -> list[float]:
    """Begin each request when it is due, whether or not others have ended."""
    limiter, turns = run.way_to(endpoint)
    lane = open_lane(endpoint, "sk-timing", _MOST_AT_ONCE, stack)
    lane = replace(lane, limiter=limiter, turns=turns)
    prompt = prompt_of("A sheet of paper", "paper")
    cell = Cell(
        endpoint=_NAME,
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=load.parameters,
    )

    lates_s: list[float] = []

    def told(attempt: Attempt, _: bool) -> None:  # noqa: FBT001  as called
        lates_s.append(attempt.stamps.late_s or 0.0)

    begin_ns = time.monotonic_ns() + int(_WARM_S * 1e9)
    async with asyncio.TaskGroup() as group:
        for number in range(max(1, round(load.rate * load.length_s))):
            due_ns = begin_ns + round(number / load.rate * 1e9)
            await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            planned = run.plan(endpoint, cell, prompt)
            group.create_task(run.carry_out(planned, lane, told, due_ns))
    return lates_s


def floors(
    change: Callable[[dict[str, object]], None],
    url: str,
    tell: Callable[[str], None],
) -> tuple[Floor, ...]:
    """Every size at rising rates, as far as they make sense; about 30 s.

    Args:
        change: Changes parts of the emulator's profile.
        url: The emulator's base URL.
        tell: Is told what is measured next.
    """
    constant = {"distribution": "constant", "median_s": SERVICE_S, "sigma": 0}
    change({"time_scale": 1, "service_time": constant})
    found: list[Floor] = []
    for size, answer_bytes in SIZES:
        change({"answer_bytes": answer_bytes})
        asyncio.run(
            measure(url, Load(answer_bytes=answer_bytes, rate=10, length_s=0.3))
        )
        for rate in RATES:
            tell(f"{size}, {rate} requests a second, {STRETCH_S:g} s")
            load = Load(answer_bytes=answer_bytes, rate=rate)
            found.append(asyncio.run(measure(url, load)))
            if found[-1].is_hopeless:
                break
    return tuple(found)
