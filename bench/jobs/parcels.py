"""Parcels: trials put together for jobs, as far as the cap has room."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from bench.attempt import Trial
from bench.client.jobs import JobClient
from bench.jobs.settler import attempt_id
from bench.jobs.submitter import Parcel, line_of
from bench.plan.frozen import PlannedTrial
from bench.reference import Reference
from bench.traffic.budget import Budget
from bench.traffic.gate import Closed, Gate

# Far below what the API takes, so that one job is not all of a run's money.
MOST_REQUESTS = 500
MOST_BYTES = 50_000_000
Key = tuple[str, str, bool, str]
_Entry = tuple[PlannedTrial, str, bytes]


def key_of(trial: Trial) -> Key:
    """What requests of one job share: endpoint, path and the model they name."""
    cell = trial.cell
    is_plain = cell.operation == "generate"
    return cell.endpoint, cell.api, is_plain, cell.mainline_model or cell.model


def in_json(trial: Trial) -> Trial:
    """The trial with its own pictures within the request: a job takes no forms."""
    mask = None if trial.mask is None else _in_place(trial.mask)
    return replace(trial, references=tuple(map(_in_place, trial.references)), mask=mask)


def _in_place(reference: Reference) -> Reference:
    is_part = reference.is_ours and reference.send in {None, "upload"}
    return reference.model_copy(update={"send": "data_url"}) if is_part else reference


def grouped(trials: Iterable[PlannedTrial]) -> dict[Key, list[PlannedTrial]]:
    """Trials that may go in one job, in their order."""
    groups: dict[Key, list[PlannedTrial]] = {}
    for planned in trials:
        groups.setdefault(key_of(planned.trial), []).append(planned)
    return groups


class Packer:
    """Puts trials together; each has its bound reserved when it is in."""

    def __init__(
        self,
        budget: Budget,
        gate: Gate,
        n_before: Mapping[str, int],
        waits: asyncio.Event,
    ) -> None:
        """Reserve nothing yet.

        Args:
            budget: The run's.
            gate: Closed when the cap has no room any more.
            n_before: Attempts of each trial so far.
            waits: Set when nothing can be submitted before a job ends.
        """
        self._budget = budget
        self._gate = gate
        self._n_before = n_before
        self._waits = waits

    async def parcels(
        self, client: JobClient, trials: Iterable[PlannedTrial]
    ) -> AsyncGenerator[Parcel]:
        """Parcels of trials that may go together; who takes one submits it.

        Where the cap has no room it gives what it has, then waits for jobs to end;
        where none is open it closes the gate.

        Raises:
            BadInput: A request can't stand in a job.
        """
        held: list[_Entry] = []
        n_bytes, path = 0, ""
        try:
            for planned in trials:
                name = self._name(planned.trial)
                path, body = await client.written(in_json(planned.trial))
                n_more = len(line_of(name, path, body))
                is_full = len(held) >= MOST_REQUESTS or n_bytes + n_more > MOST_BYTES
                has_room = self._budget.reserve_at_once(planned.bound_usd)
                new = [(planned, name, body)] if has_room else []
                if held and (is_full or not has_room):
                    # Who takes it need not take another: what is new is held.
                    parcel, held, n_bytes = _parcel(held, path), new, 0
                    yield parcel
                else:
                    held += new
                if not has_room:
                    if not await self._reserved(planned):
                        return
                    held = [(planned, name, body)]
                n_bytes += n_more
            if held:
                parcel, held = _parcel(held, path), []
                yield parcel
        finally:
            await self._release(planned for planned, _, _ in held)

    async def give_back(self, parcel: Parcel) -> None:
        """Free what is reserved for a parcel that is not submitted."""
        await self._release(parcel.trials)

    async def _release(self, trials: Iterable[PlannedTrial]) -> None:
        for planned in trials:
            await self._budget.settle(planned.bound_usd, Decimal(0), Decimal(0))

    def _name(self, trial: Trial) -> str:
        return attempt_id(trial.trial_id, self._n_before.get(trial.trial_id, 0) + 1)

    async def _reserved(self, planned: PlannedTrial) -> bool:
        """Wait for room for a trial's bound; False where none can come."""
        endpoint = planned.trial.cell.endpoint
        self._waits.set()
        try:
            reserving = self._budget.reserve(planned.bound_usd)
            if await self._gate.wait_for(reserving, endpoint):
                return True
        except Closed:
            return False
        self._gate.close(
            "budget",
            f"the next request may cost up to {planned.bound_usd} USD, which "
            "--max-cost leaves no room for",
        )
        return False


def _parcel(held: list[_Entry], path: str) -> Parcel:
    cell = held[0][0].trial.cell
    return Parcel(
        endpoint=cell.endpoint,
        path=path,
        model=cell.mainline_model or cell.model,
        trials=tuple(planned for planned, _, _ in held),
        names=tuple(name for _, name, _ in held),
        bodies=tuple(body for _, _, body in held),
    )
