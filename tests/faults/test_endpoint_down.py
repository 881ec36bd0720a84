"""An endpoint that goes down in the middle of a run, and comes back."""

from __future__ import annotations

import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double, Ended

CONCURRENCY = 4
N_TRIALS = 12
# The profile is changed in the pause after the first wave.
WAVE_PAUSE_S = 5
# Longer than the test: what is in flight at the kill has no answer.
FOREVER_S = 600


def free_port() -> str:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return str(any_socket.getsockname()[1])


class Lives:
    """The ledgers of an emulator's lives together, as a judge reads them."""

    def __init__(self, start: Callable[..., Double]) -> None:
        self._start = start
        self._port = free_port()
        self._posts: list[dict[str, Any]] = []
        self._usd = Decimal(0)
        self.now = start("--port", self._port)

    def kill(self) -> None:
        """End it with no farewell; what it counted so far is kept."""
        ledger = self.now._control("GET", "ledger")
        self._posts += [r for r in ledger["requests"] if r["method"] == "POST"]
        self._usd += Decimal(ledger["total_usd"])
        self.now.process.kill()
        self.now.process.wait()

    def rise(self) -> None:
        """Start it again at the same address."""
        self.now = self._start("--port", self._port, "--time-scale", "0")

    @property
    def posts(self) -> list[dict[str, Any]]:
        return self._posts + ([] if self._is_dead else self.now.posts)

    @property
    def total_usd(self) -> Decimal:
        return self._usd + (Decimal(0) if self._is_dead else self.now.total_usd)

    @property
    def _is_dead(self) -> bool:
        return self.now.process.poll() is not None


def down_in_full_flight(desk: Desk, lives: Lives) -> Ended:
    """A run whose endpoint dies when a wave is served and the next in work."""
    lives.now.serves_in(0)
    in_waves = ("--wave", CONCURRENCY, "--wave-pause", WAVE_PAUSE_S)
    process = desk.start(*desk.run_arguments("--concurrency", CONCURRENCY, *in_waves))
    desk.until(lambda: has_run(desk) and len(desk.outcomes) == CONCURRENCY, "no wave")
    lives.now.serves_in(FOREVER_S)
    desk.until(lambda: lives.now.in_flight == CONCURRENCY, "no full flight")
    assert len(desk.outcomes) == CONCURRENCY
    lives.kill()
    return desk.end(process)


def has_run(desk: Desk) -> bool:
    return (desk.data / "runs").is_dir() and any((desk.data / "runs").iterdir())


@pytest.mark.slow
def test_an_endpoint_that_dies_costs_what_was_in_flight_and_resume_does_the_rest(
    desk: Desk,
    start_double: Callable[..., Double],
    judge_of: Callable[[Desk, Any], Any],
) -> None:
    lives = Lives(start_double)
    desk.suite(repeats=N_TRIALS // 3, fixed={"size": "1024x640"})
    desk.endpoint(lives.now.url)
    judge = judge_of(desk, lives)
    ended = down_in_full_flight(desk, lives)
    trials = judge.check()["trials"]
    assert (ended.code, ended.answer["state"]) == (4, "finished")
    assert (trials["done"], trials["possibly_billed"]) == (CONCURRENCY, CONCURRENCY)
    assert trials["not_sent"] == N_TRIALS - 2 * CONCURRENCY
    assert Decimal(ended.answer["charge_usd"]) == lives.total_usd
    said = " ".join(ended.said)
    assert f"direct: {trials['not_sent']} trials not sent" in said
    assert f"direct: {CONCURRENCY} trials possibly billed" in said

    still_down = desk.resume()
    judge.check()
    assert (still_down.code, still_down.answer["trials"]) == (4, trials)

    lives.rise()
    again = desk.resume()
    status = judge.check()
    assert (again.code, status["trials"]["not_sent"]) == (0, 0)
    assert status["trials"]["done"] == N_TRIALS - CONCURRENCY
    assert status["trials"]["possibly_billed"] == CONCURRENCY
    assert Decimal(status["charge_usd"]) == lives.total_usd
    assert len(lives.posts) == N_TRIALS


@pytest.mark.slow
def test_the_other_endpoint_is_asked_to_the_end(
    desk: Desk, direct: Double, start_double: Callable[..., Double]
) -> None:
    lives = Lives(start_double)
    desk.suite(repeats=4, fixed={"size": "1024x640"})
    desk.two_endpoints(direct, lives.now)
    lives.now.serves_in(FOREVER_S)
    both = ("--endpoint", "direct", "--endpoint", "half", "--concurrency", CONCURRENCY)
    process = desk.start(*desk.run_arguments("--yes", *both))
    desk.until(lambda: lives.now.in_flight == CONCURRENCY, "no full flight")
    lives.kill()
    ended = desk.end(process)
    assert ended.code == 4
    trials = ended.answer["trials"]
    assert trials["done"] == len(direct.posts) == 12
    assert (trials["possibly_billed"], trials["not_sent"]) == (CONCURRENCY, 8)
    assert Decimal(ended.answer["charge_usd"]) == direct.total_usd


def test_an_endpoint_that_was_never_up_costs_nothing_and_says_how_to_go_on(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(f"http://127.0.0.1:{free_port()}/v1")
    suite = desk.folder / "suite.yaml"
    ended = desk.pixelmeter("run", suite, "--endpoints", desk.endpoints)
    assert ended.code == 4
    assert "direct: 3 trials not sent" in ended.out
    assert "charged $0.00" in ended.out
    assert "possibly billed" not in ended.out
    assert "go on with: pixelmeter resume " in ended.out

    desk.endpoint(direct.url)
    again = desk.resume("--endpoints", desk.endpoints)
    assert (again.code, again.answer["trials"]["done"]) == (0, 3)
    assert Decimal(again.answer["charge_usd"]) == direct.total_usd
