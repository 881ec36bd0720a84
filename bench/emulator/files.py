"""Files: what was uploaded, kept in memory and bounded."""

import mmap
import tempfile
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, cast

FILES_KEPT = 1000
BYTES_KEPT = 512 * 1024 * 1024
# What a batch leaves lies on the disk: it may be thousands of pictures.
MAPPED_BYTES_KEPT = 32 * BYTES_KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One uploaded file; the instants are whole seconds of the epoch."""

    id: str
    name: str
    purpose: str
    content: bytes | mmap.mmap = field(repr=False)
    created_at: int
    expires_at: int | None = None

    @property
    def held(self) -> bytes:
        """Its bytes, none of what a batch left: that is no input of anything."""
        return self.content if isinstance(self.content, bytes) else b""

    def as_json(self) -> dict[str, object]:
        """Return the file object of the Files API."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class Rows:
    """Lines of a file that grows on the disk, under no name."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self.n_bytes = 0

    def add(self, row: bytes) -> None:
        """Write one line."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - see `close`
        self.n_bytes += self._file.write(row + b"\n")

    def mapped(self) -> mmap.mmap:
        """Return all of it, at least a line, as bytes that need not lie in memory."""
        file = cast("IO[bytes]", self._file)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Let go of it; what is mapped lasts as long as somebody holds it."""
        if self._file is not None:
            # What a full disk does not take was told when it was written.
            with suppress(OSError):
                self._file.close()


@dataclass(slots=True)
class Files:
    """The uploaded files by id; the oldest make room for new ones."""

    now_s: Callable[[], float] = time.time
    _kept: OrderedDict[str, File] = field(default_factory=OrderedDict[str, File])
    _n_bytes: int = 0
    _n_mapped_bytes: int = 0

    def add(
        self,
        name: str,
        purpose: str,
        content: bytes | mmap.mmap,
        expires_after_s: int | None = None,
    ) -> File:
        """Keep a file under a new id."""
        created_at = int(self.now_s())
        file = File(
            id=f"file-{uuid.uuid4().hex[:24]}",
            name=name,
            purpose=purpose,
            content=content,
            created_at=created_at,
            expires_at=None
            if expires_after_s is None
            else created_at + expires_after_s,
        )
        self._kept[file.id] = file
        self._count(content, 1)
        while len(self._kept) > FILES_KEPT or (self._is_full and len(self._kept) > 1):
            self.delete(next(iter(self._kept)))
        return file

    @property
    def _is_full(self) -> bool:
        is_mapped_full = self._n_mapped_bytes > MAPPED_BYTES_KEPT
        return is_mapped_full or self._n_bytes > BYTES_KEPT

    def _count(self, content: bytes | mmap.mmap, times: int) -> None:
        if isinstance(content, mmap.mmap):
            self._n_mapped_bytes += times * len(content)
        else:
            self._n_bytes += times * len(content)

    def get(self, file_id: str) -> File | None:
        """Return a file, None when there is none or its time is over."""
        file = self._kept.get(file_id)
        over = file is not None and file.expires_at is not None
        return None if over and file.expires_at <= self.now_s() else file  # type: ignore[union-attr]

    def delete(self, file_id: str) -> bool:
        """Forget a file; say whether it was there."""
        file = self._kept.pop(file_id, None)
        if file is not None:
            self._count(file.content, -1)
        return file is not None

    def all(self) -> list[File]:
        """Return what can still be had, the oldest first."""
        return [file for name in list(self._kept) if (file := self.get(name))]
