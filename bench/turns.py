"""Turns: trials as pieces of work, those of a conversation in one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bench.attempt import Attempt, Outcome
from bench.errors import BadInput
from bench.plan.frozen import PlannedTrial
from bench.plan.options import Options
from bench.record import RunHistory

Piece = tuple[PlannedTrial, ...]


def pieces(due: Iterable[PlannedTrial]) -> Iterator[Piece]:
    """Trials in their order; turns that follow each other stand together."""
    piece: list[PlannedTrial] = []
    for planned in due:
        if piece and planned.trial.after != piece[-1].trial.trial_id:
            yield tuple(piece)
            piece = []
        piece.append(planned)
    if piece:
        yield tuple(piece)


def check_schedule(options: Options, trials: Iterable[PlannedTrial]) -> None:
    """Refuse turns that a schedule would begin before the one before has ended.

    Raises:
        BadInput: There is a schedule, and conversations are among the trials.
    """
    if not options.is_open:
        return
    turn = next((p.trial for p in trials if p.trial.after is not None), None)
    if turn is not None:
        option = "--load" if options.goal is None else "--find-rate"
        raise BadInput(
            f"{option}: '{turn.prompt_id}' is a turn of a conversation, which begins "
            "when the turn before has ended and not by a schedule; leave "
            f"{option} out, or take `then` from the suite's prompts"
        )


class Turns:
    """Knows what each turn of a conversation goes on from."""

    def __init__(self, history: RunHistory, notice: Callable[[str], None]) -> None:
        """Begin with what earlier processes recorded.

        Args:
            history: Of the run.
            notice: Tells who watches, once, that conversations broke off.
        """
        self._history = history
        self._notice = notice
        self._has_told = False

    def ready(self, planned: PlannedTrial, last: Attempt | None) -> PlannedTrial | None:
        """A trial as it is to be sent, None where it can't be.

        Args:
            planned: The trial.
            last: The end of the turn before, where this process sent it.
        """
        trial = planned.trial
        if trial.after is None:
            return planned
        if last is not None and last.trial_id == trial.after:
            name, end = last.response_id, last.outcome
        else:
            before = self._history.trials[trial.after].last
            name, end = (before.response_id, before.outcome) if before else (None, None)
        # What a turn that failed left would be gone on from, and paid, for nothing.
        if name is None or end is not Outcome.OK:
            self._tell(planned, end or "not sent")
            return None
        return replace(planned, trial=replace(trial, previous_response_id=name))

    def _tell(self, planned: PlannedTrial, end: str) -> None:
        if self._has_told:
            return
        self._has_told = True
        self._notice(
            f"{planned.trial.prompt_id} at {planned.trial.cell.endpoint} is not sent: "
            f"the turn before it ({end.replace('_', ' ')}) left nothing to go on "
            "from; turns after such a one are counted as not sent"
        )
