"""Reconcile head: what is compared, and what is left out of it."""

from collections.abc import Iterator

import typer

from bench.studies.reconcile import Reconciled
from bench.words.figures import so_many
from bench.words.printable import printable


def print_head(reconciled: Reconciled) -> None:
    """One line on stdout, notes on stderr."""
    files = so_many(len(reconciled.imports), "import")
    attempts = so_many(reconciled.attempts, "attempt")
    mark = ", SIMULATED" if reconciled.is_simulated else ""
    is_no_bill = any(manifest.simulated for manifest in reconciled.imports)
    bill_mark = " with SIMULATED charges" if is_no_bill else ""
    typer.echo(
        f"{reconciled.kind}: {files}{bill_mark}, UTC days {reconciled.first} to "
        f"{reconciled.last}, against {attempts} of ours{mark}"
    )
    for note in dict.fromkeys(note for m in reconciled.imports for note in m.notes):
        typer.echo(f"note: {printable(note)}", err=True)
    for note in _left_out(reconciled):
        typer.echo(f"note: {note}", err=True)
    if reconciled.n_estimated:
        typer.echo(
            f"estimated: {so_many(reconciled.n_estimated, 'charge')} of ours by "
            "published token rules, since no answer reported its usage"
        )


def _left_out(reconciled: Reconciled) -> Iterator[str]:
    if reconciled.n_replaced:
        yield (
            f"{so_many(reconciled.n_replaced, 'row')} of older imports are "
            "replaced by newer ones of the same days"
        )
    if reconciled.n_simulated:
        yield (
            f"{so_many(reconciled.n_simulated, 'simulated attempt')} of ours "
            "left out; --run RUN compares them all the same"
        )
    if reconciled.n_outside:
        yield (
            f"{so_many(reconciled.n_outside, 'attempt')} of ours left out, on days "
            "that no import has"
        )
