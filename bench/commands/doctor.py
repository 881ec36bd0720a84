"""Doctor: the command that checks the set-up before it costs money."""

from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import (
    DataOption,
    EndpointsOption,
    JsonOption,
    PricesOption,
    RouteOption,
)

if TYPE_CHECKING:
    from bench.checkup.check import Check

SCHEMA = "pixelmeter.doctor/1"


def register(app: typer.Typer) -> None:
    """Add the command `doctor` to the command line."""
    app.command("doctor")(doctor)


def doctor(
    *,
    endpoints: EndpointsOption = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Endpoint to look at; repeat the option; else all."
        ),
    ] = None,
    route: RouteOption = None,
    prices: PricesOption = None,
    timing: Annotated[
        bool,
        typer.Option(
            "--timing",
            help="Instead, measure for 30 s how far times on this machine are off.",
        ),
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Check the set-up: versions, disk, index, clock, keys, endpoints.

    It costs nothing: each endpoint is asked for its list of models, once. The
    code is 3 for a key that is missing or refused, 6 for storage, 2 for others.
    With --timing nothing of that: an emulator on this machine answers, and its
    stamps say up to which rate and size times can be trusted.
    """
    if timing:
        _timing(as_json=json)
        return
    from pathlib import Path

    from bench.checkup.check import exit_code
    from bench.checkup.rounds import SetUp, check_all
    from bench.environment import read_environment
    from bench.folder import DataFolder

    environment = read_environment()
    folder = DataFolder.choose(data, environment.variables)
    set_up = SetUp(
        here=Path.cwd(),
        data=folder,
        environment=environment,
        endpoints_file=endpoints,
        names=tuple(endpoint or ()),
        route=route,
        prices=prices,
    )
    checks = check_all(set_up)
    if json:
        _print_json(checks)
    else:
        _print_words(checks)
    raise typer.Exit(exit_code(checks))


def _timing(*, as_json: bool) -> None:
    from bench.commands.timing import measured_floors, print_floors, print_json

    found = measured_floors()
    if as_json:
        print_json(SCHEMA, found)
    else:
        print_floors(found)


def _print_json(checks: "tuple[Check, ...]") -> None:
    import orjson

    from bench.checkup.check import Status
    from bench.checkup.rounds import sentence

    counts = {s: sum(check.status is s for check in checks) for s in Status}
    answer = {
        "schema": SCHEMA,
        "sentence": sentence(checks),
        "problems": counts[Status.PROBLEM],
        "warnings": counts[Status.WARNING],
        "checks": [
            {"name": check.name, "status": check.status, "sentence": check.sentence}
            for check in checks
        ],
    }
    typer.echo(orjson.dumps(answer).decode())


def _print_words(checks: "tuple[Check, ...]") -> None:
    from bench.checkup.rounds import sentence

    width = max(len(check.status) for check in checks)
    for check in checks:
        typer.echo(f"{check.status:<{width}}  {check.name}: {check.sentence}")
    typer.echo(sentence(checks))
