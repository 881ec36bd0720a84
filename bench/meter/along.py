"""Along: pictures that a call sends with its prompt."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.document import check
from bench.folder import DataFolder
from bench.inputs.opener import Opener
from bench.inputs.reading import Opened, content_of_data_url, look, look_at
from bench.inputs.shelf import keep
from bench.reference import InputForm, Reference, Send, form_of

Given = Path | str | bytes | Reference
# What is known of a picture is small; a program may send as many as it likes.
_MOST_KNOWN = 10_000
_WHERE = "a picture to be sent along"


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """Pictures of one call, opened and kept.

    Attributes:
        inputs: In their order.
        mask: Where the first may be changed.
    """

    inputs: tuple[Reference, ...] = ()
    mask: Reference | None = None


class Album:
    """Opens what calls send along, each picture once, and keeps it durably."""

    def __init__(self, data: DataFolder | None) -> None:
        """Open nothing yet; pictures are kept in `data`, without it only looked at."""
        self._data = data
        self._opener = Opener()
        # The child that opens pictures takes one after the other.
        self._turn = threading.Lock()
        self._kept: OrderedDict[str, Reference] = OrderedDict()

    def close(self) -> None:
        """End the child that opens pictures."""
        with self._turn:
            self._opener.close()

    def take(
        self, images: Sequence[Given], mask: Given | None, send: Send | None
    ) -> Along:
        """Pictures as they are to be sent; blocks while they are opened.

        Raises:
            BadInput: One can't be sent along; says why.
            StorageFailed: One could not be kept.
        """
        return Along(
            inputs=tuple(self._reference(one, send) for one in images),
            mask=None if mask is None else self._reference(mask, send),
        )

    def _reference(self, given: Given, send: Send | None) -> Reference:
        if isinstance(given, Reference):
            return given
        if isinstance(given, bytes):
            return self._ours("a picture given as bytes", given, send)
        form = _form(str(given) if isinstance(given, Path) else given)
        if form.file is not None:
            return self._file(Path(form.file), send)
        if (form.url or "").startswith("data:"):
            content = content_of_data_url("a data URL", form.url or "")
            return self._ours("a data URL", content, "data_url")
        return form.reference

    def _file(self, path: Path, send: Send | None) -> Reference:
        """A file; one that did not change is not opened again."""
        try:
            now = path.lstat()
            key = f"{path.absolute()} {now.st_ino} {now.st_size} {now.st_mtime_ns}"
        except (OSError, ValueError):
            # Opening it says in words what is wrong.
            key = str(path)
        return self._known(key, lambda: look(path, self._opener), send)

    def _ours(self, name: str, content: bytes, send: Send | None) -> Reference:
        key = hashlib.sha256(content).hexdigest()
        return self._known(key, lambda: look_at(name, content, self._opener), send)

    def _known(
        self, key: str, look_now: Callable[[], Opened], send: Send | None
    ) -> Reference:
        with self._turn:
            if key not in self._kept:
                found = look_now()
                if self._data is not None:
                    keep(self._data, found.reference, found.content)
                self._kept[key] = found.reference
                if len(self._kept) > _MOST_KNOWN:
                    self._kept.popitem(last=False)
            return self._kept[key].model_copy(update={"send": send})


def _form(text: str) -> InputForm:
    return check(Path(_WHERE), form_of(text), InputForm)
