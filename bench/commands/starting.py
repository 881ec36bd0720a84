"""Starting: the first files of a user, written all or not at all."""

import os
import shlex
import uuid
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import orjson

from bench.endpoint import endpoints_schema
from bench.errors import BadInput, StorageFailed
from bench.folder import OWNER_ONLY_FILE, sync_folder
from bench.suite import suite_schema

# A dot file in the package would itself work on the package.
_NAMES = {
    "suite.yaml": "suite.yaml",
    "endpoints.yaml": "endpoints.yaml",
    "env.example": ".env.example",
}
_IGNORE = ("gitignore", ".gitignore")
_SCHEMAS = {"suite": suite_schema, "endpoints": endpoints_schema}


def starter_files(folder: Path) -> dict[Path, bytes]:
    """What `init` writes into a folder: path to content.

    A `.gitignore` is only among them when the folder has none.
    """
    package = resources.files("bench") / "starter" / "init"
    names = dict(_NAMES)
    if not os.path.lexists(folder / _IGNORE[1]):
        names |= dict([_IGNORE])
    files = {folder / to: (package / name).read_bytes() for name, to in names.items()}
    for kind, schema in _SCHEMAS.items():
        content = orjson.dumps(
            schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        files[folder / "schemas" / f"{kind}.json"] = content
    return files


def write_all(
    folder: Path, files: Mapping[Path, bytes], *, over: bool
) -> tuple[Path, ...]:
    """Write files under a folder, all of them or none; returns their paths.

    Raises:
        BadInput: A file is there already, or a place can't be one.
        StorageFailed: The folder can't be written.
    """
    _check(folder, files, over=over)
    partials: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partials[path] = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
            _write(partials[path], content)
        for path, partial in partials.items():
            partial.replace(path)
        for place in {path.parent for path in files}:
            sync_folder(place)
    except OSError as error:
        raise StorageFailed(
            f"{error.filename or folder}: can't be written ({error.strerror}); "
            "name another folder: pixelmeter init DIR"
        ) from None
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
    return tuple(files)


def _check(folder: Path, files: Mapping[Path, bytes], *, over: bool) -> None:
    for place in (*reversed(folder.parents), folder, *{p.parent for p in files}):
        if os.path.lexists(place) and not place.is_dir():
            raise BadInput(f"{place}: is a file, not a folder; name another one")
    for path in files:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder; move it away")
    there = [str(path) for path in files if os.path.lexists(path)]
    if there and not over:
        are = "is there already" if len(there) == 1 else "are there already"
        raise BadInput(
            f"{', '.join(there)} {are}, so nothing was written; add --force to write "
            "over, or name another folder"
        )


def _write(path: Path, content: bytes) -> None:
    # The copy of .env.example will hold keys, and `cp` gives it the same mode.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def next_commands(folder: Path) -> tuple[str, ...]:
    """The commands that come next, as they can be pasted."""
    there = folder.resolve() == Path.cwd()
    move = "" if there else f"cd {shlex.quote(str(folder))} && "
    return (
        f"{move}cp .env.example .env",
        "pixelmeter emulator --port 8080 --time-scale 0.1 &",
        "pixelmeter run suite.yaml --endpoints endpoints.yaml --endpoint emulator",
    )
