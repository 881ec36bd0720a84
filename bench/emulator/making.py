"""Making: one picture and those on the way to it."""

import asyncio
import io
import random

from PIL import Image

from bench.emulator.answers import Plan, base64_text, drawn
from bench.emulator.canned import CANNED_KEPT, padded_picture, plain_picture
from bench.emulator.faults import Fault
from bench.emulator.jobs import Job
from bench.emulator.options import Manner
from bench.emulator.render import Drawing, encoded
from bench.emulator.state import Emulator, Made

BLOCK_PX = 16
# Base64 makes four bytes of three.
PICTURE_BYTES, TEXT_BYTES = 3, 4


async def made(emulator: Emulator, job: Job, fault: Fault | None) -> Made:
    """Make the pictures of a job for one picture in a worker thread.

    The manner `repeats` and answers of a given size serve what there is already.
    """
    plan, n_partials = job.plan, job.n_partials
    wanted = plan.wanted
    repeats = emulator.manner is Manner.REPEATS
    kept = ("made", wanted.model, plan.told_quality, plan.told_size, n_partials)
    kept = (*kept, wanted.output_format, wanted.background)
    if repeats and kept in emulator.made_once:
        return emulator.made_once.pop(kept)
    answer_bytes = emulator.profile.answer_bytes
    loop = asyncio.get_running_loop()
    if answer_bytes is not None and fault is None:
        return await _canned(emulator, job, answer_bytes)
    found = await loop.run_in_executor(emulator.pool, _drawn, plan, n_partials)
    if repeats and fault is None:
        emulator.made_once[kept] = found
    return found


async def _canned(emulator: Emulator, job: Job, answer_bytes: int) -> Made:
    asked = f"{answer_bytes} {job.plan.drawn_size} {job.n_partials}"
    if asked not in emulator.canned_pictures:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(emulator.pool, _plain, job, answer_bytes)
        while len(emulator.canned_pictures) >= CANNED_KEPT:
            del emulator.canned_pictures[next(iter(emulator.canned_pictures))]
        emulator.canned_pictures[asked] = found
    return emulator.canned_pictures[asked]


def _plain(job: Job, answer_bytes: int) -> Made:
    size = job.plan.drawn_size
    final = padded_picture(size, answer_bytes * PICTURE_BYTES // TEXT_BYTES)
    partial = base64_text(plain_picture(size))
    return Made(picture=base64_text(final), partials=(partial,) * job.n_partials)


def _drawn(plan: Plan, n_partials: int) -> Made:
    """Draw the picture, and make the partial ones of it (slow)."""
    (content,) = drawn(plan)
    partials = _partials(content, plan, n_partials) if n_partials else ()
    return Made(
        picture=base64_text(content),
        partials=tuple(base64_text(partial) for partial in partials),
    )


def _partials(content: bytes, plan: Plan, n_partials: int) -> tuple[bytes, ...]:
    """Go from noise to the picture: few large blocks, so that it stays cheap."""
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()
        size, small = opened.size, opened.reduce(BLOCK_PX)
    dice = random.Random(f"{plan.key}:noise")  # noqa: S311 - a picture, no secret
    n_bytes = small.width * small.height * len(small.getbands())
    noise = Image.frombytes(small.mode, small.size, dice.randbytes(n_bytes))
    found: list[bytes] = []
    for at in range(n_partials):
        blended = Image.blend(noise, small, (at + 1) / (n_partials + 1))
        if "A" in small.getbands():
            blended.putalpha(small.getchannel("A"))
        whole = blended.resize(size, Image.Resampling.NEAREST)
        found.append(encoded(whole, _drawing(plan, at, size)))
    return tuple(found)


def _drawing(plan: Plan, at: int, size: tuple[int, int]) -> Drawing:
    wanted = plan.wanted
    return Drawing(
        prompt=wanted.prompt,
        quality=plan.drawn_quality,
        width_px=size[0],
        height_px=size[1],
        output_format=wanted.output_format,
        compression=wanted.output_compression,
        transparent=False,
        key=plan.key,
        request_id=f"{plan.request_id}:partial-{at}",
    )
