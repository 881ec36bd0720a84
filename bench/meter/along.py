"""Along: pictures that a call sends with its prompt."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.document import check
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.inputs.masks import UNSEEN, check_mask
from bench.inputs.opener import Opener, Seen
from bench.inputs.reading import Opened, content_of_data_url, look, look_at
from bench.inputs.shelf import content_of, keep
from bench.reference import InputForm, Reference, Send, form_of

Given = Path | str | bytes | Reference
# A reference, and what is in it where its bytes are at hand.
_Known = tuple[Reference, Seen | None]
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
        self._seen: OrderedDict[str, tuple[Reference, Seen]] = OrderedDict()

    def close(self) -> None:
        """End the child that opens pictures."""
        with self._turn:
            self._opener.close()

    def take(
        self, images: Sequence[Given], mask: Given | None, send: Send | None
    ) -> Along:
        """Pictures as they are to be sent; blocks while they are opened.

        Raises:
            BadInput: One can't be sent along, or the mask is not for the first;
                says why.
            StorageFailed: One could not be kept.
        """
        inputs = tuple(self._reference(one, send)[0] for one in images)
        if mask is None:
            return Along(inputs=inputs)
        reference, seen = self._reference(mask, send)
        seen = seen or self._kept(reference)
        check_mask(reference, seen, inputs[0] if inputs else None)
        return Along(inputs=inputs, mask=reference)

    def _reference(self, given: Given, send: Send | None) -> _Known:
        if isinstance(given, Reference):
            return given, None
        if isinstance(given, bytes):
            return self._ours("a picture given as bytes", given, send)
        form = _form(str(given) if isinstance(given, Path) else given)
        if form.file is not None:
            return self._file(Path(form.file), send)
        if (form.url or "").startswith("data:"):
            content = content_of_data_url("a data URL", form.url or "")
            return self._ours("a data URL", content, "data_url")
        return form.reference, None

    def _kept(self, reference: Reference) -> Seen:
        """What is in a picture that a program opened before, and that was kept."""
        if self._data is None or not reference.is_ours:
            raise BadInput(UNSEEN)
        content = content_of(self._data, reference)
        with self._turn:
            return look_at(reference.file or "the mask", content, self._opener).seen

    def _file(self, path: Path, send: Send | None) -> _Known:
        """A file; one that did not change is not opened again."""
        try:
            now = path.lstat()
            key = f"{path.absolute()} {now.st_ino} {now.st_size} {now.st_mtime_ns}"
        except (OSError, ValueError):
            # Opening it says in words what is wrong.
            key = str(path)
        return self._opened(key, lambda: look(path, self._opener), send)

    def _ours(self, name: str, content: bytes, send: Send | None) -> _Known:
        key = hashlib.sha256(content).hexdigest()
        return self._opened(key, lambda: look_at(name, content, self._opener), send)

    def _opened(
        self, key: str, look_now: Callable[[], Opened], send: Send | None
    ) -> _Known:
        with self._turn:
            if key not in self._seen:
                found = look_now()
                if self._data is not None:
                    keep(self._data, found.reference, found.content)
                self._seen[key] = (found.reference, found.seen)
                if len(self._seen) > _MOST_KNOWN:
                    self._seen.popitem(last=False)
            reference, seen = self._seen[key]
            return reference.model_copy(update={"send": send}), seen


def _form(text: str) -> InputForm:
    return check(Path(_WHERE), form_of(text), InputForm)
