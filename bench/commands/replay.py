"""Replay: the command that tries routing policies on a recorded run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import RunArgument
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.folder import RunFolder
    from bench.studies.routed import Prices
    from bench.traffic.route import Policy

SCHEMA = "pixelmeter.replay/1"


def register(app: typer.Typer) -> None:
    """Add the command `replay` to the command line."""
    app.command("replay")(replay)


def replay(
    run: RunArgument,
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[:KEY=VALUE,...]",
            help="direct, gateway, latency:threshold_s=5, cheapest:bound_s=10, "
            "priority; repeat the option. Else direct, gateway and latency.",
        ),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Policies in YAML, beside those named."),
    ] = None,
    direct: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The direct endpoint, where there are two."),
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The gateway, where there are two."),
    ] = None,
    high_share: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of urgent requests, 0 to 1."),
    ] = None,
    batch_share: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of requests that can wait, 0 to 1."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Of the lot that gives priorities.")
    ] = 0,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Try routing policies on a run that asked direct and gateway alike.

    Sends nothing. Each request takes and costs what was recorded for it on the way
    that the policy chooses, in the order of time; a policy sees only the answers
    that it would have had.
    """
    import orjson

    from bench.commands.replaying import print_replay, replay_answer
    from bench.store import queries
    from bench.studies.replay import ends_of
    from bench.studies.replay import replay as carry_out
    from bench.studies.routed import Mix

    wanted = _policies(policy or [], policies)
    _need_mix(wanted, high_share, batch_share)
    mix = Mix(high_share=high_share or 0, batch_share=batch_share or 0, seed=seed)
    folder = chosen_folder(data)
    recorded = folder.existing_run(run)
    with current_index(folder) as con:
        trials = queries.trials(con, recorded.run_id)
    ends = ends_of(recorded.run_id, trials, direct, gateway)
    found = carry_out(trials, ends, wanted, mix, _prices(recorded, wanted.values()))
    if json:
        answer = {
            "schema": SCHEMA,
            "run_id": recorded.run_id,
            **replay_answer(found, mix),
        }
        typer.echo(orjson.dumps(answer).decode())
    else:
        print_replay(recorded.run_id, found)


def _policies(named: "Sequence[str]", file: Path | None) -> "dict[str, Policy]":
    """All policies that are asked for by their names, everything direct first."""
    from bench.errors import BadInput
    from bench.traffic.policies import parse_policy, policy_name, read_policies
    from bench.traffic.route import ByLatency, Direct, Gateway

    asked = [*(read_policies(file) if file else ()), *map(parse_policy, named)]
    if not asked:
        asked = [Gateway(), ByLatency()]
    # Everything direct is what the others are held against.
    others = dict.fromkeys(one for one in asked if one != Direct())
    found: dict[str, Policy] = {"direct": Direct()}
    for one in others:
        name = policy_name(one)
        if name in found:
            raise BadInput(f"two policies read {name}; leave one out")
        found[name] = one
    return found


def _need_mix(
    wanted: "dict[str, Policy]", high_share: float | None, batch_share: float | None
) -> None:
    """Refuse a policy by priority where nobody says how urgent requests are."""
    from bench.errors import BadInput
    from bench.traffic.route import ByPriority

    is_mixed = any(isinstance(one, ByPriority) for one in wanted.values())
    is_given = high_share is not None or batch_share is not None
    if is_mixed and not is_given:
        raise BadInput(
            "policy priority: a run does not record how urgent its requests were; "
            "give --high-share and --batch-share, such as 0.2 and 0.3"
        )
    if is_given and not is_mixed:
        raise BadInput(
            "--high-share, --batch-share: no policy asks for priorities; "
            "add --policy priority"
        )


def _prices(recorded: "RunFolder", wanted: "Iterable[Policy]") -> "Prices":
    """What requests should cost; the plan is read only where a policy asks."""
    from bench.plan.growth import whole_plan
    from bench.studies.routed import planned_prices
    from bench.traffic.route import CheapestUnder

    if any(isinstance(one, CheapestUnder) for one in wanted):
        return planned_prices(whole_plan(recorded))
    return lambda _: None
