"""Environment: variables of the process, and those of a `.env` file."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables by name, and a sentence when `.env` was not read."""

    variables: Mapping[str, str]
    note: str | None = None


def read_environment(folder: Path | None = None) -> Environment:
    """The process's variables above those of `.env` in the given folder.

    A `.env` that others than its owner can read is left alone, and said so.

    Raises:
        BadInput: The `.env` is no UTF-8 text.
    """
    path = (folder or Path.cwd()) / ".env"
    if not path.is_file():
        return Environment(dict(os.environ))
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        note = f"{path} was not read: others can read it too; run chmod 600 .env"
        return Environment(dict(os.environ), note)
    try:
        # An editor may have put a byte order mark before the first name.
        written = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from None
    kept = {name: value for name, value in written.items() if value is not None}
    return Environment({**kept, **os.environ})
