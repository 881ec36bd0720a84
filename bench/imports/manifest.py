"""Manifest: what is known of one import, beside its rows."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from bench.errors import BadInput, StorageFailed
from bench.words.printable import printable

SCHEMA = "pixelmeter.import-manifest/1"
IMPORT_ID = re.compile(r"[a-z-]{1,20}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One import.

    Attributes:
        id: The kind and the first digits of `digest`.
        file: The file's name, without its folder.
        sha256: Of the file's bytes.
        digest: Of the file and of how its columns were read.
        rows: That were kept; `skipped` could not be used.
        first_on, last_on: The UTC days of the earliest and the latest row; None
            without rows.
        amount_usd: Exact sum; None where no row has an amount.
        most_decimals: Of any amount: how finely the file tells money.
        written_at: When the file was last changed, or imported if that is earlier.
        columns: What was read, by field.
        dropped_columns: What was not: it is nowhere in the data folder.
        by_call: Whether a row is one request.
        simulated: Rows that say of themselves that no money was spent.
        is_part: Whether rows are known to be missing: they could not be used, or stand
            on a page that follows.
        notes: Sentences that whoever reads the figures must know.
    """

    id: str
    kind: str
    file: str
    sha256: str
    digest: str
    n_bytes: int
    rows: int
    skipped: int
    repeated_ids: int
    repeated_rows: int
    first_on: str | None
    last_on: str | None
    amount_usd: str | None
    most_decimals: int
    imported_at: str
    written_at: str
    untried: bool
    by_call: bool
    columns: dict[str, str]
    given: dict[str, str]
    dropped_columns: tuple[str, ...]
    notes: tuple[str, ...]
    is_part: bool = False
    simulated: int = 0

    def to_json(self) -> dict[str, Any]:
        """All of it, as the file holds it."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest of ours.

        Raises:
            StorageFailed: It is damaged, or a newer program wrote it.
        """
        try:
            document: dict[str, Any] = orjson.loads(path.read_bytes())
            # Another schema is another set of members, so this refuses it.
            document.pop("schema" if document["schema"] == SCHEMA else "")
            for name in ("dropped_columns", "notes"):
                document[name] = tuple(document[name])
            return cls(**document)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StorageFailed(
                f"{path}: this manifest can't be read; `pixelmeter import --remove "
                f"{path.parent.name}` takes the import away, then import the file anew"
            ) from None


def checked_id(import_id: str) -> str:
    """A name that an import can have.

    Raises:
        BadInput: It can't.
    """
    if not IMPORT_ID.fullmatch(import_id):
        raise BadInput(
            f"import '{printable(import_id[:60])}': an import is named like "
            "openai-costs-4fd2a1b09c33; `pixelmeter import --list` shows them"
        )
    return import_id
