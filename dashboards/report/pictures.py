"""Pictures: a few of a run, made small enough to travel in its report."""

import asyncio
import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bench.aside import Aside
from bench.attempt import Picture
from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.images.checker import MOST_PICTURE_BYTES, PictureChecker
from bench.images.shelf import Keep, picture_path, thumbnail_path
from bench.inputs.shelf import content_of
from bench.prompt import Prompt
from bench.store.queries import Row
from dashboards.report.facts import Facts
from dashboards.report.sent import named_pictures

PROMPTS_SHOWN = 2
# Of few cells more prompts are shown, until there are so many pictures.
FEWEST_SHOWN = 16
MOST_SHOWN = 96
MOST_BYTES = 2_000_000
_GONE = "not kept any more"
# Its thumbnail would have to be drawn, and what draws it reads what we don't trust.
_SVG = "an SVG, which this page does not draw"
_ALL_SVG = "the pictures of this run are SVG, which this page does not draw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture of a trial.

    Attributes:
        address: `data:` URL of the thumbnail, None with a reason in `missing`.
    """

    trial: Row
    address: str | None
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A picture that went with a prompt, by the name that its user wrote.

    Attributes:
        address: `data:` URL of the thumbnail, None with a reason in `missing`.
    """

    name: str
    address: str | None
    missing: str


Shown = tuple[str, tuple[Sent, ...], tuple[Shot, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures by prompt, those that were sent along first.

    Attributes:
        rows: Prompt, what was sent along, what came.
        why_empty: Why there is no picture at all; empty when there is one.
    """

    rows: tuple[Shown, ...]
    n_served: int
    n_shown: int
    why_empty: str


def read_gallery(facts: Facts, data: DataFolder) -> Gallery:
    """The first picture of every cell for the first prompts that have some."""
    served = [row for row in facts.asked if _first_picture(row)]
    keep = facts.plan.options.images
    if not served or keep in {Keep.HASH, Keep.NONE}:
        why = "no picture was served"
        if served:
            why = f"pictures of this run were not kept (--images {keep})"
        return _nothing(len(served), why)
    asked = {prompt.id: prompt for prompt in facts.plan.prompts}
    rows = asyncio.run(_shots(_chosen(served), asked, data, keep))
    n_shown = sum(shot.address is not None for *_, shots in rows for shot in shots)
    if not n_shown:
        missing = {shot.missing for *_, shots in rows for shot in shots}
        why = f"the pictures of this run are {_GONE}"
        return _nothing(len(served), _ALL_SVG if missing == {_SVG} else why)
    return Gallery(rows=rows, n_served=len(served), n_shown=n_shown, why_empty="")


def _nothing(n_served: int, why: str) -> Gallery:
    return Gallery(rows=(), n_served=n_served, n_shown=0, why_empty=why)


def _first_picture(row: Row) -> Picture | None:
    if row["outcome"] != "ok" or not row["pictures"]:
        return None
    first = row["pictures"][0]
    return None if first["problem"] else Picture(**first)


def _is_svg(row: Row) -> bool:
    return bool(row["pictures"][0]["format"] == "svg")


def _chosen(served: Sequence[Row]) -> dict[str, dict[int, Row]]:
    """By prompt and cell the first trial with a picture; prompts as they were asked."""
    by_prompt: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in served:
        by_prompt[row["prompt_id"]].setdefault(row["cell_index"], row)
    fullest = sorted(by_prompt, key=lambda prompt_id: -len(by_prompt[prompt_id]))
    chosen: dict[str, dict[int, Row]] = {}
    n_left = MOST_SHOWN
    for prompt_id in fullest:
        n_shown = MOST_SHOWN - n_left
        if len(chosen) >= PROMPTS_SHOWN and n_shown >= FEWEST_SHOWN:
            break
        cells = dict(sorted(by_prompt[prompt_id].items())[:n_left])
        n_left -= len(cells)
        if cells:
            chosen[prompt_id] = cells
    return chosen


@dataclass(slots=True)
class _Room:
    """What is left of a page's bytes for pictures, whoever made them."""

    n_left: int

    def fit(self, small: bytes, missing: str) -> tuple[bytes, str]:
        """A picture while there is room for it, else why it is not there."""
        if len(small) > self.n_left:
            return b"", "left out, to keep this page small"
        self.n_left -= len(small)
        return small, missing


async def _shots(
    chosen: dict[str, dict[int, Row]],
    asked: dict[str, Prompt],
    data: DataFolder,
    keep: str,
) -> tuple[Shown, ...]:
    aside = Aside("pictures")
    checker, room = PictureChecker(aside), _Room(MOST_BYTES)
    came: dict[str, tuple[Shot, ...]] = {}
    try:
        # What came goes first: a page is of that before all.
        for prompt_id, cells in chosen.items():
            shots: list[Shot] = []
            for row in cells.values():
                small, missing = b"", _SVG
                if not _is_svg(row):
                    small, missing = await _small(checker, row, data, keep)
                shots.append(_shot(row, *room.fit(small, missing)))
            came[prompt_id] = tuple(shots)
        return tuple(
            [
                (name, await _sent(checker, asked.get(name), data, room), shots)
                for name, shots in came.items()
            ]
        )
    finally:
        await checker.close()
        aside.close()


async def _sent(
    checker: PictureChecker, prompt: Prompt | None, data: DataFolder, room: _Room
) -> tuple[Sent, ...]:
    """What went with a prompt, each made small in the limited child."""
    found: list[Sent] = []
    for name, reference in () if prompt is None else named_pictures(prompt):
        small, missing = b"", "not ours, and not fetched"
        if reference.is_ours:
            try:
                content = content_of(data, reference)
            except StorageFailed:
                missing = _GONE
            else:
                checked = await checker.check(content, thumbnail=True)
                problem = checked.picture.problem or ""
                small, missing = room.fit(checked.thumbnail, problem)
        found.append(Sent(name=name, address=_address(small), missing=missing))
    return tuple(found)


def _shot(row: Row, small: bytes, missing: str) -> Shot:
    return Shot(trial=row, address=_address(small), missing=missing)


def _address(small: bytes) -> str | None:
    if not small:
        return None
    return f"data:image/webp;base64,{base64.b64encode(small).decode()}"


async def _small(
    checker: PictureChecker, row: Row, data: DataFolder, keep: str
) -> tuple[bytes, str]:
    """The thumbnail, decoded and made anew in the limited child."""
    picture = _first_picture(row)
    if picture is None:
        return b"", _GONE
    is_whole = keep == Keep.KEEP
    path = picture_path(data, picture) if is_whole else thumbnail_path(data, picture)
    try:
        if path.stat().st_size > MOST_PICTURE_BYTES:
            return b"", "too large"
        content = path.read_bytes()
    except OSError:
        return b"", _GONE
    checked = await checker.check(content, thumbnail=True)
    if checked.picture.problem:
        return b"", checked.picture.problem
    if is_whole and checked.picture.sha256 != picture.sha256:
        return b"", "the file is not the picture that was served"
    return checked.thumbnail, ""
