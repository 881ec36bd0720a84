"""Times against the emulator's own stamps: in bound, or marked (R8)."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from bench.checkup.timing import SERVICE_S, Floor, Load, measure
from bench.selfcheck import witness
from bench.selfcheck.witness import NotComparable, Witness, boot_id, stamps_of
from tests.canned import answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Desk, Double

# 110 answers: their p99 leaves out the longest, so that a lone stall of the machine,
# which is no hundredth of the time either, is in neither side of what is asserted.
LOAD = Load(answer_bytes=1_500_000, rate=20, length_s=5.5)
N_RUNS = 3
PARTIAL_BYTES, PARTIAL_S = 150_000, 0.002
FIRST_BYTE_P50_S, FIRST_BYTE_P99_S, LAST_BYTE_P99_S = 0.002, 0.025, 0.05
N_HOGS = 2
HELD_UP = ("lay in the kernel", "came to its work late", "requests left late")


@pytest.fixture(scope="module")
def canned(start_double: Callable[..., Double]) -> Double:
    """An emulator that serves one answer of 1.5 MB to all, after 0.25 s."""
    double = start_double()
    double.serves_in(SERVICE_S)
    double.profile(answer_bytes=LOAD.answer_bytes)
    return double


@pytest.fixture
def hogs() -> Iterator[None]:
    """Two processes that take all the processor time they can get."""
    processes = [
        subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"])
        for _ in range(N_HOGS)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def is_in_bound(floor: Floor) -> bool:
    first, last = floor.first_byte_error_s, floor.service_error_s
    assert first is not None, floor
    assert last is not None, floor
    return (
        first[0] <= FIRST_BYTE_P50_S
        and first[2] <= FIRST_BYTE_P99_S
        and last[2] <= LAST_BYTE_P99_S
    )


def test_times_are_within_their_bounds_or_the_run_is_marked(
    canned: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [asyncio.run(measure(canned.url, LOAD)) for _ in range(N_RUNS)]
    with capsys.disabled():
        for floor in found:
            print("\n", told(floor), end="")  # noqa: T201  the figures of R8
    for floor in found:
        assert floor.n == floor.n_ok == LOAD.rate * LOAD.length_s
        assert is_in_bound(floor) or floor.client_limited, floor


@pytest.mark.usefixtures("hogs")
def test_times_under_two_hogs_are_within_their_bounds_or_the_run_is_marked(
    canned: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    floor = asyncio.run(measure(canned.url, LOAD))
    with capsys.disabled():
        print("\n", told(floor), end="")  # noqa: T201  as above
    assert is_in_bound(floor) or floor.client_limited, floor


def test_first_partial_pictures_are_within_their_bound_or_the_run_is_marked(
    start_double: Callable[..., Double], capsys: pytest.CaptureFixture[str]
) -> None:
    streaming = start_double()
    streaming.serves_in(SERVICE_S)
    streaming.profile(answer_bytes=PARTIAL_BYTES)
    load = Load(answer_bytes=PARTIAL_BYTES, rate=20, length_s=5.5, partial_images=1)
    floor = asyncio.run(measure(streaming.url, load))
    with capsys.disabled():
        print("\n", told(floor), end="")  # noqa: T201  as above
    assert floor.n == floor.n_ok == load.rate * load.length_s
    assert floor.first_partial_error_s is not None
    # Where ours are late the run is marked; what else is off is the emulator's own.
    is_off = floor.first_partial_error_s[0] > PARTIAL_S
    assert not is_off or floor.client_limited, floor


def told(floor: Floor) -> str:
    """One line of figures in milliseconds."""
    three = (
        floor.first_byte_error_s,
        floor.first_partial_error_s,
        floor.service_error_s,
    )
    errors = [" ".join(f"{s * 1000:.1f}" for s in one or ()) for one in three]
    mark = {True: "client-limited", False: "kept up", None: "unknown"}
    return (
        f"n={floor.n} first byte {errors[0]} first partial {errors[1]} "
        f"last byte {errors[2]} ms "
        f"(p50 p95 p99), loop p99 {(floor.loop_lag_p99_s or 0) * 1000:.1f} ms, "
        f"{mark[floor.client_limited]}"
    )


def test_a_loop_that_is_held_up_is_marked_however_calm_the_machine(
    canned: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of a user's, metered, that works in the loop."""
    load = Load(answer_bytes=LOAD.answer_bytes, rate=20, length_s=1.0)
    from bench.meter.session import OpenRun

    plan = OpenRun.plan

    def slow(*arguments: Any) -> Any:
        time.sleep(0.03)
        return plan(*arguments)

    monkeypatch.setattr(OpenRun, "plan", slow)
    floor = asyncio.run(measure(canned.url, load))
    assert floor.client_limited is True
    # Answers lay in the kernel, the loop came late, requests left late: any of them.
    assert any(held in reason for reason in floor.reasons for held in HELD_UP)


