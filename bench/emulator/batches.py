"""Batches: jobs of many requests, and where each is in its life."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

BATCHES_KEPT = 1000
WINDOW = "24h"
WINDOW_S = 24 * 3600


class Status(StrEnum):
    """Where a batch is in its life."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.FAILED, Status.COMPLETED, Status.EXPIRED, Status.CANCELLED})
# Each status stamps the member of its name; the first is `created_at`.
STAMPED = tuple(status for status in Status if status is not Status.VALIDATING)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """What is wrong with an input file: a code, and the line if it is one's."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return a row of the member `errors`."""
        return {
            "code": self.code,
            "line": self.line,
            "message": self.message,
            "param": self.param,
        }


@dataclass(slots=True, kw_only=True)
class Batch:
    """One job. The instants are whole seconds of the epoch."""

    endpoint: str
    input_file_id: str
    metadata: Mapping[str, object] | None = None
    id: str = field(default_factory=lambda: f"batch_{uuid.uuid4().hex}")
    created_at: int = field(default_factory=lambda: int(time.time()))
    status: Status = Status.VALIDATING
    stamps: dict[Status, int] = field(default_factory=dict[Status, int])
    errors: tuple[LineError, ...] = ()
    model: str | None = None
    n_total: int = 0
    n_completed: int = 0
    n_failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None

    def enter(self, status: Status) -> None:
        """Go on to another status, and note when."""
        self.status = status
        self.stamps[status] = int(time.time())

    def as_json(self) -> dict[str, object]:
        """Return the batch object."""
        rows = [error.as_json() for error in self.errors]
        stamps = {f"{status}_at": self.stamps.get(status) for status in STAMPED}
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.model,
            "errors": {"object": "list", "data": rows} if rows else None,
            "input_file_id": self.input_file_id,
            "completion_window": WINDOW,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + WINDOW_S,
            **stamps,
            "request_counts": {
                "total": self.n_total,
                "completed": self.n_completed,
                "failed": self.n_failed,
            },
            "metadata": self.metadata,
        }


@dataclass(slots=True)
class Batches:
    """The batches by id, the oldest first; the oldest make room for new ones."""

    _kept: OrderedDict[str, Batch] = field(default_factory=OrderedDict[str, Batch])

    def add(self, batch: Batch) -> None:
        """Keep a batch."""
        self._kept[batch.id] = batch
        while len(self._kept) > BATCHES_KEPT:
            self._kept.popitem(last=False)

    def get(self, batch_id: str) -> Batch | None:
        """Return a batch, None when there is none."""
        return self._kept.get(batch_id)

    def newest_first(self) -> list[Batch]:
        """Return all batches as they are listed."""
        return list(reversed(self._kept.values()))
