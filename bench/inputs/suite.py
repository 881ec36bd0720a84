"""Suite: the pictures that a suite names, opened, and kept for its run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from bench.errors import BadInput
from bench.folder import DataFolder
from bench.inputs.masks import UNSEEN, check_mask
from bench.inputs.opener import Opener, Seen
from bench.inputs.reading import Opened, content_of_data_url, look, look_at
from bench.inputs.shelf import keep
from bench.prompt import Prompt
from bench.reference import Reference
from bench.suite import Suite, read_suite


def with_pictures(suite: Suite) -> Suite:
    """A suite whose references say what they are; each picture is opened once.

    The digest of a suite that names pictures hangs on their contents too.

    Raises:
        BadInput: Names the prompt, the picture, and how to mend it.
    """
    if not any(prompt.pictures for prompt in suite.prompts):
        return suite
    with Opener() as opener:
        known = _Known(folder=suite.folder, opener=opener)
        prompts = tuple(_opened(prompt, known) for prompt in suite.prompts)
    digest = sha256(suite.digest.encode())
    for prompt in prompts:
        for one in prompt.pictures:
            digest.update(one.model_dump_json(exclude_none=True).encode())
    return suite.model_copy(update={"prompts": prompts, "digest": digest.hexdigest()})


def keep_pictures(data: DataFolder, path: Path, prompts: Iterable[Prompt]) -> None:
    """Make the contents of references durable, before the plan that names them is.

    Args:
        data: Where they are kept.
        path: Of the suite, from whose folder their paths go.
        prompts: Those that are asked, out of `with_pictures`.

    Raises:
        BadInput: A file was changed since it was opened.
        StorageFailed: One could not be kept.
    """
    asked = {prompt.id: prompt for prompt in prompts if prompt.pictures}
    if not asked:
        return
    suite = read_suite(path)
    kept: set[str] = set()
    with Opener() as opener:
        for written in suite.prompts:
            known = asked[written.id].pictures if written.id in asked else ()
            for was, one in zip(written.pictures, known, strict=False):
                if one.sha256 is None or one.sha256 in kept:
                    continue
                found = _look(was, suite.folder, opener)
                if found.reference.sha256 != one.sha256:
                    raise BadInput(f"{one.file}: was changed meanwhile; run again")
                keep(data, found.reference, found.content)
                kept.add(one.sha256)


@dataclass(slots=True, kw_only=True)
class _Known:
    """Pictures by the words that name them; what is opened is not held."""

    folder: Path
    opener: Opener
    found: dict[str, tuple[Reference, Seen]] = field(
        default_factory=dict[str, tuple[Reference, Seen]]
    )

    def look(self, written: Reference) -> tuple[Reference, Seen]:
        name = written.file or written.url or ""
        if name not in self.found:
            one = _look(written, self.folder, self.opener)
            self.found[name] = one.reference, one.seen
        return self.found[name]

    def reference(self, written: Reference) -> Reference:
        """What is sent for a reference as it was written."""
        if not _is_at_hand(written):
            return written
        send = "data_url" if written.file is None else written.send
        named = {"file": written.file, "send": send}
        return self.look(written)[0].model_copy(update=named)

    def mask(self, written: Reference, inputs: tuple[Reference, ...]) -> Reference:
        """The same of a mask, which is checked against what it is for."""
        if not _is_at_hand(written):
            raise BadInput(UNSEEN)
        found = self.reference(written)
        check_mask(found, self.look(written)[1], inputs[0] if inputs else None)
        return found


def _is_at_hand(written: Reference) -> bool:
    return written.file is not None or (written.url or "").startswith("data:")


def _look(written: Reference, folder: Path, opener: Opener) -> Opened:
    if written.file is not None:
        return look(folder / written.file, opener)
    name = "a data URL"
    return look_at(name, content_of_data_url(name, written.url or ""), opener)


def _opened(prompt: Prompt, known: _Known) -> Prompt:
    if not prompt.pictures:
        return prompt
    try:
        inputs = tuple(known.reference(one) for one in prompt.inputs)
        mask = None if prompt.mask is None else known.mask(prompt.mask, inputs)
    except BadInput as error:
        raise BadInput(f"prompt '{prompt.id}': {error}") from None
    return prompt.model_copy(update={"inputs": inputs, "mask": mask})
