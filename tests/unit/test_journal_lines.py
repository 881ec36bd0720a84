"""Journal: durable, append-only, and honest about every damaged bit."""

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import DamagedJournal, StorageFailed
from bench.folder import RunFolder
from bench.journal import (
    JournalWriter,
    encode,
    end_record,
    is_whole,
    read_part,
    read_run,
    session_record,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(WORDS.filter(lambda w: w not in {"crc", "kind"}), VALUES).map(
    lambda members: {"kind": "other", **members}
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "r1")


@pytest.fixture
def writer(run: RunFolder) -> Iterator[JournalWriter]:
    writer = JournalWriter(run)
    yield writer
    writer.close()


def _record(number: int, kind: str = "note") -> dict[str, Any]:
    return {"kind": kind, "v": 1, "number": number, "text": "早安 \n\u2028 \\"}


def _append(writer: JournalWriter, *records: dict[str, Any]) -> None:
    async def go() -> None:
        for record in records:
            await writer.append(record)

    asyncio.run(go())


def _without_sum(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "crc"}


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@given(st.lists(RECORDS, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_is_what_was_written(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    content = b"".join(encode(record) for record in records)
    part = read_part(_write(tmp_path / "j.jsonl", content))
    assert [_without_sum(record) for record in part.others] == records
    assert (part.end_offset, part.is_torn, part.damaged) == (len(content), False, [])


def test_a_line_is_json_whose_last_member_is_its_checksum() -> None:
    line = encode(_record(1))
    assert line.endswith(b'"}\n')
    assert line.count(b"\n") == 1
    assert list(orjson.loads(line))[-1] == "crc"


def test_records_are_told_apart_by_kind(tmp_path: Path) -> None:
    kinds = ("session", "intent", "outcome", "intent", "end")
    lines = [encode(_record(i, kind)) for i, kind in enumerate(kinds)]
    part = read_part(_write(tmp_path / "j.jsonl", b"".join(lines)))
    assert [orjson.loads(line)["number"] for line in part.intents] == [1, 3]
    assert [orjson.loads(line)["number"] for line in part.outcomes] == [2]
    assert [record["kind"] for record in part.others] == ["session", "end"]


def test_a_cut_at_every_byte_of_the_last_record_loses_that_record_alone(
    tmp_path: Path,
) -> None:
    kept, last = encode(_record(1)), encode(_record(2))
    for n_bytes in range(len(last)):
        part = read_part(_write(tmp_path / "j.jsonl", kept + last[:n_bytes]))
        assert [record["number"] for record in part.others] == [1]
        assert part.end_offset == len(kept)
        assert part.is_torn is (n_bytes > 0)
        assert part.damaged == []


def test_every_flipped_bit_of_a_line_is_detected(tmp_path: Path) -> None:
    before, line, after = encode(_record(1)), encode(_record(2)), encode(_record(3))
    path = tmp_path / "j.jsonl"
    for place in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[place // 8] ^= 1 << place % 8
        part = read_part(_write(path, before + bytes(flipped) + after))
        assert part.damaged, f"bit {place} of {line!r}"
        assert [r["number"] for r in part.others] in ([1, 3], [1])


def test_every_flipped_bit_of_the_last_line_is_detected(tmp_path: Path) -> None:
    before, line = encode(_record(1)), encode(_record(2))
    for place in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[place // 8] ^= 1 << place % 8
        part = read_part(_write(tmp_path / "j.jsonl", before + bytes(flipped)))
        assert part.damaged, f"bit {place} of {line!r}"
        assert [record["number"] for record in part.others] == [1]


@pytest.mark.parametrize("line", [b"", b"{}", b"x", b'{"a":1}', b"\x00" * 40])
def test_a_line_that_we_did_not_write_is_damage(tmp_path: Path, line: bytes) -> None:
    assert not is_whole(line)
    part = read_part(_write(tmp_path / "j.jsonl", encode(_record(1)) + line + b"\n"))
    assert part.damaged == [2]
    with pytest.raises(DamagedJournal, match="line 2 does not match its checksum"):
        part.refuse_damage()


def test_reading_goes_on_from_an_offset(tmp_path: Path) -> None:
    first, second = encode(_record(1)), encode(_record(2))
    path = _write(tmp_path / "j.jsonl", first + second[:7])
    part = read_part(path)
    _write(path, first + second)
    rest = read_part(path, part.end_offset)
    assert [record["number"] for record in rest.others] == [2]
    assert read_part(path, rest.end_offset).others == []


def test_a_run_is_read_over_all_its_journals(run: RunFolder) -> None:
    for number in (1, 2):
        writer = JournalWriter(run)
        _append(writer, _record(number))
        writer.close()
    numbers = {r["number"] for part in read_run(run) for r in part.others}
    assert numbers == {1, 2}


def test_only_the_owner_can_read_a_journal(writer: JournalWriter) -> None:
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(writer.path.parent.stat().st_mode) == 0o700


def test_a_record_is_in_the_file_when_append_returns(writer: JournalWriter) -> None:
    async def go() -> None:
        for number in range(5):
            await writer.append(_record(number))
            numbers = [r["number"] for r in read_part(writer.path).others]
            assert numbers == list(range(number + 1))

    asyncio.run(go())


def test_64_tasks_share_syncs_and_each_keeps_its_own_order(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_syncs = 0
    sync = os.fdatasync

    def counted(handle: int) -> None:
        nonlocal n_syncs
        n_syncs += 1
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", counted)

    async def task(name: int) -> None:
        for number in range(10):
            await writer.append({"kind": "note", "task": name, "number": number})

    async def go() -> None:
        async with asyncio.TaskGroup() as group:
            for name in range(64):
                group.create_task(task(name))

    asyncio.run(go())
    records = read_part(writer.path).refuse_damage().others
    for name in range(64):
        assert [r["number"] for r in records if r["task"] == name] == list(range(10))
    assert n_syncs < 640


def test_a_cancelled_waiter_does_not_unwrite_its_record(writer: JournalWriter) -> None:
    async def go() -> None:
        task = asyncio.ensure_future(writer.append(_record(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await writer.append(_record(2))

    asyncio.run(go())
    numbers = [r["number"] for r in read_part(writer.path).others]
    assert numbers == [1, 2]


def test_records_that_wait_at_the_end_are_written_by_close(run: RunFolder) -> None:
    writer = JournalWriter(run)

    async def go() -> None:
        waiting = [asyncio.ensure_future(writer.append(_record(i))) for i in range(20)]
        await asyncio.sleep(0)
        writer.close()
        await asyncio.gather(*waiting)

    asyncio.run(go())
    assert len(read_part(writer.path).others) == 20


def test_a_record_after_close_is_refused(run: RunFolder) -> None:
    writer = JournalWriter(run)
    writer.close()
    with pytest.raises(StorageFailed, match="is closed"):
        _append(writer, _record(1))


def test_a_loop_that_is_gone_does_not_stop_the_writer(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_gone = threading.Event()
    sync = os.fdatasync

    def late(handle: int) -> None:
        is_gone.wait(30)
        sync(handle)

    async def leave() -> None:
        waiting = asyncio.ensure_future(writer.append(_record(1)))
        await asyncio.sleep(0.01)
        waiting.cancel()

    monkeypatch.setattr(os, "fdatasync", late)
    asyncio.run(leave())
    is_gone.set()
    writer.close()
    assert [r["number"] for r in read_part(writer.path).others] == [1]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer._handle)


def _fail_after(n_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk take so many bytes more, then be full."""
    write, left = os.write, n_bytes

    def limited(handle: int, content: memoryview) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        n_written = write(handle, content[:left])
        left -= n_written
        return n_written

    monkeypatch.setattr(os, "write", limited)


@pytest.mark.parametrize("n_bytes", [0, 1, 40, len(encode(_record(2))) + 10])
def test_a_full_disk_cuts_back_what_was_half_written_and_refuses_all_after(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch, n_bytes: int
) -> None:
    async def go() -> None:
        await writer.append(_record(1))
        before = writer.path.read_bytes()
        _fail_after(n_bytes, monkeypatch)
        batch = [writer.append(_record(number)) for number in (2, 3, 4)]
        ended = await asyncio.gather(*batch, return_exceptions=True)
        kept = [r["number"] for r in read_part(writer.path).refuse_damage().others]
        acknowledged = [n for n, end in zip((2, 3, 4), ended, strict=True) if not end]
        assert kept == [1, *acknowledged]
        assert isinstance(ended[-1], StorageFailed)
        assert not read_part(writer.path).is_torn
        monkeypatch.undo()
        with pytest.raises(StorageFailed, match=r"No space left.*make room and resume"):
            await writer.append(_record(5))
        assert writer.path.read_bytes().startswith(before)
        assert [r["number"] for r in read_part(writer.path).others] == kept

    asyncio.run(go())


def test_a_sync_that_fails_is_a_record_that_was_not_kept(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(StorageFailed, match="could not be written"):
        _append(writer, _record(1))
    assert writer.path.read_bytes() == b""


def test_the_first_and_last_records_say_who_wrote_and_how_it_ended(
    writer: JournalWriter,
) -> None:
    first = session_record("r1", "run", "0.1.0")
    _append(writer, first, end_record("stopped", "quota", "said so"))
    first, last = read_part(writer.path).others
    assert (first["kind"], first["pid"], first["run_id"]) == (
        "session",
        os.getpid(),
        "r1",
    )
    assert (last["kind"], last["state"], last["stopped_by"]) == (
        "end",
        "stopped",
        "quota",
    )


def test_a_sync_that_ends_in_any_other_way_is_a_record_that_was_not_kept(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise MemoryError

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(StorageFailed, match="could not be written"):
        _append(writer, _record(1))
    monkeypatch.undo()
    with pytest.raises(StorageFailed, match="could not be written"):
        _append(writer, _record(2))
    assert writer.path.read_bytes() == b""


def test_a_record_that_may_wait_does_not_when_nobody_waits_any_more(
    writer: JournalWriter,
) -> None:
    async def leave() -> None:
        waiting = asyncio.ensure_future(writer.append(_record(1), within_s=1000))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    # The thread does one thing after the other: what was begun is done.
    asyncio.run(asyncio.wait_for(writer._aside.do(lambda: None), 20))
    assert [r["number"] for r in read_part(writer.path).others] == [1]


def test_a_record_that_may_wait_goes_with_the_next_that_may_not(
    writer: JournalWriter,
) -> None:
    async def go() -> None:
        late = asyncio.ensure_future(writer.append(_record(1), within_s=1000))
        await asyncio.sleep(0)
        await writer.append(_record(2))
        await asyncio.wait_for(late, 20)

    asyncio.run(asyncio.wait_for(go(), 60))
    assert [r["number"] for r in read_part(writer.path).others] == [1, 2]


def test_a_record_that_may_wait_is_written_by_close_or_its_failure_is_told(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async def go(writer: JournalWriter) -> object:
        waiting = asyncio.ensure_future(writer.append(_record(1), within_s=1000))
        await asyncio.sleep(0)
        writer.close()
        ended = await asyncio.wait_for(
            asyncio.gather(waiting, return_exceptions=True), 20
        )
        return ended[0]

    whole = JournalWriter(run)
    assert asyncio.run(go(whole)) is None
    assert [r["number"] for r in read_part(whole.path).others] == [1]
    monkeypatch.setattr(os, "fdatasync", broken)
    assert isinstance(asyncio.run(go(JournalWriter(run))), StorageFailed)
