"""Checking: whether a run's times can be trusted, for `show`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from bench.store.checked import Certification, certification, judged_figures
from bench.store.queries import Row
from bench.words.figures import milliseconds, percent
from bench.words.limited import limited_remarks, limited_sentence

if TYPE_CHECKING:
    import duckdb

_FIGURES = (
    *("own_lag_p99_s", "limit_s", "loop_lag_p99_s", "loop_lag_max_s", "cpu_share"),
    *("gc_n_long", "gc_longest_s", "in_flight_asked", "in_flight_mean"),
)
_QUANTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a run says of this program.

    Attributes:
        figures: Its row of `v_self_check`; empty where it has none.
    """

    figures: Row
    certification: Certification


def read_checked(con: "duckdb.DuckDBPyConnection", run_id: str) -> Checked:
    """How this program kept up in a run, and how far its times were off."""
    return Checked(
        figures=judged_figures(con, run_id), certification=certification(con, run_id)
    )


def print_checked(run: Row, checked: Checked) -> None:
    """A line on this program, and one on how far its times were off."""
    if not run["attempts"] or run["load"] == "batch":
        return
    typer.echo("")
    typer.echo(limited_sentence(run) or f"self-check: {kept_up(checked)}")
    if said := limited_remarks(run):
        typer.echo(said)
    typer.echo(certification_sentence(checked.certification))


def kept_up(checked: Checked) -> str:
    """How well this program kept up in a run that it did not limit."""
    found = checked.figures
    said = (
        f"this program kept up; own lag p99 {milliseconds(found['own_lag_p99_s'])} of "
        f"at most {milliseconds(found['limit_s'])}, {percent(found['cpu_share'])} of a "
        "core"
    )
    if found["in_flight_asked"] is None:
        return said
    return (
        f"{said}, {found['in_flight_mean']:.1f} requests in flight of the "
        f"{found['in_flight_asked']:.1f} that could have been"
    )


def certification_sentence(found: Certification) -> str:
    """How far times were off, or why nobody knows."""
    if found.service_error_s is None or found.first_byte_error_s is None:
        return f"not certified: {found.why_not}"
    first, last = map(_three, (found.first_byte_error_s, found.service_error_s))
    rest = f" ({found.why_not})" if found.why_not else ""
    partial = (
        f"first partial of {found.n_partials:,} by {_three(partial_s)}; "
        if (partial_s := found.first_partial_error_s)
        else ""
    )
    return (
        f"certified against the emulator's own stamps, {found.n:,} of {found.n_ok:,} "
        f"answers{rest}: first byte off by {first}; {partial}last byte "
        f"by {last}"
    )


def _three(errors_s: tuple[float, float, float]) -> str:
    pairs = zip(_QUANTILES, errors_s, strict=True)
    return ", ".join(f"{name} {milliseconds(error_s)}" for name, error_s in pairs)


def checked_answer(checked: Checked) -> dict[str, Any]:
    """The same for --json; `certification` null where nothing was compared."""
    found = checked.certification
    return {
        "self_check": {name: checked.figures.get(name) for name in _FIGURES},
        "certification": certification_answer(found),
        "not_certified": found.why_not,
    }


def certification_answer(found: Certification) -> dict[str, Any] | None:
    """Sizes of the errors in seconds; None where nothing was compared."""
    if found.service_error_s is None or found.first_byte_error_s is None:
        return None
    return {
        "n": found.n,
        "n_ok": found.n_ok,
        "n_partials": found.n_partials,
        **_members("first_byte_error", found.first_byte_error_s),
        **_members("first_partial_error", found.first_partial_error_s),
        **_members("service_error", found.service_error_s),
    }


def _members(
    what: str, errors_s: tuple[float, float, float] | None
) -> dict[str, float | None]:
    pairs = zip(_QUANTILES, errors_s or (None,) * 3, strict=True)
    return {f"{what}_{name}_s": error_s for name, error_s in pairs}
