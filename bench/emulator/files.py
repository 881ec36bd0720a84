"""Files: what was uploaded, kept in memory and bounded."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

FILES_KEPT = 1000
BYTES_KEPT = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One uploaded file; the instants are whole seconds of the epoch."""

    id: str
    name: str
    purpose: str
    content: bytes = field(repr=False)
    created_at: int
    expires_at: int | None = None

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


@dataclass(slots=True)
class Files:
    """The uploaded files by id; the oldest make room for new ones."""

    now_s: Callable[[], float] = time.time
    _kept: OrderedDict[str, File] = field(default_factory=OrderedDict[str, File])
    _n_bytes: int = 0

    def add(
        self,
        name: str,
        purpose: str,
        content: bytes,
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
        self._n_bytes += len(content)
        while len(self._kept) > FILES_KEPT or (
            self._n_bytes > BYTES_KEPT and len(self._kept) > 1
        ):
            self.delete(next(iter(self._kept)))
        return file

    def get(self, file_id: str) -> File | None:
        """Return a file, None when there is none or its time is over."""
        file = self._kept.get(file_id)
        over = file is not None and file.expires_at is not None
        return None if over and file.expires_at <= self.now_s() else file  # type: ignore[union-attr]

    def delete(self, file_id: str) -> bool:
        """Forget a file; say whether it was there."""
        file = self._kept.pop(file_id, None)
        if file is not None:
            self._n_bytes -= len(file.content)
        return file is not None

    def all(self) -> list[File]:
        """Return what can still be had, the oldest first."""
        return [file for name in list(self._kept) if (file := self.get(name))]
