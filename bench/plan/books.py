"""Books: the price books of the user's own, laid over the shipped ones."""

from collections.abc import Iterable
from pathlib import Path

from bench.errors import BadInput
from bench.words.places import place
from bench.words.printable import printable
from pricing.book import PriceBook, shipped_book
from pricing.errors import BadBook

_MOST_FILES = 200
_MOST_BYTES = 1_000_000


def chosen_book(data: Path, folder: Path | None = None) -> PriceBook:
    """The shipped books, under those of a folder, else of `<data>/books`.

    Raises:
        BadInput: A book of one's own can't be used; names file and fault.
    """
    own = folder or data / "books"
    if folder is None and not own.exists():
        return shipped_book()
    if not own.is_dir():
        raise BadInput(f"price books: {printable(place(own))} is not a folder")
    files = _files(own)
    if folder is not None and not files:
        raise BadInput(f"price books: {printable(place(own))} holds no *.toml")
    try:
        return shipped_book().with_own(read_texts(files))
    except BadBook as error:
        raise BadInput(
            f"{printable(str(error))}; `pixelmeter prices check FILE` tells all"
        ) from None


def _files(folder: Path) -> list[Path]:
    """The books of a folder; one that can't be looked into must not seem empty."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise BadInput(
            f"{printable(place(folder))}: can't be read ({error.strerror})"
        ) from None


def read_texts(files: Iterable[Path]) -> dict[str, str]:
    """The texts of book files, by their path.

    Raises:
        BadInput: One can't be read, is too large, or there are too many.
    """
    found: dict[str, str] = {}
    for path in files:
        if len(found) >= _MOST_FILES:
            raise BadInput(f"{place(path.parent)}: more than {_MOST_FILES} books")
        found[place(path)] = _text(path)
    return found


def _text(path: Path) -> str:
    shown = printable(place(path))
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{shown}: can't be read ({error.strerror})") from None
    if len(content) > _MOST_BYTES:
        raise BadInput(f"{shown}: larger than {_MOST_BYTES:,} bytes, so no price book")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadInput(f"{shown}: not UTF-8; save it as UTF-8") from None
