"""Shelf: contents of references kept, under the digest of their bytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.images.shelf import put
from bench.reference import Reference


def input_path(data: DataFolder, reference: Reference) -> Path:
    """Where a kept content lies: `inputs/<ab>/<sha256>.<format>`."""
    name = f"{reference.sha256}.{reference.format}"
    return data.inputs / name[:2] / name


def keep(data: DataFolder, reference: Reference, content: bytes) -> None:
    """Make a content durable; one that is there already is left alone.

    Raises:
        StorageFailed: It could not be kept.
    """
    put(input_path(data, reference), content)


def content_of(data: DataFolder, reference: Reference) -> bytes:
    """The bytes of a reference of ours, as they were when it was planned.

    Raises:
        StorageFailed: They are gone, or changed since.
    """
    path = input_path(data, reference)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageFailed(
            f"{path}: the picture that is sent along can't be read ({error.strerror}); "
            "put it back, or run the suite anew"
        ) from None
    if hashlib.sha256(content).hexdigest() != reference.sha256:
        raise StorageFailed(
            f"{path}: the picture that is sent along was changed since it was "
            "planned; put it back, or run the suite anew"
        )
    return content


def remove(data: DataFolder, digests: Iterable[str]) -> int:
    """Delete contents; returns the number of files."""
    n_removed = 0
    for sha256 in digests:
        for path in (data.inputs / sha256[:2]).glob(f"{sha256}.*"):
            path.unlink(missing_ok=True)
            n_removed += 1
    return n_removed
