"""Generating: a call or a conversation made, judged for a person."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from bench.attempt import Cell
from bench.commands.carrying import Session, agree_to, check_keys
from bench.commands.choosing import dollars as dollars_typed
from bench.commands.choosing import notes_on_ends
from bench.commands.ending import CODES, TOO_MANY_FAILURES
from bench.commands.generated import Given, Teller, is_kept, outputs_of, teller
from bench.endpoint import Endpoint
from bench.errors import BadInput, BenchError, StorageFailed
from bench.meter.along import Album
from bench.meter.answer import Answer, Image, NotRecorded
from bench.meter.asked import Asked
from bench.meter.asking import cell_for
from bench.meter.library import Meter
from bench.meter.operations import NO_PROMPT
from bench.plan.build import price_cells
from bench.plan.growth import prompt_of
from bench.plan.prices import bound, priced_of
from bench.prompt import Prompt
from bench.store.status import run_status
from bench.words.figures import dollars
from bench.words.places import place


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted as the command line says it."""

    given: Given
    parameters: Mapping[str, Any]
    endpoint: Endpoint
    max_cost: str | None
    note: str | None
    output: Path | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """A file for each picture or turn; the second of `kite.png` is `kite-2.png`."""
        if self.output is None:
            return ()
        n = int(self.parameters["n"] or 1) * max(1, len(self.given.prompts))
        named = (f"{self.output.stem}-{i}{self.output.suffix}" for i in range(2, n + 1))
        return (self.output, *map(self.output.with_name, named))


def fulfil(wanted: Wanted, session: Session, *, agreed: bool, as_json: bool) -> int:
    """Check and ask, make the call and tell what came; the exit code."""
    agree(wanted, session, agreed=agreed)
    tell = teller(wanted.given, session, as_json=as_json)
    return code(carry_out(wanted, session, tell), wanted, session)


def agree(wanted: Wanted, session: Session, *, agreed: bool) -> None:
    """Check everything that can be checked before money is spent, and ask.

    Raises:
        BadInput: A parameter or picture can't be used, a file is there, or nobody
            agreed.
        NoCredentials: The key is missing.
    """
    for path in wanted.outputs:
        if path.exists():
            raise BadInput(f"--output: {path} is there already; name another file")
        if not path.parent.is_dir():
            raise BadInput(f"--output: the folder {path.parent} does not exist")
    pieces, today = _pieces(wanted), datetime.now(UTC).date()
    ends = notes_on_ends((cell for cell, _ in pieces), (wanted.endpoint,))
    for doubt in (*wanted.endpoint.doubts(), *ends):
        typer.echo(f"note: {doubt}", err=True)
    worst_usd = _worst_usd(wanted.endpoint, pieces, today)
    n = len(wanted.given.prompts) or 1
    what = "one request" if n == 1 else f"{n} requests"
    cap_usd = dollars_typed("--max-cost", wanted.max_cost)
    if cap_usd is not None and cap_usd < worst_usd:
        raise BadInput(
            f"--max-cost {wanted.max_cost}: {what} may cost up to {worst_usd} "
            "USD; nothing was sent"
        )
    check_keys(session, (wanted.endpoint,))
    agree_to(f"{what}, worst case {dollars(worst_usd)}", worst_usd, agreed=agreed)


def _pieces(wanted: Wanted) -> list[tuple[Cell, Prompt]]:
    """What is asked at which cell, turn by turn."""
    operation = wanted.given.operation
    return [
        (cell_for(wanted.endpoint, prompt, wanted.parameters, operation), prompt)
        for prompt in _prompts(wanted.given)
    ]


def _worst_usd(
    endpoint: Endpoint, pieces: Sequence[tuple[Cell, Prompt]], today: date
) -> Decimal:
    first, _ = pieces[0]
    priced = priced_of(price_cells((first,), (endpoint,), today), first)
    prompts = tuple(prompt for _, prompt in pieces)
    return sum(
        (
            bound(priced, cell, prompt, today, prompts[:number]).usd
            for number, (cell, prompt) in enumerate(pieces)
        ),
        Decimal(0),
    )


def _prompts(given: Given) -> tuple[Prompt, ...]:
    """What is asked, with pictures that were looked at and are not kept yet."""
    album = Album(None)
    try:
        along = album.take(given.images, given.mask, None, given.markup)
    finally:
        album.close()
    first, *others = given.prompts or (NO_PROMPT,)
    return (
        prompt_of(first, inputs=along.inputs, mask=along.mask, markup=along.markup),
        *(prompt_of(text) for text in others),
    )


@dataclass(slots=True)
class _Made:
    """What came so far."""

    run_id: str | None = None
    answers: list[Answer] = field(default_factory=list[Answer])
    not_recorded: NotRecorded | None = None


