"""Files: what is written is there whole or not at all."""

import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BadInput, StorageFailed
from bench.folder import OWNER_ONLY_FILE, sync_folder


def refuse_place(path: Path, *, force: bool, option: str = "--output") -> None:
    """Say early why a file can't be written there.

    `option` is how the command line names the file.

    Raises:
        BadInput: Something is there already, or its folder is not.
    """
    if path.is_dir():
        raise BadInput(f"{option} {path}: this is a folder; name a file in it")
    if not path.parent.is_dir():
        raise BadInput(f"{option} {path}: there is no folder {path.parent}; make it")
    if path.exists() and not force:
        raise BadInput(f"{option} {path}: it is there already; --force replaces it")


@contextmanager
def whole_file(path: Path, *, force: bool, option: str = "--output") -> Generator[Path]:
    """A name to write to, which becomes `path` when the block ends well.

    Only its owner can read it. Without `force` a file that came to stand at
    `path` meanwhile is left alone.

    Raises:
        BadInput: `path` is taken.
        StorageFailed: The file can't be written.
    """
    refuse_place(path, force=force, option=option)
    partial = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.part")
    try:
        os.close(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
        )
        yield partial
        _settle(partial, path, force=force, option=option)
    except OSError as error:
        raise StorageFailed(
            f"{option} {path}: it could not be written ({error.strerror or error}); "
            "nothing stands there of this export"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _settle(partial: Path, path: Path, *, force: bool, option: str) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    if force:
        partial.replace(path)
    else:
        try:
            path.hardlink_to(partial)
        except FileExistsError:
            refuse_place(path, force=False, option=option)
    sync_folder(path.parent)
