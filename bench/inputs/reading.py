"""Reading: a picture of ours, opened before it is sent along."""

import base64
import hashlib
import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BadInput
from bench.images.header import read_header
from bench.inputs.opener import Opener, Seen
from bench.reference import Reference
from bench.words.places import place
from bench.words.printable import printable

MOST_BYTES = 50_000_000
_CURE = "save it as PNG, JPEG or WebP"
# What people take for a picture, by its first bytes.
_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"\x00\x00\x00", "a HEIC, AVIF or film"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an SVG or other XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"PK\x03\x04", "an archive"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A picture of ours: what is sent, its bytes, and what is in it."""

    reference: Reference
    content: bytes
    seen: Seen


def opened(path: Path, opener: Opener | None = None) -> tuple[Reference, bytes]:
    """A picture file as a reference, and its bytes; it is decoded wholly.

    Raises:
        BadInput: There is none, it is a symbolic link or a folder, empty, too large,
            of another format, or can't be decoded.
    """
    found = look(path, opener)
    return found.reference, found.content


def opened_content(
    name: str, content: bytes, opener: Opener | None = None
) -> tuple[Reference, bytes]:
    """Bytes of a picture as a reference, named for messages; decoded wholly.

    Raises:
        BadInput: It is empty, too large, of another format, or can't be decoded.
    """
    found = look_at(name, content, opener)
    return found.reference, found.content


def look(path: Path, opener: Opener | None = None) -> Opened:
    """A picture file, opened; see `opened`."""
    name = printable(place(path))
    found = look_at(name, _bytes(path, name), opener)
    named = found.reference.model_copy(update={"file": str(path)})
    return Opened(reference=named, content=found.content, seen=found.seen)


def look_at(name: str, content: bytes, opener: Opener | None = None) -> Opened:
    """Bytes of a picture, opened; see `opened_content`."""
    if not content:
        raise BadInput(f"{name}: is empty; name a picture")
    if len(content) > MOST_BYTES:
        raise BadInput(_too_large(name, len(content)))
    other = next((kind for begin, kind in _OTHERS if content.startswith(begin)), None)
    if other is not None:
        raise BadInput(f"{name}: is {other}, which no image model takes; {_CURE}")
    with ExitStack() as stack:
        opener = opener or stack.enter_context(Opener())
        seen = opener.see(content)
    if seen.format is None and read_header(content).format is None:
        raise BadInput(f"{name}: is no PNG, JPEG or WebP; {_CURE}")
    if seen.problem is not None:
        raise BadInput(f"{name}: {_why_not(seen)}")
    reference = Reference(
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        format=seen.format,
        width_px=seen.width_px,
        height_px=seen.height_px,
    )
    return Opened(reference=reference, content=content, seen=seen)


def _why_not(seen: Seen) -> str:
    """What is wrong with a picture, and how to mend it."""
    problem = seen.problem or ""
    if problem.startswith("more than"):
        return f"{seen.width_px}x{seen.height_px} pixels, {problem}; make it smaller"
    # The name of a decoder's exception says nothing to who has the picture.
    problem = problem.partition(" (")[0]
    return f"{problem}, so it is damaged, cut short or too large; {_CURE} anew"


def content_of_data_url(name: str, url: str) -> bytes:
    """The bytes of a data URL.

    Raises:
        BadInput: It is no base64.
    """
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except ValueError:
        raise BadInput(f"{name}: the data URL is no base64; encode it anew") from None


def _bytes(path: Path, name: str) -> bytes:
    try:
        # A pipe would never open without a writer, and a link may lead anywhere.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise BadInput(
                f"{name}: is a symbolic link, which is not followed; name the file "
                "itself"
            ) from None
        why = getattr(error, "strerror", None) or "no file has such a name"
        raise BadInput(
            f"{name}: can't be read ({why}); name a picture file that is there"
        ) from None
    kind = os.fstat(handle)
    if not stat.S_ISREG(kind.st_mode):
        os.close(handle)
        what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no ordinary file"
        raise BadInput(f"{name}: is {what}; name a picture file")
    with os.fdopen(handle, "rb") as file:
        if kind.st_size > MOST_BYTES:
            raise BadInput(_too_large(name, kind.st_size))
        try:
            return file.read(MOST_BYTES + 1)
        except OSError as error:
            raise BadInput(f"{name}: can't be read ({error.strerror})") from None


def _too_large(name: str, n_bytes: int) -> str:
    return (
        f"{name}: {n_bytes:,} bytes; a picture to be sent along has at most "
        f"{MOST_BYTES:,}; make it smaller"
    )
