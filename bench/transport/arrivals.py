"""Arrivals: the instants of one answer, as its bytes are read."""

import time

from bench.transport.channel import Channel
from bench.transport.incoming import Incoming
from bench.transport.kernel import (
    Ancillary,
    arrived_ns,
    n_out_of_order,
    wall_ahead_ns,
)
from bench.transport.stamps import RequestStamps

# Bytes that lay as long while the kernel had no room for more may have kept the
# server from sending the rest: its arrival is late by our own fault.
_LATE_NS = 1_000_000
_FULL_SHARE = 0.75


class Arrivals:
    """Stamps what is read, and when the kernel had it."""

    def __init__(self, channel: Channel, stamps: RequestStamps) -> None:
        """Nothing was read yet, and nothing written."""
        self._channel = channel
        self._stamps = stamps
        self._wall_ahead_ns = wall_ahead_ns()
        self._full_bytes = _FULL_SHARE * channel.window_bytes
        self._n_turn_bytes = 0
        self._turn: tuple[Ancillary, int] = ([], 0)
        self._n_early = self._n_early_at_first = n_out_of_order(channel.sock)
        self._has_gap = False
        self._turn_ns = self._turn_before_ns = 0

    def turn(self) -> None:
        """The socket is read to its end, from here on."""
        self._n_turn_bytes = 0
        n_before, self._n_early = self._n_early, n_out_of_order(self._channel.sock)
        self._has_gap = self._n_early != n_before
        self._turn_before_ns, self._turn_ns = self._turn_ns, time.monotonic_ns()

    def came(
        self, incoming: Incoming, n_bytes: int, now_ns: int, *, has_begun: bool
    ) -> None:
        """Bytes of an answer were read that was not over before.

        Args:
            incoming: The answer, with them.
            n_bytes: How many.
            now_ns: When they were read.
            has_begun: The final answer, or another announcement, began in them.
        """
        stamps = self._stamps
        stamps.last_byte_ns = now_ns
        # What only announced the answer was not its first byte.
        if stamps.first_byte_ns is None or has_begun:
            stamps.first_byte_ns = now_ns
            stamps.kernel_first_byte_ns = self._kernel_ns(now_ns)
        if incoming.is_stream:
            self._note(incoming.n_body_bytes, now_ns)
        if incoming.is_over:
            stamps.kernel_last_byte_ns = self._kernel_ns(now_ns)
        self._watch_window(n_bytes, now_ns)

    def ended(self) -> None:
        """The last that was read was the last of the answer."""
        stamps = self._stamps
        if stamps.last_byte_ns is not None:
            stamps.kernel_last_byte_ns = self._kernel_ns(stamps.last_byte_ns)

    def _note(self, n_body_bytes: int, now_ns: int) -> None:
        arrived = self._stamps.arrived
        n_before, before_ns = arrived[-1] if arrived else (0, 0)
        if n_body_bytes > n_before:
            at_ns = max(before_ns, self._kernel_ns(now_ns) or now_ns)
            arrived.append((n_body_bytes, at_ns))

    def _watch_window(self, n_bytes: int, now_ns: int) -> None:
        if not self._n_turn_bytes:
            self._turn = (self._channel.ancillary, now_ns)
        self._n_turn_bytes += n_bytes
        if self._n_turn_bytes > self._full_bytes and not self._stamps.is_held:
            ancillary, read_ns = self._turn
            lay_ns = read_ns - (self._told_ns(ancillary, read_ns) or read_ns)
            self._stamps.is_held = lay_ns > _LATE_NS

    def _kernel_ns(self, until_ns: int) -> int | None:
        """When the last bytes read came, None where others came after them."""
        at_ns = self._told_ns(self._channel.ancillary, until_ns)
        if at_ns is None or self._has_gap:
            return None
        # Had nothing been missing before it, the turn before had read it.
        was_early = self._n_early != self._n_early_at_first
        return None if was_early and at_ns < self._turn_before_ns else at_ns

    def _told_ns(self, ancillary: Ancillary, until_ns: int) -> int | None:
        stamps = self._stamps
        since_ns = stamps.sent_ns or stamps.write_started_ns or until_ns
        return arrived_ns(ancillary, self._wall_ahead_ns, since_ns, until_ns)
