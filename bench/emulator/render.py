"""Render: real pictures for a prompt, marked as simulated."""

import io
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.emulator.animation import animated
from bench.emulator.lettering import draw_texts, quoted_texts
from bench.emulator.png import png_bytes
from bench.emulator.retouch import retouched
from bench.emulator.vectors import written

MARK = "simulated=pixelmeter-emulator"
# Strength of the grain in grey levels: more detail in a better picture.
GRAIN = {"low": 1.0, "medium": 1.4, "high": 1.8, "standard": 1.4}
GRAIN_OF_OTHERS = 2.0
SPARE_NOISE = 1 << 16
# Not a multiple of any row, so that the repeats never stand below each other.
NOISE_TILE = 999_983
SCENE_PX = 48
EXIF_DESCRIPTION = 0x010E
SHAPES = {"low": 3, "medium": 6}
SHAPES_OF_OTHERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What one picture shall be. `key` seeds it; `request_id` is in its mark.

    `inputs`, `mask` and `markup` are the encoded pictures to start from.
    """

    prompt: str
    quality: str
    width_px: int
    height_px: int
    output_format: str
    compression: int
    transparent: bool
    key: str
    request_id: str
    inputs: tuple[bytes, ...] = ()
    mask: bytes | None = None
    markup: bytes | None = None
    n_frames: int = 1
    frame_duration_ms: int = 0


def rendered(drawing: Drawing) -> bytes:
    """Return the encoded picture."""
    texts = quoted_texts(drawing.prompt.encode("utf-8", "replace").decode())
    if drawing.output_format == "svg":
        return written(
            texts,
            drawing.width_px,
            drawing.height_px,
            key=drawing.key,
            mark=_mark(drawing),
        )
    dice = random.Random(drawing.key)  # noqa: S311 - a picture, no secret
    picture = (
        _transparent(drawing, dice) if drawing.transparent else _scene(drawing, dice)
    )
    if drawing.mask is not None:
        # The text belongs into the part that is edited.
        draw_texts(picture, texts)
    if drawing.inputs:
        picture = retouched(
            picture, drawing.inputs, mask=drawing.mask, markup=drawing.markup
        )
    if drawing.mask is None:
        draw_texts(picture, texts)
    return encoded(picture, drawing)


def _mark(drawing: Drawing) -> str:
    return f"{MARK} request={drawing.request_id}"


def warm_up() -> None:
    """Load the font and draw the noise before the first request needs them."""
    for grain in (*GRAIN.values(), GRAIN_OF_OTHERS):
        _noise_tile(grain)
    rendered(
        Drawing(
            prompt='"A"',
            quality="low",
            width_px=1024,
            height_px=1024,
            output_format="png",
            compression=100,
            transparent=False,
            key="warm",
            request_id="warm",
        )
    )


def _scene(drawing: Drawing, dice: random.Random) -> Image.Image:
    """Paint a small scene, enlarge it smoothly and put grain on it."""
    small = _small_scene(drawing, dice)
    size = (drawing.width_px, drawing.height_px)
    smooth = np.asarray(small.resize(size, Image.Resampling.BILINEAR))
    grain = GRAIN.get(drawing.quality, GRAIN_OF_OTHERS)
    noise = _noise(smooth.size, grain)
    start = dice.randrange(SPARE_NOISE)
    # Colours of the scene keep 16 levels away from both ends, so that adding
    # signed noise in 8 bits never wraps round.
    grainy = smooth + noise[start : start + smooth.size].reshape(smooth.shape)
    return Image.fromarray(grainy)


def _small_scene(drawing: Drawing, dice: random.Random) -> Image.Image:
    corners = Image.new("RGB", (2, 2))
    corners.putdata([_colour(dice) for _ in range(4)])
    scene = corners.resize((SCENE_PX, SCENE_PX), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(scene)
    for _ in range(SHAPES.get(drawing.quality, SHAPES_OF_OTHERS)):
        _draw_shape(draw, SCENE_PX, dice)
    return scene


def _transparent(drawing: Drawing, dice: random.Random) -> Image.Image:
    """Paint a few shapes on nothing: alpha is 0 around them."""
    picture = Image.new("RGBA", (drawing.width_px, drawing.height_px), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for _ in range(SHAPES.get(drawing.quality, SHAPES_OF_OTHERS)):
        _draw_shape(draw, min(picture.size), dice)
    return picture


def _draw_shape(draw: ImageDraw.ImageDraw, room: int, dice: random.Random) -> None:
    x, y = dice.uniform(0.1, 0.6) * room, dice.uniform(0.1, 0.6) * room
    box = (x, y, x + dice.uniform(0.1, 0.3) * room, y + dice.uniform(0.1, 0.3) * room)
    shape = draw.ellipse if dice.random() < 0.5 else draw.rectangle  # noqa: PLR2004 - a coin
    shape(box, fill=(*_colour(dice), 255))


def _colour(dice: random.Random) -> tuple[int, int, int]:
    return dice.randint(32, 220), dice.randint(32, 220), dice.randint(32, 220)


@lru_cache(maxsize=4)
def _noise(n_values: int, grain: float) -> NDArray[np.uint8]:
    """Return signed noise as wrapped bytes, a little more than asked for."""
    return np.resize(_noise_tile(grain), n_values + SPARE_NOISE)


@lru_cache(maxsize=8)
def _noise_tile(grain: float) -> NDArray[np.uint8]:
    normal = np.random.default_rng(1).standard_normal(NOISE_TILE, dtype=np.float32)
    signed = np.clip(np.rint(normal * grain), -15, 15).astype(np.int8)
    return signed.view(np.uint8)


def encoded(picture: Image.Image, drawing: Drawing) -> bytes:
    """Encode a picture as a drawing wants it, with the mark of the simulation."""
    mark = _mark(drawing)
    if drawing.output_format == "png":
        texts = {"simulated": "pixelmeter-emulator", "Comment": mark}
        return png_bytes(np.asarray(picture), texts)
    if drawing.output_format == "gif":
        return animated(
            picture,
            n_frames=drawing.n_frames,
            duration_ms=drawing.frame_duration_ms,
            mark=mark,
        )
    quality = max(1, drawing.compression)
    out = io.BytesIO()
    if drawing.output_format == "jpeg":
        picture.convert("RGB").save(out, "JPEG", quality=quality, comment=mark)
    else:
        exif = Image.Exif()
        exif[EXIF_DESCRIPTION] = mark
        picture.save(out, "WEBP", quality=quality, method=0, exif=exif)
    return out.getvalue()