def test_every_answer_of_a_run_is_compared_while_its_emulator_lives(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    ended = desk.run("--endpoint", "direct", "--endpoint", "half", "--yes")
    assert ended.code == 0, ended
    shown = desk.pixelmeter("show", "latest", "--json").answer
    certification = shown["certification"]
    assert certification["n"] == certification["n_ok"] == 6
    assert shown["not_certified"] is None
    p50, p95, p99 = (certification[f"service_error_p{q}_s"] for q in (50, 95, 99))
    assert 0 <= p50 <= p95 <= p99
    kinds = [r["kind"] for path in desk.latest.glob("journal/*") for r in lines(path)]
    assert kinds[-1] == "end"
    assert set(kinds[-4:-1]) == {"self_check", "certified"}


def lines(path: Any) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_nobody_but_an_emulator_is_asked_for_stamps() -> None:
    seen = Witness()
    with answering(200, {}) as server:
        seen.saw("real", "a.1", 1, {"server": "cloudflare"})
        assert asyncio.run(seen.records({"real": server.url})) == []
        assert server.asked == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1:1/v1", "not on this machine"),
        ("http://192.0.2.1/v1", "not on this machine"),
        ("http://127.0.0.1:1/v1", "did not tell"),
    ],
)
def test_an_emulator_elsewhere_is_not_asked(url: str, why: str) -> None:
    with pytest.raises(NotComparable, match=why):
        stamps_of(url)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, {}, "does not tell"),
        (200, "<html>", "did not tell"),
        (200, [], "clock is not this machine's"),
        (200, {"boot_id": "another", "stamps": []}, "clock is not this machine's"),
        (200, {"boot_id": None, "stamps": []}, "clock is not this machine's"),
        (
            200,
            {"boot_id": boot_id(), "origin": "http://127.0.0.1:1", "stamps": []},
            "another server stands before",
        ),
    ],
)
def test_stamps_that_say_nothing_of_ours_are_not_compared(
    status: int, body: Any, why: str
) -> None:
    with answering(status, body) as server, pytest.raises(NotComparable, match=why):
        stamps_of(server.url)


def test_who_drips_its_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witness, "WITHIN_S", 0.3)
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                client.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        try:
            with pytest.raises(NotComparable, match="did not tell"):
                stamps_of(url)
        finally:
            over.set()
            thread.join()


def test_a_system_that_can_not_name_its_boot_compares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witness, "boot_id", lambda: None)
    told = {"boot_id": None, "stamps": []}
    with answering(200, told) as server, pytest.raises(NotComparable, match="clock"):
        stamps_of(server.url)


def test_stamps_of_another_clock_are_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Witness()
    now_ns = time.monotonic_ns()
    seen.saw("e", "a.1", now_ns, {"x-emulator": "1"})
    monkeypatch.setattr(witness, "stamps_of", lambda _: {"a.1": (5, 6, 7, None)})
    (record,) = asyncio.run(seen.records({"e": "http://127.0.0.1:1/v1"}))
    assert record["attempt_ids"] == []
    assert "clock is not this machine's" in record["why_not"]


def test_only_our_own_requests_are_recorded_in_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Witness()
    names = [f"t{i}.1" for i in range(witness.BATCH + 1)]
    for name in names:
        seen.saw("e", name, time.monotonic_ns(), {"x-emulator": "1"})
    at = time.monotonic_ns()
    told = dict.fromkeys([*names, "others.1"], (at, at, at, at))
    monkeypatch.setattr(witness, "stamps_of", lambda _: told)
    records = asyncio.run(seen.records({"e": "http://127.0.0.1:1/v1"}))
    assert [len(record["attempt_ids"]) for record in records] == [witness.BATCH, 1]
    assert [name for record in records for name in record["attempt_ids"]] == names
