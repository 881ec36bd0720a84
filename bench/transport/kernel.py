"""Kernel: when it says that bytes arrived."""

import socket
import struct
import time
from contextlib import suppress

# Linux alone tells, and Python 3.11 has no names for these: socket.h,
# net_tstamp.h. Elsewhere the option is refused, or tells nothing.
_SO_TIMESTAMPING = 37
_RX_SOFTWARE, _SOFTWARE = 1 << 3, 1 << 4
# Three instants of two longs each; software fills the first.
_INSTANTS = struct.Struct("@6l")
ANCILLARY_BYTES = socket.CMSG_SPACE(_INSTANTS.size)
# What it counts of a connection (tcp.h), since 5.4 packets that came too early, too.
_TCP_INFO = 11
_OUT_OF_ORDER = struct.Struct("@224xI")
# The kernel takes so much before anybody reads, or half of what it may keep for a
# connection at most. With its usual 64 KB whoever reads late closes the window,
# and what the server still holds has no time of arrival.
_WINDOW_BYTES = 4_000_000
_NS_PER_S = 1_000_000_000
# Between the clocks' two readings nothing else ran.
_CLOSE_NS = 5_000
_MOST_READINGS = 5
# More is a step of the wall clock: what it stamped before can't be told any more.
_STEP_NS = 1_000_000
# As well as two clocks can be held against each other.
_BLUR_NS = 100_000

Ancillary = list[tuple[int, int, bytes]]


def tell_arrivals(sock: socket.socket) -> None:
    """Have the kernel stamp what arrives, where it can."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)


def open_window(sock: socket.socket) -> None:
    """Have the kernel take a usual answer whole, though nobody reads it yet.

    Linux makes room for the least that a reader wants to wait for, and keeps it
    when he wants less again. Room asked for in so many words would be the last:
    it would not grow with the distance of the server any more.
    """
    with suppress(OSError):
        for n_bytes in (_WINDOW_BYTES, 1):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, n_bytes)


def n_out_of_order(sock: socket.socket) -> int | None:
    """Packets so far that came before others that they follow.

    Bytes behind a gap are stamped when they came, and not when it was filled.

    Returns:
        None where the kernel does not count them.
    """
    with suppress(OSError):
        told = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _OUT_OF_ORDER.size)
        if len(told) == _OUT_OF_ORDER.size:
            return int(_OUT_OF_ORDER.unpack(told)[0])
    return None


def wall_ahead_ns() -> int:
    """How far the wall clock is ahead of the monotonic one, now."""
    narrowest, ahead_ns = None, 0
    for _ in range(_MOST_READINGS):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        took_ns = time.monotonic_ns() - before_ns
        if narrowest is None or took_ns < narrowest:
            narrowest, ahead_ns = took_ns, wall_ns - before_ns - took_ns // 2
        if took_ns < _CLOSE_NS:
            break
    return ahead_ns


def arrived_ns(
    ancillary: Ancillary, ahead_then_ns: int, since_ns: int, until_ns: int
) -> int | None:
    """When bytes arrived, on the monotonic clock.

    The kernel stamps by the wall clock, which somebody may set.

    Args:
        ancillary: What came beside the bytes, as `recvmsg` gives it; the stamp is
            that of the last of them.
        ahead_then_ns: `wall_ahead_ns` before they arrived.
        since_ns: They can't have arrived before.
        until_ns: They were there by then.

    Returns:
        None where the kernel does not say, or what it says can't be.
    """
    stamped_ns = _stamped_ns(ancillary)
    if stamped_ns is None:
        return None
    ahead_ns = wall_ahead_ns()
    if abs(ahead_ns - ahead_then_ns) > _STEP_NS:
        return None
    at_ns = stamped_ns - ahead_ns
    if not since_ns - _BLUR_NS <= at_ns <= until_ns + _BLUR_NS:
        return None
    return min(max(at_ns, since_ns), until_ns)


def _stamped_ns(ancillary: Ancillary) -> int | None:
    for level, kind, content in ancillary:
        is_one = level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING
        if is_one and len(content) >= _INSTANTS.size:
            seconds, nanoseconds, *_ = _INSTANTS.unpack_from(content)
            return (seconds * _NS_PER_S + nanoseconds) or None
    return None
