"""Folder and shelf: files whole or not at all, for their owner alone."""

import errno
import hashlib
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import pytest

from bench import folder
from bench.attempt import Picture
from bench.errors import BadInput, RunBusy, StorageFailed
from bench.folder import DataFolder, RunFolder, make_folder, write_durably
from bench.images.shelf import picture_path, put, remove, thumbnail_path

CONTENT = b"a picture" * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _picture(format_name: str | None = "png") -> Picture:
    return Picture(
        sha256=SHA256,
        n_bytes=len(CONTENT),
        format=format_name,
        width_px=1,
        height_px=1,
        simulated=False,
        problem=None,
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.mark.parametrize(
    ("option", "environment", "expected"),
    [
        (Path("/x"), {"PIXELMETER_DATA": "/y"}, Path("/x")),
        (None, {"PIXELMETER_DATA": "/y"}, Path("/y")),
        (None, {"PIXELMETER_DATA": ""}, Path.cwd() / "data"),
        (None, {}, Path.cwd() / "data"),
        (Path("z"), {}, Path.cwd() / "z"),
    ],
)
def test_the_data_folder_is_the_option_else_the_variable_else_data(
    option: Path | None, environment: dict[str, str], expected: Path
) -> None:
    assert DataFolder.choose(option, environment).root == expected


def test_every_folder_on_the_way_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = tmp_path / "shared"
    old.mkdir()
    old.chmod(0o755)
    make_folder(old / "data" / "images" / "ab")
    assert _mode(old) == 0o755
    for name in ("data", "data/images", "data/images/ab"):
        assert _mode(old / name) == 0o700


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="choose another with --data"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(StorageFailed, match="choose another with --data"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
def test_a_file_is_written_whole_for_its_owner_alone(
    tmp_path: Path, content: bytes
) -> None:
    write_durably(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == content
    assert _mode(tmp_path / "a") == 0o600
    assert _files(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["write", "fdatasync", "rename"])
def test_a_file_that_can_not_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if broken == "write":
        # The first write takes a little; the second finds the disk full.
        monkeypatch.setattr("bench.folder.memoryview", _Stingy, raising=False)
    elif broken == "fdatasync":
        monkeypatch.setattr(os, "fdatasync", fail)
    else:
        monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        write_durably(tmp_path / "a", CONTENT)
    assert _files(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


class _Stingy:
    def __init__(self, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), len(content))


def test_a_picture_is_not_durable_before_its_folder_is(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(data.images)
    is_synced, may_sync = threading.Event(), threading.Event()
    sync = folder.sync_folder

    def slowly(path: Path) -> None:
        if path == data.images:
            assert may_sync.wait(20)
            is_synced.set()
        sync(path)

    monkeypatch.setattr(folder, "sync_folder", slowly)
    paths = [data.images / "ab" / name for name in ("first", "second")]
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(put, paths[0], CONTENT)
        while not paths[0].parent.is_dir():
            pass
        second = threads.submit(put, paths[1], CONTENT)
        done, _ = wait([second], timeout=0.5)
        may_sync.set()
        assert not done
        assert first.result() is second.result() is None
    assert is_synced.is_set()


def test_the_same_picture_from_many_threads_at_once_is_kept_once(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture_path(data, _picture())
    together = threading.Barrier(8)
    sync = os.fdatasync

    def slow(handle: int) -> None:
        together.wait(30)
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", slow)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(put, path, CONTENT) for _ in range(8)]:
            done.result(60)
    assert path.read_bytes() == CONTENT
    assert _files(data.root) == [f"images/{SHA256[:2]}/{SHA256}.png"]


def test_a_kept_picture_is_left_alone(data: DataFolder) -> None:
    path = picture_path(data, _picture())
    put(path, CONTENT)
    before = path.stat()
    put(path, CONTENT)
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_picture_that_was_cut_is_written_again(data: DataFolder) -> None:
    path = picture_path(data, _picture())
    put(path, CONTENT)
    path.write_bytes(CONTENT[:100])
    put(path, CONTENT)
    assert path.read_bytes() == CONTENT


def test_a_picture_without_a_format_is_kept_too(data: DataFolder) -> None:
    path = picture_path(data, _picture(None))
    put(path, CONTENT)
    assert _files(data.root) == [f"images/{SHA256[:2]}/{SHA256}.bin"]


@pytest.mark.parametrize("broken", ["fdatasync", "fsync"])
def test_a_picture_that_can_not_be_kept_stops_the_sending(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(StorageFailed, match=r"no more requests are sent|can't be made"):
        put(picture_path(data, _picture()), CONTENT)


def test_pictures_and_thumbnails_are_removed_and_others_stay(data: DataFolder) -> None:
    other = SHA256[:2] + "0" * 62
    put(picture_path(data, _picture()), CONTENT)
    for digest in (SHA256, other):
        named = replace(_picture(), sha256=digest)
        put(thumbnail_path(data, named), b"small")
    assert remove(data, [SHA256, "ff" * 32]) == 2
    assert _files(data.root) == [f"images/{SHA256[:2]}/{other}.thumb.webp"]
    assert remove(data, [SHA256]) == 0


@pytest.mark.parametrize(
    "name", ["", "..", ".", "../x", "a/b", "a\\b", "a b", "-a", "a" * 101, "a\n", "ä"]
)
def test_a_name_that_could_leave_the_folder_is_refused(
    data: DataFolder, name: str
) -> None:
    with pytest.raises(BadInput, match="a run is named like"):
        data.run(name)


def _make_run(data: DataFolder, run_id: str, *, has_plan: bool = True) -> RunFolder:
    run = data.run(run_id)
    make_folder(run.path)
    if has_plan:
        run.plan.write_text("{}")
    return run


def test_a_run_exists_from_its_plan_on(data: DataFolder) -> None:
    assert data.run_ids() == ()
    with pytest.raises(BadInput, match="is not in"):
        data.existing_run("latest")
    _make_run(data, "20261121-000002-aaaaaa")
    _make_run(data, "20261121-000001-bbbbbb")
    _make_run(data, "20261121-000003-cccccc", has_plan=False)
    assert data.run_ids() == ("20261121-000001-bbbbbb", "20261121-000002-aaaaaa")
    assert data.existing_run("latest").run_id == "20261121-000002-aaaaaa"
    with pytest.raises(BadInput, match="the last one is 20261121-000002-aaaaaa"):
        data.existing_run("20261121-000003-cccccc")


def test_one_process_has_a_run_and_a_second_is_told_whose_it_is(
    data: DataFolder,
) -> None:
    run = _make_run(data, "r1")
    assert not run.is_alive()
    with run.hold():
        assert run.is_alive()
        busy = pytest.raises(RunBusy, match=f"held by process {os.getpid()}")
        with busy, run.hold():
            pass
        with _make_run(data, "r2").hold():
            pass
    assert not run.is_alive()
    with run.hold():
        pass
