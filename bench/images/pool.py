"""Pool: several checkers, and what they found in pictures before."""

import asyncio
import os
from collections import OrderedDict

from bench.aside import Aside
from bench.attempt import Picture
from bench.images.checker import Checked, PictureChecker

# More children than processors would take them from who takes the stamps.
_MOST_CHECKERS = 4
_MOST_KNOWN = 10_000


class CheckerPool:
    """Checks pictures side by side; the same bytes are opened but once."""

    def __init__(self, aside: Aside, n_checkers: int | None = None) -> None:
        """Start no child yet.

        Args:
            aside: Where what is large is copied.
            n_checkers: Pictures that are opened at once; as many as there are
                processors, up to four, where nothing is said.
        """
        n_checkers = n_checkers or min(_MOST_CHECKERS, os.cpu_count() or 1)
        self._all = [PictureChecker(aside) for _ in range(n_checkers)]
        # The one that was used last is taken first: its child has started.
        self._idle = list(reversed(self._all))
        self._free = asyncio.Semaphore(n_checkers)
        self._known: OrderedDict[str, Picture] = OrderedDict()

    async def check(self, content: bytes, sha256: str, *, thumbnail: bool) -> Checked:
        """Facts of one picture; a problem is a fact, not an error.

        Args:
            content: Its bytes.
            sha256: Their digest.
            thumbnail: Whether a thumbnail is wanted, for which it is opened anew.
        """
        if not thumbnail and (known := self._known.get(sha256)):
            return Checked(picture=known, thumbnail=b"")
        async with self._free:
            checker = self._idle.pop()
            try:
                checked = await checker.check(
                    content, thumbnail=thumbnail, sha256=sha256
                )
            finally:
                self._idle.append(checker)
        if checked.picture.problem is None:
            self._remember(sha256, checked.picture)
        return checked

    async def close(self) -> None:
        """End the children; pictures that are being looked at end with them."""
        for checker in self._all:
            await checker.close()

    def _remember(self, sha256: str, picture: Picture) -> None:
        self._known[sha256] = picture
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
