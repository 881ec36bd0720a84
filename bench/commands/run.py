"""Run: the commands that send requests, and the one that purges."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.naming import RunArgument, RunOption
from bench.commands.options import (
    BatchOption,
    BooksOption,
    CancelOption,
    ConcurrencyOption,
    DataOption,
    EndpointOption,
    EndpointsOption,
    FailedShareOption,
    FindRateOption,
    ImagesOption,
    JsonOption,
    LimitOption,
    LoadOption,
    LookOption,
    MaxCostOption,
    NoteOption,
    OnlyOption,
    PricesOption,
    RateOption,
    RouteOption,
    SeedOption,
    TagOption,
    WaitOption,
    WarmUpOption,
    WaveOption,
    WavePauseOption,
    YesOption,
)

if TYPE_CHECKING:
    from bench.folder import DataFolder, RunFolder
    from bench.plan.frozen import Plan


def register(app: typer.Typer) -> None:
    """Add the commands `run`, `resume` and `purge` to the command line."""
    app.command("run")(run)
    app.command("resume")(resume)
    app.command("purge")(purge)


def run(
    suite: Annotated[Path, typer.Argument(metavar="SUITE", help="Suite file (YAML).")],
    *,
    endpoint: EndpointOption = None,
    endpoints: EndpointsOption = None,
    route: RouteOption = None,
    prices: PricesOption = None,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    seed: SeedOption = None,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    load: LoadOption = None,
    find_rate: FindRateOption = None,
    warm_up: WarmUpOption = None,
    limit: LimitOption = None,
    only: OnlyOption = None,
    tag: TagOption = None,
    note: NoteOption = None,
    images: ImagesOption = None,
    max_failed_share: FailedShareOption = None,
    wave: WaveOption = None,
    wave_pause: WavePauseOption = None,
    batch: BatchOption = False,
    wait: WaitOption = None,
    look_every: LookOption = None,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Run a suite; record what each request took and cost."""
    from bench.commands.carrying import Session, start
    from bench.commands.choosing import Given, Where, planned, wishes
    from bench.plan.books import chosen_book
    from bench.plan.options import Options

    session = Session.begin(data)
    given = Given(
        concurrency=concurrency,
        rate_rpm=rate,
        max_cost=max_cost,
        images=images,
        max_failed_share=max_failed_share,
        wave=wave,
        wave_pause_s=wave_pause,
        load=load,
        find_rate=find_rate,
        batch=batch,
        wait_s=wait,
        look_every_s=look_every,
    )
    options = given.over(Options())
    wanted = wishes(
        seed=seed,
        limit=limit,
        only=only,
        tags=tag,
        note=note,
        warm_up=warm_up,
        options=options,
    )
    where = Where(
        endpoints_file=endpoints,
        names=tuple(endpoint or ()),
        route=route,
        prices=prices,
    )
    chosen = where.read(session.data)
    built = planned(suite, chosen, wanted, chosen_book(session.data.root, books))
    raise typer.Exit(start(session, built, suite, agreed=yes, as_json=json))


