"""Unread: what arrived over all connections and nobody took yet."""

from collections.abc import Callable

MOST_BYTES = 256_000_000
# A connection that holds less goes on: who waits for it may be the one who takes
# what the others hold.
LITTLE_BYTES = 1_000_000


class Unread:
    """Counts bytes; connections that wait for room go on in the order they came."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Nothing arrived yet.

        Args:
            most_bytes: From here on the kernel holds what arrives, and soon
                the sender.
        """
        self.n_bytes = 0
        self._most_bytes = most_bytes
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def is_full(self) -> bool:
        """Whether there is no room."""
        return self.n_bytes > self._most_bytes

    def change(self, n_bytes: int) -> None:
        """So many more, or fewer."""
        self.n_bytes += n_bytes
        while self._waiting and not self.is_full:
            read_on = next(iter(self._waiting))
            del self._waiting[read_on]
            read_on()

    def wait(self, read_on: Callable[[], None]) -> None:
        """Be called when there is room."""
        self._waiting[read_on] = None

    def leave(self, read_on: Callable[[], None]) -> None:
        """Wait no more."""
        self._waiting.pop(read_on, None)
