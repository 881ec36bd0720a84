"""Demo: the main job with no key, against two emulators."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.options import DataOption, JsonOption, SeedOption

if TYPE_CHECKING:
    from bench.commands.carrying import Session
    from bench.endpoint import Endpoint
    from bench.folder import DataFolder
    from bench.plan.options import Options
    from dashboards.commands.telling import Measured

KEY_VARIABLE = "PIXELMETER_DEMO_KEY"
GATEWAY_FACTOR = "0.5"
GATEWAY_OVERHEAD_S = 3.0
# 15 s of a real picture are 0.45 s here: more than two cores need to draw it.
TIME_SCALE = "0.03"
CONCURRENCY = 8


def register(app: typer.Typer) -> None:
    """Add the command `demo` to the command line."""
    app.command("demo")(demo)


def demo(
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N of the 12 prompts.")
    ] = None,
    seed: SeedOption = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=4096, help="Requests in flight at most; 8."
        ),
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Run the main job against emulators; no key, nothing is paid.

    Direct and a half-price gateway, twelve prompts, two models, three qualities
    and two sizes. Answers are simulated and marked so; nothing is paid.
    """
    import os
    import signal

    from bench.commands.carrying import Session, exit_code
    from bench.folder import DataFolder, make_folder
    from bench.plan.options import Options
    from dashboards.commands.telling import answer, begin, tell, tell_next

    # Ended by anything but an exception, its emulators would outlive it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = DataFolder.choose(data, os.environ)
    make_folder(folder.root)
    session = Session(data=folder, variables={KEY_VARIABLE: "sk-demo"})
    options = Options(concurrency=concurrency or CONCURRENCY)
    if not json:
        begin()
    measured = _measure(session, options, limit, seed)
    if json:
        typer.echo(answer(measured, _report(folder, measured)))
    else:
        tell(measured)
        tell_next(measured, _report(folder, measured), session.where)
    trials = measured.status["trials"]
    raise typer.Exit(exit_code(measured.ending, trials, options.max_failed_share))


def _report(folder: "DataFolder", measured: "Measured") -> dict[str, Any] | None:
    """Write the run as one page; whoever broke it off does not wait for it."""
    from dashboards.commands.report import write
    from dashboards.report.writing import report_path

    if measured.ending.stopped_by == "user":
        return None
    run_id = measured.status["run_id"]
    return write(folder, run_id, report_path(folder, run_id))


def _measure(
    session: "Session", options: "Options", limit: int | None, seed: int | None
) -> "Measured":
    """Start both emulators, run the starter suite, and count on both sides."""
    from importlib import resources

    from bench.commands.carrying import send
    from bench.plan.build import Wishes, build
    from bench.plan.frozen import freeze
    from bench.store import queries
    from bench.store.index import open_index
    from bench.store.status import run_status
    from bench.suite import read_suite
    from dashboards.commands.doubles import started
    from dashboards.commands.telling import Measured

    with ExitStack() as stack:
        scale = ("--time-scale", TIME_SCALE)
        doubles = {
            "direct": stack.enter_context(started(*scale)),
            "halfprice": stack.enter_context(
                started(*scale, "--manner", "newapi", "--seed", "1")
            ),
        }
        doubles["halfprice"].change(
            {"price_factor": GATEWAY_FACTOR, "overhead_s": GATEWAY_OVERHEAD_S}
        )
        suite_file = resources.as_file(resources.files("bench") / "starter/suite.yaml")
        suite = read_suite(stack.enter_context(suite_file))
        wishes = Wishes(seed=seed, limit=limit, note="pixelmeter demo", options=options)
        endpoints = tuple(_endpoint(name, d.url) for name, d in doubles.items())
        plan = build(suite, endpoints, wishes)
        freeze(plan, session.data.run(plan.run_id))
        ending = send(session, plan, options, "demo")
        counted_usd = {name: d.total_usd() for name, d in doubles.items()}
    status = run_status(session.data, plan.run_id)
    with open_index(session.data) as con:
        trials = queries.trials(con, plan.run_id)
    return Measured(
        status=status, ending=ending, trials=trials, counted_usd=counted_usd
    )


def _endpoint(name: str, url: str) -> "Endpoint":
    """The endpoint as an endpoints file would write it."""
    from bench.endpoint import DerivedPrices, Endpoint, Route

    half = {"kind": "multiplier", "factor": GATEWAY_FACTOR}
    is_gateway = name == "halfprice"
    return Endpoint(
        name=name,
        base_url=url,
        api_key_env=KEY_VARIABLE,
        route=Route.GATEWAY if is_gateway else Route.DIRECT,
        prices=DerivedPrices(of="openai", scheme=half) if is_gateway else "openai",
    )
