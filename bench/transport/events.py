"""Events: where the first event of a stream ends."""

_COMMENT = b":"


class FirstEvent:
    """Looks for the first empty line after one that says something.

    Attributes:
        is_whole: It came.
    """

    def __init__(self) -> None:
        """Nothing came yet."""
        self.is_whole = False
        self._says_something = False
        # Of the line under way: its first bytes, which tell all that is asked.
        self._line = b""
        self._after_cr = False

    def feed(self, part: bytes) -> None:
        """Read on, however the bytes are cut."""
        # One line end in two bytes may be cut between them.
        is_cut = self._after_cr and part.startswith(b"\n")
        self._after_cr = part.endswith(b"\r")
        for line in part[is_cut:].splitlines(keepends=True):
            self._line = self._line or line[:1]
            if not line.endswith((b"\r", b"\n")):
                return
            self._end_line()
            if self.is_whole:
                return

    def _end_line(self) -> None:
        is_empty = self._line in {b"\r", b"\n"}
        if is_empty and self._says_something:
            self.is_whole = True
        elif not is_empty and not self._line.startswith(_COMMENT):
            self._says_something = True
        self._line = b""
