"""Arrivals: the instants of one answer, as its bytes are read."""

from bench.transport.channel import Channel
from bench.transport.incoming import Incoming
from bench.transport.kernel import arrived_ns, wall_ahead_ns
from bench.transport.stamps import RequestStamps


class Arrivals:
    """Stamps what is read, and when the kernel had it."""

    def __init__(self, channel: Channel, stamps: RequestStamps) -> None:
        """Nothing was read yet, and nothing written."""
        self._channel = channel
        self._stamps = stamps
        self._wall_ahead_ns = wall_ahead_ns()

    def came(self, incoming: Incoming, now_ns: int, *, has_begun: bool) -> None:
        """Bytes of an answer were read that was not over before.

        Args:
            incoming: The answer, with them.
            now_ns: When they were read.
            has_begun: The final answer, or another announcement, began in them.
        """
        stamps = self._stamps
        stamps.last_byte_ns = now_ns
        # What only announced the answer was not its first byte.
        if stamps.first_byte_ns is None or has_begun:
            stamps.first_byte_ns = now_ns
            stamps.kernel_first_byte_ns = self._kernel_ns(now_ns)
        if incoming.has_event and stamps.first_event_ns is None:
            stamps.first_event_ns = self._kernel_ns(now_ns) or now_ns
        if incoming.is_over:
            stamps.kernel_last_byte_ns = self._kernel_ns(now_ns)

    def ended(self) -> None:
        """The last that was read was the last of the answer."""
        stamps = self._stamps
        if stamps.last_byte_ns is not None:
            stamps.kernel_last_byte_ns = self._kernel_ns(stamps.last_byte_ns)

    def _kernel_ns(self, until_ns: int) -> int | None:
        stamps = self._stamps
        since_ns = stamps.sent_ns or stamps.write_started_ns or until_ns
        ancillary = self._channel.ancillary
        return arrived_ns(ancillary, self._wall_ahead_ns, since_ns, until_ns)
