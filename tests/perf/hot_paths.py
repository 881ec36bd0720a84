"""Hot paths: what a run does for each request, and an index for each question.

    make bench-paths           beside the saved baselines, which it never fails by

Machines differ, so a figure is a ratio: the quietest round of a hot path over the
quietest of a loop of plain Python, timed just before and after it (medians move
by more where others use the machine). `compare_paths.py` reads it.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.endpoint import Endpoint, Route
from bench.folder import DataFolder, RunFolder
from bench.journal import JournalWriter, encode
from bench.plan.build import Wishes, build
from bench.plan.frozen import Options
from bench.store import queries
from bench.store.index import open_index
from bench.store.ingest import refresh
from bench.suite import Suite, read_suite
from bench.wire.answer import read_answer
from pricing.book import shipped_book
from pricing.charge import charge
from pricing.usage import Usage
from tests.perf.ingest_bench import outcome_record, write_journal, write_plan
from tests.perf.stub import Canned

Timed = Callable[..., Any]
N_ATTEMPTS = 5_000
RUN_ID = "20261121-130000-000001"
SUITE = """
name: paths
prompts:
  - {id: one, text: A lighthouse on a rock in the evening}
  - {id: two, text: A red kite over a field}
axes: {model: [gpt-image-2], quality: [low, medium, high], size: [1024x1024]}
repeats: 100
"""


def _loop() -> None:
    """Some of all that Python does, half a millisecond of it."""
    told = Decimal(0)
    for number in range(200):
        content = {"number": number, "text": str(number) * 4}
        told += Decimal(content["number"]) / 7
        hashlib.sha256(repr(content).encode()).digest()


def _loops_s() -> list[float]:
    taken_s: list[float] = []
    for _ in range(50):
        begun_s = time.perf_counter()
        _loop()
        taken_s.append(time.perf_counter() - begun_s)
    return taken_s


@pytest.fixture
def timed(benchmark: Any) -> Iterator[Any]:
    """The benchmark, which learns what the loop took meanwhile."""
    before_s = _loops_s()
    yield benchmark
    loop_s = min(before_s + _loops_s())
    benchmark.extra_info["loop_s"] = loop_s


@pytest.fixture(scope="module")
def large_answer() -> bytes:
    """The body of an answer of 1.5 MB."""
    whole = b"".join(Canned(1_500_000).numbered(1))
    return whole[whole.index(b"\r\n\r\n") + 4 :]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    path = tmp_path_factory.mktemp("suite") / "suite.yaml"
    path.write_text(SUITE)
    return read_suite(path)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A data folder whose index holds a run."""
    folder = DataFolder(tmp_path_factory.mktemp("data"))
    _write_run(folder)
    refresh(folder)
    return folder


def _write_run(folder: DataFolder) -> None:
    run = RunFolder(folder.runs / RUN_ID)
    write_journal(run, write_plan(run, N_ATTEMPTS))


def test_journal_encode(timed: Timed) -> None:
    assert timed(encode, outcome_record("x" * 32, 1)).endswith(b"\n")


def test_journal_append_of_64_at_once(timed: Timed, tmp_path: Path) -> None:
    journal = JournalWriter(RunFolder(tmp_path / "run"))
    record = outcome_record("x" * 32, 1)

    async def append() -> None:
        await asyncio.gather(*(journal.append(record) for _ in range(64)))

    with asyncio.Runner() as runner:
        timed(lambda: runner.run(append()))
    journal.close()


def test_parse_of_a_large_answer(timed: Timed, large_answer: bytes) -> None:
    (picture,) = timed(read_answer, 200, large_answer).pictures
    assert len(picture) > 1_000_000


def test_charge(timed: Timed) -> None:
    card = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21))
    usage = Usage(input_text_tokens=60, cached_text_tokens=10, output_image_tokens=196)
    assert timed(charge, usage, card).usd > 0


def test_plan_of_600_trials(timed: Timed, suite: Suite) -> None:
    there = Endpoint(
        name="stub",
        base_url="http://127.0.0.1:1/v1",
        api_key_env="K",
        route=Route.DIRECT,
        prices="openai",
    )
    wishes = Wishes(seed=1, options=Options())
    assert len(timed(build, suite, (there,), wishes).trials) == 600


def test_ingest_of_5000_attempts(
    timed: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def fresh() -> tuple[tuple[DataFolder], dict[str, Any]]:
        folder = DataFolder(tmp_path_factory.mktemp("data"))
        _write_run(folder)
        return (folder,), {}

    timed.pedantic(refresh, setup=fresh, rounds=5)


@pytest.mark.parametrize("view", ["cells", "trials", "requests"])
def test_view(timed: Timed, measured: DataFolder, view: str) -> None:
    with open_index(measured) as con:
        assert timed(getattr(queries, view), con, RUN_ID)
