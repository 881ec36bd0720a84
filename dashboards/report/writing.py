"""Writing: a report's file, whole or not at all, for its owner alone."""

from pathlib import Path

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder, make_folder, write_durably


def report_path(folder: DataFolder, run_id: str) -> Path:
    """Where a run's report lies when nothing else is said."""
    return folder.root / "reports" / f"{run_id}.html"


def check_path(path: Path, *, force: bool) -> None:
    """Refuse before any work what could not be written in the end.

    Raises:
        BadInput: Something stands there, or the folder is none.
    """
    if path.is_dir():
        raise BadInput(f"--output {path}: this is a folder; name a file in it")
    if path.exists() and not force:
        raise BadInput(
            f"{path} exists already; --force replaces it, --output FILE names another"
        )
    if path.parent.exists() and not path.parent.is_dir():
        raise BadInput(f"--output {path}: {path.parent} is no folder")


def write_report(path: Path, text: str) -> int:
    """Write a report; returns its size in bytes.

    Raises:
        StorageFailed: It could not be written; what stood there still does.
    """
    content = text.encode()
    make_folder(path.parent)
    try:
        write_durably(path, content)
    except OSError as error:
        raise StorageFailed(
            f"{path}: the report could not be written ({error.strerror}); "
            "name another place with --output FILE"
        ) from None
    return len(content)
