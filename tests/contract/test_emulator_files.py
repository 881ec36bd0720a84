"""The Files API of the emulator, by the official SDK and by a plain client."""

import tracemalloc
from typing import Any

import openai
import pytest

from bench.emulator import files as files_module
from bench.emulator.files import (
    BYTES_KEPT,
    FILES_KEPT,
    MAPPED_BYTES_KEPT,
    Files,
    Rows,
)
from tests.contract.conftest import KEY
from tests.painted import painted

CONTENT = painted(32, 32)


def test_a_file_is_kept_listed_read_and_deleted(emulator: Any, client: Any) -> None:
    kept = client.files.create(file=("kite.png", CONTENT), purpose="vision")
    assert kept.id.startswith("file-")
    shown = client.files.retrieve(kept.id)
    assert (shown.filename, shown.purpose, shown.bytes) == (
        "kite.png",
        "vision",
        len(CONTENT),
    )
    assert (shown.object, shown.status, shown.expires_at) == ("file", "processed", None)
    assert kept.id in [file.id for file in client.files.list(purpose="vision")]
    assert kept.id not in [file.id for file in client.files.list(purpose="batch")]
    assert client.files.content(kept.id).read() == CONTENT
    gone = client.files.delete(kept.id)
    assert (gone.id, gone.deleted) == (kept.id, True)
    with pytest.raises(openai.NotFoundError) as caught:
        client.files.retrieve(kept.id)
    assert caught.value.param == "id"
    assert {entry["operation"] for entry in emulator.ledger()} == {"file"}
    assert not any(entry["billed"] for entry in emulator.ledger())


def test_lists_go_page_by_page_the_newest_first(client: Any) -> None:
    kept = [
        client.files.create(file=(f"{at}.txt", b"x"), purpose="evals").id
        for at in range(5)
    ]
    page = client.files.list(purpose="evals", limit=2)
    assert [file.id for file in page.data] == kept[:2:-1]
    assert page.has_more
    assert [file.id for file in page] == kept[::-1]
    ascending = client.files.list(purpose="evals", order="asc")
    assert [file.id for file in ascending] == kept


def test_a_file_expires_when_it_was_asked_to(client: Any) -> None:
    kept = client.files.create(
        file=("a.txt", b"x"),
        purpose="user_data",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert kept.expires_at == kept.created_at + 3600
    now_s = [1000.0]
    files = Files(now_s=lambda: now_s[0])
    short = files.add("a", "vision", b"x", 3600)
    now_s[0] += 3599
    assert files.get(short.id) == short
    now_s[0] += 1
    assert files.get(short.id) is None
    assert files.all() == []


def test_what_is_kept_is_bounded_in_number_and_in_bytes() -> None:
    files = Files()
    first = files.add("a", "vision", b"x")
    for _ in range(FILES_KEPT):
        files.add("b", "vision", b"x")
    assert files.get(first.id) is None
    assert len(files.all()) == FILES_KEPT
    large = files.add("c", "vision", bytes(BYTES_KEPT))
    assert files.all() == [large]


FORMS: dict[str, tuple[Any, dict[str, str], tuple[Any, ...]]] = {
    "no file": (None, {"purpose": "vision"}, ("missing_required_parameter", "file")),
    "file as text": (
        None,
        {"purpose": "vision", "file": "x"},
        ("invalid_type", "file"),
    ),
    "no purpose": ("x", {}, ("missing_required_parameter", "purpose")),
    "purpose": ("x", {"purpose": "fun"}, ("invalid_value", "purpose")),
    "key": ("x", {"purpose": "vision", "foo": "1"}, ("unknown_parameter", "foo")),
    "anchor": (
        "x",
        {
            "purpose": "vision",
            "expires_after[anchor]": "now",
            "expires_after[seconds]": "3600",
        },
        ("invalid_value", "expires_after.anchor"),
    ),
    "too short": (
        "x",
        {
            "purpose": "vision",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "3599",
        },
        ("integer_below_min_value", "expires_after.seconds"),
    ),
    "half an expiry": (
        "x",
        {"purpose": "vision", "expires_after[anchor]": "created_at"},
        ("missing_required_parameter", "expires_after.seconds"),
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_an_upload_that_breaks_a_rule_is_refused(emulator: Any, case: str) -> None:
    name, fields, expected = FORMS[case]
    # Without a file the client would send no form.
    plain = {key: (None, value) for key, value in fields.items()}
    file = plain if name is None else {**plain, "file": ("a.png", CONTENT)}
    url = f"{emulator.url}/files"
    answer = emulator.http.post(url, files=file, headers=KEY)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == expected


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("after=x", "after"),
    ],
)
def test_a_list_that_breaks_a_rule_is_refused(
    emulator: Any, query: Any, param: Any
) -> None:
    answer = emulator.get(f"/files?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_an_upload_is_a_form_with_a_good_key(emulator: Any) -> None:
    assert emulator.post_to("/files", {}).status_code == 415
    assert emulator.http.get(f"{emulator.url}/files").status_code == 401
    emulator.fault("server_error", when={"path": "/v1/files"})
    assert emulator.get("/files").status_code == 500


def test_what_a_batch_leaves_lies_on_the_disk_and_not_in_memory() -> None:
    row, files = b"x" * 1_000_000, Files()
    small = files.add("in.jsonl", "batch", row)
    tracemalloc.start()
    rows = Rows()
    for _ in range(40):
        rows.add(row)
    kept = files.add("out.jsonl", "batch_output", rows.mapped())
    rows.close()
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert kept.as_json()["bytes"] == rows.n_bytes == 40_000_040
    assert kept.content[:1_000_002] == row + b"\nx"
    assert (small.held, kept.held) == (row, b"")
    assert MAPPED_BYTES_KEPT > BYTES_KEPT > 40_000_000
    assert files.delete(kept.id)


def test_the_oldest_of_what_batches_left_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files_module, "MAPPED_BYTES_KEPT", 25)
    files, kept = Files(), list[Any]()
    for _ in range(3):
        rows = Rows()
        rows.add(b"x" * 9)
        kept.append(files.add("out.jsonl", "batch_output", rows.mapped()))
        rows.close()
    assert [files.get(one.id) is not None for one in kept] == [False, True, True]
