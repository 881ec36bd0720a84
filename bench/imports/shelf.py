"""Shelf: the imports of a data folder, whole or not there."""

import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder, make_folder, sync_folder, write_durably
from bench.imports.manifest import Manifest, checked_id

ROWS = "rows.parquet"
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Shelf:
    """`DIR/imports`: one folder an import, with `manifest.json` and `rows.parquet`."""

    folder: Path

    @classmethod
    def of(cls, data: DataFolder) -> "Shelf":
        """The shelf of a data folder."""
        return cls(data.root / "imports")

    def manifests(self) -> tuple[Manifest, ...]:
        """All imports, oldest first."""
        found = (
            Manifest.read(path) for path in self.folder.glob(f"[a-z]*/{_MANIFEST}")
        )
        return tuple(sorted(found, key=lambda m: (m.imported_at, m.id)))

    def manifest(self, import_id: str) -> Manifest:
        """One import.

        Raises:
            BadInput: There is no such import.
        """
        path = self.folder / checked_id(import_id) / _MANIFEST
        if not path.is_file():
            raise BadInput(
                f"import '{import_id}' is not in {self.folder}; "
                "`pixelmeter import --list` shows those there are"
            )
        return Manifest.read(path)

    def rows(self, import_id: str) -> Path:
        """The rows of an import, as Parquet."""
        return self.folder / import_id / ROWS

    def rewrite(self, manifest: Manifest) -> None:
        """Put another manifest in the place of an import's own.

        Raises:
            StorageFailed: It can't be written.
        """
        path = self.folder / manifest.id / _MANIFEST
        try:
            write_durably(path, _text(manifest))
        except OSError as error:
            raise StorageFailed(
                f"{path}: can't be written ({error.strerror})"
            ) from None

    def remove(self, import_id: str) -> None:
        """Take an import away; the file that it came from is not touched.

        Raises:
            BadInput: There is no such import.
            StorageFailed: It can't be taken away.
        """
        folder = self.folder / checked_id(import_id)
        if not folder.is_dir():
            self.manifest(import_id)
        try:
            gone = self.folder / f".{import_id}.{uuid.uuid4().hex}.gone"
            folder.rename(gone)
            sync_folder(self.folder)
            shutil.rmtree(gone)
        except OSError as error:
            raise StorageFailed(
                f"{folder}: can't be taken away ({error.strerror})"
            ) from None

    @contextmanager
    def being_made(self) -> Generator[Path]:
        """A folder for rows that may come to stand here; else nothing is left.

        Raises:
            StorageFailed: It can't be written.
        """
        make_folder(self.folder)
        partial = self.folder / f".{uuid.uuid4().hex}.part"
        try:
            make_folder(partial)
            yield partial
        except OSError as error:
            raise StorageFailed(
                f"{self.folder}: the import can't be written "
                f"({error.strerror or error}); nothing was imported"
            ) from None
        finally:
            with suppress(OSError):
                shutil.rmtree(partial)

    def settle(self, partial: Path, manifest: Manifest) -> bool:
        """Make a finished folder durable under its name.

        Returns:
            False where the same import stands here already; that one is kept.
        """
        with (partial / ROWS).open("rb") as rows:
            os.fsync(rows.fileno())
        write_durably(partial / _MANIFEST, _text(manifest))
        try:
            partial.rename(self.folder / manifest.id)
        except OSError:
            if (self.folder / manifest.id / _MANIFEST).is_file():
                return False
            raise
        sync_folder(self.folder)
        return True


def _text(manifest: Manifest) -> bytes:
    return orjson.dumps(manifest.to_json(), option=orjson.OPT_INDENT_2)
