"""Reading: a file of somebody else's brought into the data folder."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from bench.errors import BadInput
from bench.folder import DataFolder
from bench.imports.kinds import FIELDS, Kind
from bench.imports.manifest import Manifest
from bench.imports.records import Pages
from bench.imports.sheets import LookCloser, Sheet, Source, csv_sheet, joined, opened
from bench.imports.shelf import ROWS, Shelf
from bench.imports.table import Table
from bench.store.imported import RowsFile, summed
from bench.words.figures import so_many
from pricing.money import usd_text

# Columns that tell who asked, which some of these files have.
_PERSONAL = (
    *("user_id", "user_email", "user", "end_user", "email", "requester_ip_address"),
    *("project_name", "organization_name", "api_key_name", "api_key", "external_user"),
    *("BillingAccountId", "BillingAccountName", "SubAccountId", "SubAccountName"),
    *("ResourceId", "ResourceName", "Tags", "messages", "response", "metadata"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An import, and whether it is new; `told` are rows that were left out.

    `is_later` is whether one that is not new was written later than before.
    """

    manifest: Manifest
    is_new: bool
    is_later: bool
    told: tuple[str, ...]


def import_file(
    folder: DataFolder, kind: Kind, path: Path, *, skip_bad: bool = False
) -> Imported:
    """Read a file whole, or import nothing of it.

    Raises:
        BadInput: Its place, form or a row can't be used; names file, row and key.
        StorageFailed: The rows can't be kept.
    """
    shelf = Shelf.of(folder)
    with shelf.being_made() as partial:
        try:
            manifest, told = _written(kind, path, partial, skip_bad=skip_bad, fast=True)
        except LookCloser:
            manifest, told = _written(
                kind, path, partial, skip_bad=skip_bad, fast=False
            )
        is_new = shelf.settle(partial, manifest)
    is_later = False
    if not is_new:
        before = shelf.manifest(manifest.id)
        # The same bill at a later time: what it says of its days has settled.
        is_later = manifest.written_at > before.written_at
        written_at = max(manifest.written_at, before.written_at)
        manifest = replace(before, written_at=written_at)
        if is_later:
            shelf.rewrite(manifest)
    return Imported(manifest=manifest, is_new=is_new, is_later=is_later, told=told)


def _written(
    kind: Kind, path: Path, partial: Path, *, skip_bad: bool, fast: bool
) -> tuple[Manifest, tuple[str, ...]]:
    """The rows of a file in a folder, and what is known of them."""
    with opened(path) as source:
        reading = _Reading(kind, source, skip_bad=skip_bad, fast=fast)
        reading.write(partial / ROWS)
        return reading.manifest(partial), tuple(reading.table.found.told)


class _Reading:
    """One file on its way in."""

    def __init__(
        self, kind: Kind, source: Source, *, skip_bad: bool, fast: bool
    ) -> None:
        self._source = source
        self._fast = fast
        self._pages: Pages | None = None
        self._kind = kind
        self.table = Table(source.shown, kind, self._sheet(), skip_bad=skip_bad)

    def _sheet(self) -> Sheet:
        is_json = self._source.path.suffix.lower() in {".json", ".jsonl", ".ndjson"}
        formats = self._kind.formats
        if is_json and {"json", "jsonl"}.isdisjoint(formats):
            raise self._refused("CSV")
        if not is_json and "csv" not in formats:
            raise self._refused("JSON")
        if not is_json:
            return csv_sheet(self._source, fast=self._fast)
        self._pages = Pages(self._source, self._kind)
        return self._pages.sheet()

    def _refused(self, wanted: str) -> BadInput:
        return BadInput(
            f"{self._source.shown}: {self._kind.name} is read from {wanted} "
            f"({self._kind.says}); the file's name should end so"
        )

    def write(self, path: Path) -> None:
        """Write all rows."""
        rows = RowsFile(path, FIELDS)
        try:
            for columns in self.table.batches():
                rows.write(columns)
        finally:
            rows.close()
        path.chmod(0o600)

    def manifest(self, partial: Path) -> Manifest:
        """What is known of the import now that it is written."""
        found = self.table.found
        if not found.n_rows:
            raise BadInput(f"{self._source.shown}: there is no row to import")
        sha256, n_bytes = self._source.finish()
        digest = _digest(self._kind, sha256)
        usd, repeated_ids, repeated_rows = summed(partial / ROWS, partial)
        now = datetime.now(UTC)
        changed = datetime.fromtimestamp(self._source.path.stat().st_mtime, UTC)
        manifest = Manifest(
            id=f"{self._kind.name}-{digest[:12]}",
            kind=self._kind.name,
            file=self._source.path.name,
            sha256=sha256,
            digest=digest,
            n_bytes=n_bytes,
            rows=found.n_rows,
            skipped=found.n_skipped,
            repeated_ids=repeated_ids,
            repeated_rows=repeated_rows,
            first_on=_day(found.first_us),
            last_on=_day(found.last_us),
            amount_usd=None if usd is None else usd_text(usd),
            most_decimals=found.most_decimals,
            imported_at=_instant(now),
            written_at=_instant(min(now, changed)),
            untried=self._kind.untried,
            by_call=self._kind.is_by_call and "row_id" in self.table.names,
            columns=self.table.names,
            given=dict(self._kind.given),
            dropped_columns=self._dropped(),
            notes=(),
            simulated=found.n_simulated,
            is_part=found.n_skipped > 0
            or (self._pages is not None and self._pages.more),
        )
        return replace(manifest, notes=self._notes(manifest))

    def _dropped(self) -> tuple[str, ...]:
        if self._pages is None:
            return self.table.unused
        used = {
            name.split(".")[0]
            for names in self._kind.columns.values()
            for name in names
        }
        return tuple(key for key in self._pages.keys if key not in used)

    def _notes(self, manifest: Manifest) -> tuple[str, ...]:
        """Sentences for whoever reads the figures."""
        is_paged = self._pages is not None and self._pages.more
        personal = [name for name in manifest.dropped_columns if name in _PERSONAL]
        told: dict[str, bool] = {
            f"UNTRIED: {self._kind.name} is mapped from documentation; no such "
            "file was ever seen, so check its sum against its source": (
                self._kind.untried
            ),
            f"SIMULATED: {so_many(manifest.simulated, 'row')} of {manifest.rows:,} say "
            "so of themselves; no money was spent on them": manifest.simulated > 0,
            "the last page says that more follow: the file holds a part of the bill": (
                is_paged
            ),
            "times without an offset were taken as UTC": self.table.has_naive,
            f"{so_many(manifest.repeated_ids, 'row')} with an id seen before: only "
            "the last of each counts": manifest.repeated_ids > 0,
            f"{so_many(manifest.repeated_rows, 'row')} equal to another one in every "
            "column, without an id: they count too": manifest.repeated_rows > 0,
            f"{so_many(manifest.skipped, 'row')} could not be used: missing here": (
                manifest.skipped > 0
            ),
            f"dropped, since they may tell who asked: {joined(personal)}": (
                bool(personal)
            ),
        }
        return tuple(sentence for sentence, holds in told.items() if holds)


def _digest(kind: Kind, sha256: str) -> str:
    """The same bytes read by another mapping are another import."""
    said = [kind.name, sha256, sorted(kind.columns.items()), sorted(kind.given.items())]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def _day(us: int | None) -> str | None:
    if us is None:
        return None
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).date())


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
