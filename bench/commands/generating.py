"""Generating: one call made, told and judged for a person."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from bench.commands.carrying import Session, agree_to, check_keys
from bench.commands.choosing import dollars as dollars_typed
from bench.commands.ending import CODES, TOO_MANY_FAILURES
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.meter.answer import Answer, Image
from bench.meter.asking import cell_for
from bench.meter.library import Meter
from bench.plan.growth import prompt_of
from bench.plan.prices import bound, price_model
from bench.store.status import run_status
from bench.words.figures import bytes_text, dollars, seconds
from bench.words.places import place
from pricing.money import usd_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One call as the command line says it."""

    prompt: str
    parameters: Mapping[str, Any]
    endpoint: Endpoint
    max_cost: str | None
    note: str | None
    output: Path | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """A file for each picture; the second of `kite.png` is `kite-2.png`."""
        if self.output is None:
            return ()
        others = range(2, int(self.parameters["n"] or 1) + 1)
        named = (f"{self.output.stem}-{i}{self.output.suffix}" for i in others)
        return (self.output, *map(self.output.with_name, named))


def agree(wanted: Wanted, session: Session, *, agreed: bool) -> None:
    """Check everything that can be checked before money is spent, and ask.

    Raises:
        BadInput: A parameter can't be used, a file is there, or nobody agreed.
        NoCredentials: The key is missing.
    """
    for path in wanted.outputs:
        if path.exists():
            raise BadInput(f"--output: {path} is there already; name another file")
        if not path.parent.is_dir():
            raise BadInput(f"--output: the folder {path.parent} does not exist")
    for doubt in wanted.endpoint.doubts():
        typer.echo(f"note: {doubt}", err=True)
    prompt = prompt_of(wanted.prompt)
    cell = cell_for(wanted.endpoint, prompt, wanted.parameters)
    today = datetime.now(UTC).date()
    priced = price_model(wanted.endpoint, cell.model, today)
    worst_usd = bound(priced, cell, prompt, today).usd
    cap_usd = dollars_typed("--max-cost", wanted.max_cost)
    if cap_usd is not None and cap_usd < worst_usd:
        raise BadInput(
            f"--max-cost {wanted.max_cost}: the request may cost up to {worst_usd} "
            "USD; nothing was sent"
        )
    check_keys(session, (wanted.endpoint,))
    agree_to(f"one request, worst case {dollars(worst_usd)}", worst_usd, agreed=agreed)


async def ask(wanted: Wanted, session: Session) -> Answer:
    """Make the call; its pictures are copied to where they are wanted."""
    meter = Meter(
        wanted.endpoint,
        data=session.data.root,
        max_cost_usd=wanted.max_cost,
        name="generate",
        note=wanted.note,
    )
    async with meter:
        with _waiting(wanted.endpoint.name):
            answer = await meter.generate(wanted.prompt, **wanted.parameters)
    for image, path in zip(answer.images, wanted.outputs, strict=False):
        if image.problem is not None:
            continue
        try:
            path.write_bytes(image.content)
        except OSError as error:
            where = f"is kept as {image.path}" if _is_kept(answer) else "is lost"
            raise StorageFailed(
                f"{path}: can't be written ({error.strerror}); the picture {where}"
            ) from None
    return answer


def _waiting(name: str) -> AbstractContextManager[object]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()
    return console.status(f"{escape(name)} is asked; pictures take up to two minutes")


def tell(answer: Answer, wanted: Wanted, session: Session) -> None:
    """The files, the seconds, the dollars."""
    for number, image in enumerate(answer.images):
        copies = () if image.problem else wanted.outputs[number : number + 1]
        path = image.path if _is_kept(answer) else None
        kept = place(copies[0] if copies else path or "not kept")
        typer.echo(f"{kept}  {_facts(image)}")
    if not _is_kept(answer):
        typer.echo(
            "error: the picture is paid for, but could not be kept below "
            f"{session.data.images}; see to room and rights there",
            err=True,
        )
    if not answer.ok:
        typer.echo(answer.why, err=True)
    typer.echo(
        f"{seconds(answer.timings.service_s)}, {_money(answer)}"
        + (" (simulated)" if answer.simulated else "")
    )
    typer.echo(f"run {answer.run_id}: pixelmeter show {answer.run_id}{session.where}")


def _is_kept(answer: Answer) -> bool:
    """Whether the pictures of the last attempt lie in the data folder."""
    return "picture_not_kept" not in answer.attempts[-1].money.flags


def _facts(image: Image) -> str:
    problem = f", {image.problem}" if image.problem else ""
    size = f"{image.width_px}x{image.height_px} {image.format}"
    return f"{size}, {bytes_text(len(image.content))}{problem}"


def _money(answer: Answer) -> str:
    charged = f"charged {dollars(answer.charge_usd)}"
    if answer.possibly_billed_usd:
        charged += f", up to {dollars(answer.possibly_billed_usd)} possibly billed"
    saving_usd = answer.saving_usd
    if not saving_usd or answer.list_usd is None:
        return charged
    word = "less" if saving_usd > 0 else "more"
    direct = dollars(answer.list_usd)
    return f"{charged}, {dollars(abs(saving_usd))} {word} than {direct} direct"


def answer_json(answer: Answer) -> str:
    """The same as one JSON object."""
    return orjson.dumps(
        {
            "schema": "pixelmeter.generate/1",
            "run_id": answer.run_id,
            "endpoint": answer.endpoint,
            "model": answer.model,
            "outcome": answer.outcome,
            "error": None if answer.ok else answer.why,
            "images": [
                {
                    "path": str(image.path) if _is_kept(answer) else None,
                    "sha256": image.sha256,
                    "format": image.format,
                    "width_px": image.width_px,
                    "height_px": image.height_px,
                    "bytes": len(image.content),
                    "problem": image.problem,
                }
                for image in answer.images
            ],
            "charge_usd": _text(answer.charge_usd),
            "list_usd": _text(answer.list_usd),
            "saving_usd": _text(answer.saving_usd),
            "possibly_billed_usd": _text(answer.possibly_billed_usd),
            "usage": dict(answer.usage) or None,
            "usage_source": answer.usage_source,
            "service_s": answer.timings.service_s,
            "total_s": answer.timings.total_s,
            "attempts": len(answer.attempts),
            "request_id": answer.request_id,
            "simulated": answer.simulated,
        }
    ).decode()


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)


def code(answer: Answer, session: Session) -> int:
    """The exit code that an answer ends in."""
    if answer.ok and _is_kept(answer):
        return 0
    stopped_by = run_status(session.data, answer.run_id)["stopped_by"]
    return CODES.get(stopped_by or "", TOO_MANY_FAILURES)
