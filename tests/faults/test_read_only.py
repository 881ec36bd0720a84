"""A data folder that can't be written: told in a sentence, still read."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.machine import mounted_read_only, write_protected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double, Ended


@pytest.fixture
def ran(desk: Desk, direct: Double) -> dict[str, Any]:
    """The status of a finished run, in an index that is current."""
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["low", "medium"]})
    desk.endpoint(direct.url)
    ended = desk.run("--limit", 1)
    assert ended.code == 0
    return ended.answer


def refused(ended: Ended, *names: object) -> None:
    """It could not be done: one sentence that names the place, and 6."""
    assert (ended.code, ended.out) == (6, ""), ended
    sentence = ended.said[-1]
    assert sentence.startswith("error: "), ended
    for name in names:
        assert str(name) in sentence


@pytest.mark.parametrize("closed", [write_protected, mounted_read_only])
def test_what_would_write_is_refused_and_nothing_is_sent(
    desk: Desk, direct: Double, ran: dict[str, Any], closed: Callable[..., Any]
) -> None:
    n_sent = len(direct.posts)
    with closed(desk, desk.data):
        refused(desk.run("--limit", 1), desk.data, "--data DIR")
        where = ("--endpoints", desk.endpoints, "--endpoint", "direct", "--yes")
        refused(desk.pixelmeter("generate", "a kite", *where), desk.data)
        refused(desk.resume(), desk.data, "nothing was sent")
        refused(desk.pixelmeter("purge", "--run", "latest"), desk.data)
        refused(desk.pixelmeter("ingest", "--rebuild"), desk.data)
    assert len(direct.posts) == n_sent == ran["attempts"]


def test_a_current_index_is_read_as_ever(desk: Desk, ran: dict[str, Any]) -> None:
    with write_protected(desk, desk.data):
        shown = desk.pixelmeter("show", "latest", "--json")
        listed = desk.pixelmeter("runs", "--json")
        compared = desk.pixelmeter("compare", "latest", "--json")
        read = desk.pixelmeter("ingest", "--json")
    for ended in (shown, listed, compared, read):
        assert (ended.code, ended.err) == (0, ""), ended
    assert shown.answer["charge_usd"] == ran["charge_usd"]
    assert [run["run_id"] for run in listed.answer["runs"]] == [ran["run_id"]]
    assert compared.answer["levels"][0]["n_ok"] == 1


def test_an_index_that_is_behind_is_read_with_a_note(
    desk: Desk, ran: dict[str, Any]
) -> None:
    newer = desk.data / "runs" / "20991231-000000-000001"
    shutil.copytree(desk.latest, newer)
    plan = newer / "plan.json"
    plan.write_text(plan.read_text().replace(ran["run_id"], newer.name))
    with write_protected(desk, desk.data):
        shown = desk.pixelmeter("show", ran["run_id"], "--json")
        missing = desk.pixelmeter("show", newer.name)
        refused(desk.pixelmeter("ingest"), desk.data)
        checked = desk.pixelmeter("doctor", "--json")
    assert (shown.code, shown.answer["charge_usd"]) == (0, ran["charge_usd"])
    (note,) = shown.said
    assert note.startswith(f"warning: {desk.data} can't be written")
    assert "newer records are missing" in note
    assert (missing.code, missing.out) == (2, "")
    assert missing.said[-1].startswith(f"error: run '{newer.name}' can't be shown")
    found = {check["name"]: check for check in checked.answer["checks"]}
    assert (checked.code, found["data folder"]["status"]) == (6, "problem")
    assert "1 changed since" in found["index"]["sentence"]


@pytest.mark.usefixtures("ran")
def test_without_an_index_it_is_said_what_to_do(desk: Desk) -> None:
    (desk.data / "pixelmeter.duckdb").unlink()
    with write_protected(desk, desk.data):
        for command in (("show", "latest"), ("runs",), ("compare", "latest")):
            refused(desk.pixelmeter(*command), desk.data, "copy it to a place")
        checked = desk.pixelmeter("doctor", "--json")
    found = {check["name"]: check for check in checked.answer["checks"]}
    assert found["index"]["status"] == "warning"


def test_a_folder_that_can_not_be_made_is_told_by_run_and_doctor(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    place = desk.folder / "closed"
    place.mkdir()
    with write_protected(desk, place):
        refused(desk.run("--limit", 1, "--data", place / "data"), place / "data")
        checked = desk.pixelmeter("doctor", "--json", "--data", place / "data")
        written = desk.pixelmeter("init", place)
        listed = desk.pixelmeter("runs", "--data", place / "data")
    found = {check["name"]: check for check in checked.answer["checks"]}
    assert (checked.code, found["data folder"]["status"]) == (6, "problem")
    refused(written, place)
    assert (listed.code, "no runs" in listed.out) == (0, True)
    assert list(place.iterdir()) == []
    assert direct.posts == []
