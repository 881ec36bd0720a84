"""Shelf: pictures kept under the digest of their bytes."""

import threading
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from bench.attempt import Picture
from bench.errors import StorageFailed
from bench.folder import DataFolder, make_folder, sync_folder, write_durably

_MAKING = threading.Lock()


class Keep(StrEnum):
    """What stays of a picture on disk; with `none` it is not even opened."""

    KEEP = "keep"
    THUMB = "thumb"
    HASH = "hash"
    NONE = "none"


def picture_path(data: DataFolder, picture: Picture) -> Path:
    """Where a kept picture lies: `images/<ab>/<sha256>.<format>`."""
    name = f"{picture.sha256 or ''}.{picture.format or 'bin'}"
    return data.images / name[:2] / name


def thumbnail_path(data: DataFolder, picture: Picture) -> Path:
    """Where a picture's thumbnail lies."""
    name = f"{picture.sha256 or ''}.thumb.webp"
    return data.images / name[:2] / name


def put(path: Path, content: bytes) -> None:
    """Make a picture durable; one that is there already is left alone.

    Raises:
        StorageFailed: The picture could not be kept.
    """
    # Who finds a folder there must not be done before its name is durable.
    with _MAKING:
        make_folder(path.parent)
    try:
        if path.exists() and path.stat().st_size == len(content):
            sync_folder(path.parent)
            return
        write_durably(path, content)
    except OSError as error:
        raise StorageFailed(
            f"{path}: a picture could not be written ({error.strerror}); "
            "no more requests are sent; make room and resume"
        ) from None


def remove(data: DataFolder, digests: Iterable[str]) -> int:
    """Delete pictures and thumbnails; returns the number of files."""
    n_removed = 0
    for sha256 in digests:
        for path in (data.images / sha256[:2]).glob(f"{sha256}.*"):
            path.unlink(missing_ok=True)
            n_removed += 1
    return n_removed
