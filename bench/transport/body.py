"""Body: bytes of an answer that arrived and nobody took yet."""

from io import BytesIO

# One of a known length up to this is put together where it is read to.
_MOST_IN_PLACE_BYTES = 8_000_000


class Body:
    """Parts as they come, or one place that the rest is read straight into.

    Attributes:
        n_bytes: Not taken yet.
        n_left: Of a known length what has not come yet, None without one.
    """

    def __init__(self) -> None:
        """Nothing came yet."""
        self.n_bytes = 0
        self.n_left: int | None = None
        self._parts: list[bytes] = []
        # Gives its bytes away uncopied, once no view of it is left.
        self._whole: BytesIO | None = None
        self._view = memoryview(b"")
        self._n_filled = 0

    @property
    def is_in_place(self) -> bool:
        """Whether the rest is being put together, and better taken whole."""
        return self._whole is not None

    def put(self, part: bytes) -> None:
        """Add a part."""
        self._parts.append(part)
        self.n_bytes += len(part)

    def expect(self, n_bytes: int, content: memoryview) -> int:
        """So many bytes come yet, the first of them now; returns how many those are."""
        self.n_left = n_bytes
        if n_bytes <= _MOST_IN_PLACE_BYTES and len(content) < n_bytes:
            self._whole = BytesIO(bytes(n_bytes))
            self._view = self._whole.getbuffer()
        return self.add(content)

    def room(self) -> memoryview | None:
        """Where the next bytes are to be read to, None where that is anywhere."""
        if self._whole is None or not self.n_left:
            return None
        return self._view[self._n_filled :]

    def add(self, content: memoryview) -> int:
        """Take what belongs to a body of known length; returns how much that is."""
        content = content[: self.n_left]
        if self._whole is None:
            self._parts.append(bytes(content))
        else:
            self._view[self._n_filled : self._n_filled + len(content)] = content
        self.filled(len(content))
        return len(content)

    def filled(self, n_bytes: int) -> None:
        """So many bytes were read into the room."""
        if self.n_left is not None:
            self.n_left -= n_bytes
        self.n_bytes += n_bytes
        if self._whole is not None:
            self._n_filled += n_bytes

    def take(self) -> bytes:
        """All that came since."""
        if self._whole is not None:
            self._parts.append(self._put_together(self._whole))
        content = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.n_bytes = 0
        return content

    def clear(self) -> None:
        """Nobody wants what came."""
        self._leave_place()
        self._parts.clear()
        self.n_bytes = 0

    def _put_together(self, whole: BytesIO) -> bytes:
        if self.n_left:
            content = bytes(self._view[: self._n_filled])
            self._leave_place()
            return content
        self._leave_place()
        return whole.getvalue()

    def _leave_place(self) -> None:
        self._view.release()
        self._view = memoryview(b"")
        self._whole = None
        self._n_filled = 0
