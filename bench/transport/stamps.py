"""Stamps: instants of one request, taken where its bytes pass."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

AT_EDGE = "stamps_at_edge"
READ_HELD = "read_held"


@dataclass(slots=True)
class RequestStamps:
    """Instants of one request on the monotonic clock, in nanoseconds.

    Attributes:
        started_ns: The SDK was called.
        connect_started_ns: A new connection was begun; None on a kept one.
        connected_ns: TCP and TLS stand; None on a kept connection.
        write_started_ns: The first byte may have left from here on.
        sent_ns: The last byte of the request was handed to the kernel.
        first_byte_ns: The first bytes of the answer were read.
        last_byte_ns: The last bytes of the answer were read.
        kernel_first_byte_ns: The first bytes of the answer reached the kernel;
            None where it does not tell.
        kernel_last_byte_ns: The last bytes of the answer reached the kernel.
        arrived: Of a stream of events: how many bytes of its body were there at
            which instant, by the kernel where it tells; both only grow.
        uploads_ns: How long pictures that must lie there first went before it.
        is_held: Bytes waited in the kernel because too many lay unread here: the
            server may have had to wait, too.
        is_at_edge: Another program's library sent it, and was watched from outside.
    """

    started_ns: int
    connect_started_ns: int | None = None
    connected_ns: int | None = None
    write_started_ns: int | None = None
    sent_ns: int | None = None
    first_byte_ns: int | None = None
    last_byte_ns: int | None = None
    kernel_first_byte_ns: int | None = None
    kernel_last_byte_ns: int | None = None
    arrived: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    uploads_ns: int = 0
    is_held: bool = field(default=False, kw_only=True)
    is_at_edge: bool = field(default=False, kw_only=True)

    @property
    def may_have_left(self) -> bool:
        """Whether any byte of the request may have reached the endpoint."""
        return self.write_started_ns is not None

    @property
    def flags(self) -> tuple[str, ...]:
        """Words for what is odd about the instants."""
        odd = {AT_EDGE: self.is_at_edge, READ_HELD: self.is_held}
        return tuple(word for word, is_so in odd.items() if is_so)


def instants_of(arrived: Iterable[tuple[int, int]], ends: Iterable[int]) -> list[int]:
    """When so many bytes of a body were there, both in rising order.

    What was never stamped is left out, and all that follows it.
    """
    found: list[int] = []
    steps = iter(arrived)
    n_bytes, at_ns = 0, 0
    for end in ends:
        while n_bytes < end:
            n_bytes, at_ns = next(steps, (0, 0))
            if not n_bytes:
                return found
        found.append(at_ns)
    return found


# A request is sent in the task that asked for it: its context names the record.
_CURRENT: ContextVar[RequestStamps | None] = ContextVar("request_stamps", default=None)


def stamp_into(stamps: RequestStamps) -> None:
    """Stamp the requests of this task from now on into the given record."""
    _CURRENT.set(stamps)


def current_stamps() -> RequestStamps:
    """The record of this task; one that nobody reads where none was given."""
    return _CURRENT.get() or RequestStamps(started_ns=0)
