"""Ingest: the command that makes the index current, or makes it anew."""

from typing import TYPE_CHECKING

import typer

from bench.commands.indexed import chosen_folder
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from bench.folder import DataFolder
    from bench.store.ingest import Ingested

SCHEMA = "pixelmeter.ingest/1"


def register(app: typer.Typer) -> None:
    """Add the command `ingest` to the command line."""
    app.command("ingest")(ingest)


def ingest(
    *,
    rebuild: bool = typer.Option(
        False,
        "--rebuild",
        help="Make the index anew; one that can't be used is moved aside.",
    ),
    checksum: bool = typer.Option(
        False, "--checksum", help="Also tell a digest of all rows."
    ),
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Read new journal records into the DuckDB index.

    Journals are the truth and are never changed; other commands do this too
    before they answer.
    """
    import time

    import orjson

    from bench.errors import BadInput
    from bench.store import ingest as store
    from bench.store.index import open_index

    folder = chosen_folder(data)
    if not folder.root.is_dir():
        raise BadInput(f"{folder.root}: there is no such folder; name it with --data")
    begun = time.monotonic()
    done = store.rebuild(folder) if rebuild else store.refresh(folder)
    took_s = time.monotonic() - begun
    digest = None
    if checksum:
        with open_index(folder) as con:
            digest = store.checksum(con)
    if json:
        answer = {
            "schema": SCHEMA,
            "index": str(folder.index),
            "rebuilt": rebuild,
            "runs": list(done.runs),
            "attempts": done.attempts,
            "removed": list(done.removed),
            "problems": list(done.problems),
            "moved_aside": str(done.moved_aside) if done.moved_aside else None,
            "checksum": digest,
            "took_s": took_s,
        }
        typer.echo(orjson.dumps(answer).decode())
        return
    _tell(folder, done, took_s)
    if digest:
        typer.echo(f"all rows: {digest}")


def _tell(folder: "DataFolder", done: "Ingested", took_s: float) -> None:
    for problem in done.problems:
        typer.echo(f"warning: {problem}", err=True)
    if done.moved_aside:
        typer.echo(f"the old index went to {done.moved_aside}")
    typer.echo(
        f"{folder.index}: {done.attempts:,} attempts of {len(done.runs)} runs read, "
        f"{len(done.removed)} runs removed, {took_s:.1f} s"
    )
