"""Examiner: an answer understood, its pictures checked and kept."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial

from bench.aside import Aside
from bench.attempt import Picture
from bench.client.exchange import Exchange
from bench.client.understood import read
from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.images.checker import Checked
from bench.images.header import Header, read_header
from bench.images.pool import CheckerPool
from bench.images.shelf import Keep, picture_path, put, thumbnail_path
from bench.wire.reading import Reading

# Below, an answer is read in less time than it is handed to another thread.
_SMALL_BYTES = 200_000
NOT_OPENED = "pictures_not_opened"


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
        self,
        data: DataFolder,
        keep: Keep,
        checkers: CheckerPool,
        aside: Aside,
        shelf: Aside,
    ) -> None:
        """Keep in `data` what `keep` says of pictures.

        Answers are read `aside`, in turn; files are written on the `shelf`.
        """
        self._data = data
        self._keep = keep
        self._checkers = checkers
        self._aside = aside
        self._shelf = shelf

    async def examine(self, answer: Exchange, *, wants_contents: bool) -> Examined:
        """Read an answer, check its pictures and keep them durably.

        A picture that can't be kept is paid all the same: the reading says so.
        """
        is_small = len(answer.body or b"") <= _SMALL_BYTES
        work = partial(_understood, answer, opens=self._keep is not Keep.NONE)
        reading, promised = work() if is_small else await self._aside.do(work)
        # The body is as large as its pictures: it must not wait with them.
        del answer, work
        contents = reading.pictures
        reading = replace(reading, pictures=())
        pictures, not_kept = promised, None
        if contents and self._keep is not Keep.NONE:
            pictures, not_kept = await self._checked(contents, promised)
        if not_kept:
            reading = replace(reading, flags=(*reading.flags, "picture_not_kept"))
        return Examined(
            reading=reading,
            pictures=pictures,
            contents=contents if wants_contents else (),
            not_kept=not_kept,
        )

    async def _checked(
        self, contents: tuple[bytes, ...], promised: tuple[Picture, ...]
    ) -> tuple[tuple[Picture, ...], str | None]:
        """Each picture as it is, and why one that was to be kept is not."""
        pictures: list[Picture] = []
        not_kept: str | None = None
        for content, picture in zip(contents, promised, strict=True):
            checked = await self._checkers.check(
                content, picture.sha256 or "", thumbnail=self._keep is Keep.THUMB
            )
            pictures.append(checked.picture)
            try:
                await self._put(checked, content)
            except (StorageFailed, OSError) as error:
                not_kept = str(error)
        return tuple(pictures), not_kept

    async def _put(self, checked: Checked, content: bytes) -> None:
        """Return when what is to stay of a picture is durable.

        Raises:
            StorageFailed, OSError: It could not be kept.
        """
        picture = checked.picture
        if self._keep is Keep.KEEP:
            path = picture_path(self._data, picture)
            await self._shelf.do(partial(put, path, content))
        elif self._keep is Keep.THUMB and checked.thumbnail:
            path = thumbnail_path(self._data, picture)
            await self._shelf.do(partial(put, path, checked.thumbnail))


def _understood(
    answer: Exchange, *, opens: bool
) -> tuple[Reading, tuple[Picture, ...]]:
    """An answer as facts, and its pictures as far as their bytes promise."""
    reading = read(answer)
    pictures = tuple(_promised(content, opens=opens) for content in reading.pictures)
    if pictures and not opens:
        reading = replace(reading, flags=(*reading.flags, NOT_OPENED))
    return reading, pictures


def _promised(content: bytes, *, opens: bool) -> Picture:
    """A picture by its digest where it will be opened, else by its first bytes.

    No child that opens pictures names files: the digest is ours.
    """
    header = Header() if opens else read_header(content)
    is_known = opens or header.format is not None
    return Picture(
        sha256=hashlib.sha256(content).hexdigest() if opens else None,
        n_bytes=len(content),
        format=header.format,
        width_px=header.width_px,
        height_px=header.height_px,
        simulated=header.simulated,
        problem=None if is_known else "is none of png, jpeg, webp, gif and svg",
    )
