"""Examiner: an answer understood, its pictures checked and kept."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial

from bench.aside import Aside
from bench.attempt import Picture
from bench.client import Exchange
from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.images.checker import Checked, PictureChecker
from bench.images.shelf import Keep, picture_path, put, thumbnail_path
from bench.settle import read
from bench.wire.reading import Reading

# Below, an answer is read in less time than it is handed to another thread.
_SMALL_BYTES = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What became of one answer.

    Attributes:
        reading: Without the bytes of pictures, which are large.
        contents: These bytes, where somebody wants them.
        not_kept: Why a picture that was to be kept is not durable, else None.
    """

    reading: Reading
    pictures: tuple[Picture, ...] = ()
    contents: tuple[bytes, ...] = ()
    not_kept: str | None = None


class Examiner:
    """Opens answers; what would hold up the loop it has done aside.

    The loop is where other requests are stamped.
    """

    def __init__(
        self, data: DataFolder, keep: Keep, checker: PictureChecker, aside: Aside
    ) -> None:
        """Keep in `data` what `keep` says of pictures."""
        self._data = data
        self._keep = keep
        self._checker = checker
        self._aside = aside

    async def examine(self, answer: Exchange, *, wants_contents: bool) -> Examined:
        """Read an answer, check its pictures and keep them durably.

        A picture that can't be kept is paid all the same: the reading says so.
        """
        if len(answer.body or b"") <= _SMALL_BYTES:
            reading = read(answer)
        else:
            reading = await self._aside.do(partial(read, answer))
        # The body is as large as its pictures: it must not wait with them.
        del answer
        contents, pictures, not_kept = reading.pictures, list[Picture](), None
        for content in contents:
            wants_thumbnail = self._keep is Keep.THUMB
            checked = await self._checker.check(content, thumbnail=wants_thumbnail)
            try:
                pictures.append(await self._kept(checked, content))
            except (StorageFailed, OSError) as error:
                pictures.append(checked.picture)
                not_kept = str(error)
        flags = ("picture_not_kept",) if not_kept else ()
        return Examined(
            reading=replace(reading, pictures=(), flags=(*reading.flags, *flags)),
            pictures=tuple(pictures),
            contents=contents if wants_contents else (),
            not_kept=not_kept,
        )

    async def _kept(self, checked: Checked, content: bytes) -> Picture:
        """The picture, when what is to stay of it is durable.

        Raises:
            StorageFailed, OSError: It could not be kept.
        """
        if self._keep is Keep.KEEP:
            return await self._aside.do(partial(self._put, checked.picture, content))
        if self._keep is Keep.THUMB and checked.thumbnail:
            return await self._aside.do(partial(self._put_thumbnail, checked, content))
        return checked.picture

    def _put(self, picture: Picture, content: bytes) -> Picture:
        named = _named(picture, content)
        put(picture_path(self._data, named), content)
        return named

    def _put_thumbnail(self, checked: Checked, content: bytes) -> Picture:
        named = _named(checked.picture, content)
        put(thumbnail_path(self._data, named.sha256), checked.thumbnail)
        return named


def _named(picture: Picture, content: bytes) -> Picture:
    """The picture by a digest of ours: no child that opened others names files."""
    return replace(picture, sha256=hashlib.sha256(content).hexdigest())