def carry_out(wanted: Wanted, session: Session, tell: Teller) -> tuple[Answer, ...]:
    """Make the call, and tell what came of it, however it ended.

    Its pictures are copied to where they are wanted.
    """
    made = _Made()
    try:
        asyncio.run(_ask(wanted, session, made))
    except (BenchError, KeyboardInterrupt) as error:
        # What came before is paid for, and the person in front wants to have it.
        if made.answers:
            _copy_and_tell(made.answers, wanted, tell)
        if made.not_recorded is not None:
            if error is not made.not_recorded:
                typer.echo(f"error: {made.not_recorded}", err=True)
            _save(made.not_recorded.images, wanted.outputs[len(made.answers) :])
        if made.run_id is not None and isinstance(error, KeyboardInterrupt):
            _tell_broken_off(made.run_id, session)
        raise
    _copy_and_tell(made.answers, wanted, tell)
    return tuple(made.answers)


def _tell_broken_off(run_id: str, session: Session) -> None:
    held_usd = Decimal(run_status(session.data, run_id)["possibly_billed_usd"])
    held = "nothing that was sent is open"
    if held_usd:
        held = (
            f"what was under way may be billed, up to {dollars(held_usd)}, and is "
            "not sent again"
        )
    typer.echo(
        f"broken off by its user: {held}; pixelmeter show {run_id}{session.where}",
        err=True,
    )


async def _ask(wanted: Wanted, session: Session, made: _Made) -> None:
    """Make the call.

    A conversation ends with the turn that can't be gone on from.
    """
    meter = Meter(
        wanted.endpoint,
        data=session.data.root,
        max_cost_usd=wanted.max_cost,
        name="generate",
        note=wanted.note,
        on_answer=made.answers.append,
    )
    async with meter:
        made.run_id = meter.run_id
        try:
            with _waiting(wanted.endpoint.name):
                await (_talk if wanted.given.is_conversation else _once)(meter, wanted)
        except NotRecorded as error:
            made.not_recorded = error
            raise


async def _once(meter: Meter, wanted: Wanted) -> None:
    given = wanted.given
    asked = Asked(
        operation=given.operation,
        prompt="".join(given.prompts) or NO_PROMPT,
        images=given.images,
        mask=given.mask,
        markup=given.markup,
        parameters=wanted.parameters,
    )
    await meter.ask(asked)


async def _talk(meter: Meter, wanted: Wanted) -> None:
    given = wanted.given
    talk = meter.conversation(**wanted.parameters)
    first, *others = given.prompts
    answer = await talk.say(first, given.images, given.mask)
    for text in others:
        if not answer.ok or answer.response_id is None:
            break
        answer = await talk.say(text)


def _copy_and_tell(answers: Sequence[Answer], wanted: Wanted, tell: Teller) -> None:
    try:
        for index, answer in enumerate(answers):
            _copy(answer, outputs_of(answers, wanted.outputs, index))
    except StorageFailed:
        # What it cost is told all the same.
        tell(answers, ())
        raise
    tell(answers, wanted.outputs)


def _copy(answer: Answer, outputs: Sequence[Path]) -> None:
    for image, path in zip(answer.images, outputs, strict=False):
        if image.problem is not None:
            continue
        _write(image, path, is_kept=is_kept(answer))


def _save(images: Sequence[Image], outputs: Sequence[Path]) -> None:
    """Copy what came and is in no record, and tell where it is."""
    for number, image in enumerate(images):
        kept = image.path if image.path is not None and image.path.is_file() else None
        copies = outputs[number : number + 1]
        for path in copies:
            _write(image, path, is_kept=kept is not None)
        path = next(iter(copies), kept)
        where = "is lost" if path is None else f"is here: {place(path)}"
        typer.echo(f"the picture is paid for, and {where}", err=True)


def _write(image: Image, path: Path, *, is_kept: bool) -> None:
    try:
        path.write_bytes(image.content)
    except OSError as error:
        # Half a picture would be taken for one.
        with suppress(OSError):
            path.unlink()
        where = f"is kept as {image.path}" if is_kept else "is lost"
        raise StorageFailed(
            f"{path}: can't be written ({error.strerror}); the picture {where}"
        ) from None


def _waiting(name: str) -> AbstractContextManager[object]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()
    return console.status(f"{escape(name)} is asked; pictures take up to two minutes")


def code(answers: Sequence[Answer], wanted: Wanted, session: Session) -> int:
    """The exit code that answers end in."""
    is_whole = len(answers) == max(1, len(wanted.given.prompts))
    if is_whole and all(answer.ok and is_kept(answer) for answer in answers):
        return 0
    stopped_by = run_status(session.data, answers[0].run_id)["stopped_by"]
    return CODES.get(stopped_by or "", TOO_MANY_FAILURES)
