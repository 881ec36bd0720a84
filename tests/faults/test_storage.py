"""Full disks, damaged files and two processes: nothing recorded is lost."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Desk, Double, Ended

DISK_BYTES = 24_000_000


@pytest.fixture
def small_disk(desk: Desk) -> Iterator[Path]:
    """The data folder as a disk of its own, of 24 MB."""
    desk.data.mkdir()
    with machine.small_disk(desk.data, DISK_BYTES) as disk:
        yield disk


def fill(disk: Path) -> Path:
    """Take all room of a disk."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    return ballast


def failed(ended: Ended) -> str:
    """The sentence of a run that storage ended."""
    assert ended.code == 6, ended
    (sentence,) = ended.said
    return sentence


def test_a_full_disk_before_the_start_sends_nothing(
    desk: Desk, direct: Double, small_disk: Path
) -> None:
    desk.suite(repeats=6)
    desk.endpoint(direct.url)
    too_little = desk.run()
    assert str(desk.data) in failed(too_little)
    assert "nothing was sent" in too_little.err
    fill(small_disk)
    assert str(desk.data) in failed(desk.run("--limit", 1, "--images", "hash"))
    assert direct.posts == []
    assert not (desk.data / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("images", ["keep", "hash"])
def test_a_disk_that_fills_stops_the_run_and_loses_nothing(
    desk: Desk,
    direct: Double,
    small_disk: Path,
    judge_of: Callable[[Desk, Double], Any],
    images: str,
) -> None:
    desk.suite(repeats=4, fixed={"size": "1024x640", "output_format": "jpeg"})
    desk.endpoint(direct.url)
    direct.serves_in(1)
    process = desk.start(*desk.run_arguments("--images", images, "--concurrency", 4))
    desk.until(lambda: len(direct.posts_now) > 4, "the second wave does not come")
    ballast = fill(small_disk)
    ended = desk.end(process)
    assert ended.code == 6, ended
    assert any(line.startswith("storage: ") for line in ended.said)
    assert (ended.answer["state"], ended.answer["stopped_by"]) == ("stopped", "storage")
    n_sent = len(direct.posts)
    assert n_sent < 12
    before = desk.outcomes
    assert before

    still_full = desk.resume()
    assert still_full.code == 6
    assert len(direct.posts) == n_sent

    ballast.unlink()
    # The index is made anew from the journals when it is gone.
    (desk.data / "pixelmeter.duckdb").unlink(missing_ok=True)
    judge = judge_of(desk, direct)
    again = desk.resume("--max-failed-share", 1)
    assert again.code == 0, again
    assert before.items() <= desk.outcomes.items()
    status = judge.check()
    assert (status["trials"]["not_sent"], status["damaged"]) == (0, 0)
    assert len(direct.posts) == 12


@pytest.mark.usefixtures("done")
def test_an_index_that_has_no_room_is_not_left_half_made(desk: Desk) -> None:
    index = desk.data / "pixelmeter.duckdb"
    index.unlink()
    # Blocks of 512 bytes: more than the log takes, and less than the index.
    desk.started_by = ("sh", "-c", 'ulimit -f 1200; exec "$@"', "sh")
    refused = desk.pixelmeter("ingest")
    desk.started_by = ()
    assert refused.code == 6
    assert "make room and `pixelmeter ingest`" in refused.err
    assert not index.exists()
    assert desk.pixelmeter("ingest").code == 0
    assert desk.pixelmeter("show", "latest").code == 0


def test_a_second_process_on_the_same_run_is_told_the_pid_of_the_first(
    desk: Desk, start_double: Callable[..., Double]
) -> None:
    double = start_double()
    desk.suite()
    desk.endpoint(double.url)
    double.serves_in(60)
    first = desk.start(*desk.run_arguments())
    desk.until(lambda: double.in_flight == 3, "no full flight")
    second = desk.resume()
    assert (second.code, second.out) == (2, "")
    assert f"process {first.pid}" in second.err
    purge = desk.pixelmeter("purge", "--run", "latest")
    assert (purge.code, f"process {first.pid}" in purge.err) == (2, True)
    assert first.poll() is None
    assert len(double.posts_now) == 3


@pytest.fixture
def done(desk: Desk, direct: Double) -> Ended:
    """A finished run of three trials."""
    desk.suite()
    desk.endpoint(direct.url)
    ended = desk.run()
    assert ended.code == 0
    return ended


def test_a_torn_last_line_does_not_count_and_its_attempt_is_lost(
    desk: Desk, direct: Double, done: Ended
) -> None:
    (journal,) = desk.latest.glob("journal/*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    last = max(at for at, kind in enumerate(kinds) if kind == "outcome")
    journal.write_bytes(b"".join(lines[:last]) + lines[last][:-40])
    again = desk.resume()
    assert again.answer["damaged"] == 0
    trials = again.answer["trials"]
    assert (trials["done"], trials["possibly_billed"]) == (2, 1)
    bounds = {t["trial_id"]: t["bound_usd"] for t in desk.plan["trials"]}
    trial_id = json.loads(lines[last])["trial_id"]
    assert Decimal(again.answer["possibly_billed_usd"]) == Decimal(bounds[trial_id])
    assert len(direct.posts) == done.answer["attempts"] == 3


def test_a_flipped_bit_is_told_by_file_and_line_and_nothing_is_sent(
    desk: Desk, direct: Double, done: Ended
) -> None:
    (journal,) = desk.latest.glob("journal/*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"gpt", b"gqt").replace(b'"v":1', b'"v":3')
    journal.write_bytes(b"".join(lines))
    again = desk.resume()
    (sentence,) = again.said
    assert (again.code, again.out) == (6, "")
    assert f"{journal}: line 3 " in sentence
    purge = desk.pixelmeter("purge", "--run", done.answer["run_id"])
    assert purge.code == 6
    assert len(desk.pictures()) == len(direct.posts) == 3


def test_a_plan_that_was_changed_is_refused(
    desk: Desk, direct: Double, done: Ended
) -> None:
    path = desk.latest / "plan.json"
    path.write_bytes(path.read_bytes().replace(b"OPEN DAILY", b"OPEN NEVER"))
    again = desk.resume()
    assert (again.code, again.out) == (2, "")
    assert f"error: {path}: " in again.err
    path.write_bytes(b"{}")
    assert desk.resume().code == 2
    assert len(direct.posts) == done.answer["attempts"]


@pytest.mark.parametrize("place", ["", "runs", "images"])
def test_a_file_in_place_of_a_folder_ends_in_a_sentence(
    desk: Desk, direct: Double, place: str
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    path = desk.data / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("no folder")
    ended = desk.run("--limit", 1)
    assert str(path) in failed(ended)
    # A picture's place is only looked at when the first picture comes.
    assert len(direct.posts) == (1 if place == "images" else 0)


def test_a_broken_index_costs_no_record_and_no_answer(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    desk.data.mkdir()
    (desk.data / "pixelmeter.duckdb").write_text("no database")
    ended = desk.run()
    assert ended.code == 0
    (note,) = ended.said
    assert note.startswith("note: the run is recorded, its index is not: ")
    (desk.data / "pixelmeter.duckdb").unlink()
    again = desk.resume()
    assert again.said == []
    # What the journals say alone is what the index says, but for what is judged
    # when they are read.
    assert ended.answer["client_limited"] is None
    judged = {
        key: again.answer[key] for key in ended.answer if key.startswith("client_")
    }
    expected = {**ended.answer, **judged, "schema": "pixelmeter.resume/1"}
    assert again.answer == expected
    assert again.answer["client_limited"] is not None
    assert Decimal(again.answer["charge_usd"]) == direct.total_usd