def resume(
    run: RunArgument,
    *,
    endpoint: EndpointOption = None,
    endpoints: EndpointsOption = None,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    load: LoadOption = None,
    find_rate: FindRateOption = None,
    images: ImagesOption = None,
    max_failed_share: FailedShareOption = None,
    wave: WaveOption = None,
    wave_pause: WavePauseOption = None,
    wait: WaitOption = None,
    cancel: CancelOption = False,
    look_every: LookOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Send what a run left unsent; nothing is paid twice.

    Sent again are only trials whose last attempt never left or was rate
    limited. What is not given comes from the run's plan.
    """
    from bench.commands.carrying import Session, again
    from bench.commands.choosing import Given
    from bench.errors import BadInput
    from bench.plan.frozen import read_plan
    from bench.plan.growth import KIND

    session = Session.begin(data)
    planned = read_plan(session.data.existing_run(run).plan)
    if planned.kind == KIND:
        raise BadInput(
            f"run {planned.run_id} was made by a program that decides itself what it "
            "asks; nothing of it is left to send"
        )
    given = Given(
        concurrency=concurrency,
        rate_rpm=rate,
        max_cost=max_cost,
        images=images,
        max_failed_share=max_failed_share,
        wave=wave,
        wave_pause_s=wave_pause,
        load=load,
        find_rate=find_rate,
        wait_s=wait,
        look_every_s=look_every,
        cancel=cancel,
    )
    options = given.over(planned.options)
    moved = _moved(planned, endpoints, tuple(endpoint or ()))
    raise typer.Exit(again(session, moved, options, agreed=yes, as_json=json))


def _moved(
    planned: "Plan", endpoints_file: Path | None, names: tuple[str, ...]
) -> "Plan":
    """The plan with its endpoints where a file says that they are now."""
    from dataclasses import replace

    from bench.endpoint import read_endpoints
    from bench.errors import BadInput

    known = {endpoint.name for endpoint in planned.endpoints}
    for name in names:
        if name not in known:
            raise BadInput(
                f"--endpoint {name}: not in the run's plan ({', '.join(known)})"
            )
    if endpoints_file is None:
        return planned.only_endpoints(names)
    now = {endpoint.name: endpoint for endpoint in read_endpoints(endpoints_file)}
    kept = tuple(now.get(e.name, e) for e in planned.endpoints)
    for before, after in zip(planned.endpoints, kept, strict=True):
        if (before.prices, before.route) != (after.prices, after.route):
            raise BadInput(
                f"{endpoints_file}: endpoint {after.name} has another route or other "
                "prices than the run's plan; run the suite anew"
            )
    return replace(planned, endpoints=kept).only_endpoints(names)


def purge(
    *,
    run: RunOption,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Delete the pictures of a run, those that it sent among them; records stay.

    A picture that another run has too is kept.
    """
    import orjson

    from bench.environment import read_environment
    from bench.folder import DataFolder
    from bench.images.shelf import remove
    from bench.record import digests

    folder = DataFolder.choose(data, read_environment().variables)
    mine = folder.existing_run(run)
    with mine.hold():
        others: set[str] = set()
        for other in folder.run_ids():
            if other != mine.run_id:
                others |= digests(folder.run(other))
        own = digests(mine)
        n_files = remove(folder, own - others)
        n_inputs = _purge_inputs(folder, mine)
    answer = {
        "schema": "pixelmeter.purge/1",
        "run_id": mine.run_id,
        "pictures": len(own),
        "shared_with_other_runs": len(own & others),
        "files_deleted": n_files,
        "inputs_deleted": n_inputs,
    }
    if json:
        typer.echo(orjson.dumps(answer).decode())
        return
    typer.echo(
        f"{mine.run_id}: {n_files} files deleted, of {len(own)} pictures; "
        f"{len(own & others)} are kept for other runs; records stay"
    )
    if n_inputs:
        typer.echo(f"{n_inputs} pictures that it sent along are deleted too")


def _purge_inputs(folder: "DataFolder", mine: "RunFolder") -> int:
    """Delete what a run sent along and no other run did; returns how many."""
    from bench.errors import BadInput
    from bench.inputs.shelf import remove
    from bench.plan.growth import whole_plan

    own = _sent(whole_plan(mine))
    for other in folder.run_ids() if own else ():
        if other == mine.run_id:
            continue
        try:
            own -= _sent(whole_plan(folder.run(other)))
        except BadInput:
            # Nobody knows what that one sent along: nothing is deleted.
            return 0
    return remove(folder, own)


def _sent(plan: "Plan") -> set[str]:
    pictures = (one for prompt in plan.prompts for one in prompt.pictures)
    return {one.sha256 for one in pictures if one.sha256 is not None}
