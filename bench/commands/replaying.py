"""Replaying: policies on a recorded run as a table, sentences and JSON."""

from decimal import Decimal
from typing import Any

import typer

from bench.commands.answers import level_answer, pairing_answer
from bench.commands.comparing import sentences
from bench.commands.showing import SIMULATED, figures
from bench.studies.replay import Replay, Replayed
from bench.studies.routed import Mix
from bench.traffic.policies import written_policy
from bench.traffic.route import Priority
from bench.words.figures import (
    UNKNOWN,
    dollars,
    dollars_between,
    known_dollars,
    percent,
    so_many,
)
from bench.words.replays import policy_words, saving_words
from bench.words.tables import print_table
from pricing.money import usd_text

_MOST_FOR_ONE_LOOK = 2


def print_replay(run_id: str, found: Replay) -> None:
    """What was replayed, one line a policy, and a few sentences for each."""
    left_out = f"; {found.n_left_out:,} trials without" if found.n_left_out else ""
    typer.echo(
        f"run {run_id}, replayed: {found.n_pairs:,} requests of {found.n_prompts:,} "
        f"prompts that were sent to {found.direct} and to {found.gateway}{left_out}"
        f"{' such a partner are left out' if left_out else ''}"
    )
    if found.simulated:
        typer.echo(SIMULATED)
    if found.n_estimated:
        typer.echo(
            f"estimated: charges of {found.n_estimated:,} of these "
            f"{2 * found.n_pairs:,} trials rest on published rules, not on a reported "
            "usage"
        )
    if found.n_by_priority[Priority.NORMAL] < found.n_pairs:
        counts = ", ".join(f"{n:,} {one}" for one, n in found.n_by_priority.items())
        typer.echo(f"priorities, given by lot: {counts}")
    typer.echo("")
    columns = [("policy", False), ("via gateway", True), ("n", True), ("ok", True)]
    columns += [("95% interval", True), ("p50", True), ("95% interval", True)]
    columns += [("p95 or max", True), ("US$ a usable picture", True)]
    columns += [("90% band", True), ("US$", True)]
    print_table(columns, [_line(found, one) for one in found.policies])
    for one in found.policies:
        typer.echo(f"\n{one.name}: {_does(one)}")
        for sentence in _sentences(found, one):
            typer.echo(f"  {sentence}")
    if len(found.policies) > _MOST_FOR_ONE_LOOK:
        typer.echo(
            f"\n{len(found.policies) - 1} policies were held against "
            f"{found.policies[0].name}; bands and intervals are for one each, so a "
            "lone narrow finding may be chance"
        )
    typer.echo(
        "\nAs recorded: had a way been asked less or more, it may have been faster or "
        "slower; that is not in these figures."
    )


def _line(found: Replay, one: Replayed) -> list[str]:
    level, unit = one.level, one.measured.unit
    band = UNKNOWN
    if unit is not None and one.measured.why_no_band is None:
        band = dollars_between(unit.low, unit.high)
    return [
        one.name,
        percent(one.n_gateway / found.n_pairs),
        *figures(
            n_trials=level.n_trials,
            n=level.n_settled,
            n_ok=level.n_ok,
            times=level.times,
        ),
        UNKNOWN if unit is None else dollars(unit.usd),
        band,
        known_dollars(level.charge_usd, level.n_charge_unknown),
    ]


def _does(one: Replayed) -> str:
    written = written_policy(one.policy)
    return policy_words(str(written.pop("kind")), written)


def _sentences(found: Replay, one: Replayed) -> list[str]:
    """Cost, time and success against everything direct; and money in doubt."""
    told: list[str] = []
    if one.against is not None:
        band = one.saving_band
        told.append(
            saving_words(
                one.name,
                found.policies[0].name,
                one.saving_usd,
                band and (band.low_usd, band.high_usd),
                one.measured.why_no_band or found.policies[0].measured.why_no_band,
            )
        )
        # The first is dollars of ok pairs alone; a usable picture bears failures too.
        told += sentences(one.against)[1:]
    if one.level.n_charge_unknown:
        told.append(
            f"{so_many(one.level.n_charge_unknown, 'trial')} with money that is not "
            "known: in no figure a usable picture"
        )
    if one.level.possibly_billed_usd:
        most = dollars(one.level.possibly_billed_usd)
        told.append(f"up to {most} possibly billed beside it")
    return told


def replay_answer(found: Replay, mix: Mix) -> dict[str, Any]:
    """All figures for --json; money as decimal strings, shares 0..1."""
    return {
        "direct": found.direct,
        "gateway": found.gateway,
        "simulated": found.simulated,
        "n_pairs": found.n_pairs,
        "n_prompts": found.n_prompts,
        "n_left_out": found.n_left_out,
        "n_estimated": found.n_estimated,
        "mix": {
            "high_share": mix.high_share,
            "batch_share": mix.batch_share,
            "seed": mix.seed,
            **{f"n_{one}": n for one, n in found.n_by_priority.items()},
        },
        "policies": [_policy(found, one) for one in found.policies],
    }


def _policy(found: Replay, one: Replayed) -> dict[str, Any]:
    unit, band = one.measured.unit, one.saving_band
    has_band = unit is not None and one.measured.why_no_band is None
    return {
        "name": one.name,
        "policy": written_policy(one.policy),
        "n_gateway": one.n_gateway,
        "gateway_share": one.n_gateway / found.n_pairs,
        **{k: v for k, v in level_answer(one.level).items() if k not in _NOT_TOLD},
        "usd_per_usable_image": None if unit is None else usd_text(unit.usd),
        "usd_per_usable_image_band": [usd_text(unit.low), usd_text(unit.high)]
        if unit is not None and has_band
        else None,
        "why_no_band": one.measured.why_no_band,
        "saving_usd_per_usable_image": _usd(one.saving_usd),
        "saving_usd_per_usable_image_band": band
        and [usd_text(band.low_usd), usd_text(band.high_usd)],
        "against_direct": None if one.against is None else pairing_answer(one.against),
    }


# The one says a policy's name again, the other leaves out what failures cost.
_NOT_TOLD = {"name", "usd_per_image", "simulated"}


def _usd(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)
