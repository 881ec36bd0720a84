"""Retouch: a new scene put into pictures that came with a request."""

import io

from PIL import Image, ImageOps

WHITE = (255, 255, 255, 255)
# How much of the new scene shows where no mask says which part is edited.
BLEND = 96
REFERENCE_SHARE = 6
MARGIN_SHARE = 40


def retouched(
    scene: Image.Image,
    inputs: tuple[bytes, ...],
    *,
    mask: bytes | None = None,
    markup: bytes | None = None,
) -> Image.Image:
    """Return the first input with the scene in it, in the scene's size and mode.

    With a mask the scene shows where its alpha is 0, and elsewhere the input stays
    as it is, pixel for pixel where the sizes agree. Every further input is a small
    layer at the lower edge of what is new.
    """
    first = _fitted(inputs[0], scene.size)
    layers = _with_layers(scene.convert("RGBA"), inputs[1:])
    if mask is None:
        new = Image.blend(first, scene.convert("RGBA"), BLEND / 255)
        new = _with_layers(new, inputs[1:])
        if markup is not None:
            new.alpha_composite(_fitted(markup, scene.size))
    else:
        new = Image.composite(layers, first, _editable(mask, scene.size))
    if scene.mode == "RGBA":
        return new
    ground = Image.new("RGBA", scene.size, WHITE)
    ground.alpha_composite(new)
    return ground.convert("RGB")


def _fitted(content: bytes, size: tuple[int, int]) -> Image.Image:
    with Image.open(io.BytesIO(content)) as found:
        picture = ImageOps.exif_transpose(found).convert("RGBA")
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.BILINEAR)


def _editable(mask: bytes, size: tuple[int, int]) -> Image.Image:
    """Return 255 where the mask is wholly transparent, else 0."""
    with Image.open(io.BytesIO(mask)) as found:
        alpha = ImageOps.exif_transpose(found).convert("RGBA").getchannel("A")
    editable = alpha.point([255, *[0] * 255])
    return editable.resize(size, Image.Resampling.NEAREST)


def _with_layers(picture: Image.Image, references: tuple[bytes, ...]) -> Image.Image:
    """Put the references side by side at the lower edge."""
    if not references:
        return picture
    margin_px = max(1, picture.width // MARGIN_SHARE)
    room_px = (picture.width - margin_px) // max(REFERENCE_SHARE, len(references))
    edge_px = max(1, room_px - margin_px)
    layered = picture.copy()
    for at, content in enumerate(references):
        small = _fitted(content, (edge_px, edge_px))
        left = margin_px + at * room_px
        layered.alpha_composite(small, (left, picture.height - edge_px - margin_px))
    return layered
