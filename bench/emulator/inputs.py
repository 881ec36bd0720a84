"""Inputs: pictures that come with a request, fetched and opened safely."""

import base64
import io
import re
from typing import cast

from PIL import Image

from bench.emulator.checks import InputPicture
from bench.emulator.multipart import Part
from bench.emulator.refusals import Refusal, RefusedError, invalid
from bench.emulator.state import Emulator
from bench.emulator.values import check_length, check_type, invalid_value, unknown

INPUTS_MAX = 16
# A picture is under 50 MB, a mask under 4 MB; decimal ones, the stricter reading.
FILE_MAX_BYTES = 50_000_000
MASK_MAX_BYTES = 4_000_000
# Of base64: signs at its end, and signs that are decoded at once.
PADDING_MAX = 2
PIECE_CHARS = 4 * 65_536
DATA_URL_MAX_CHARS = 20_971_520
PIXELS_MAX = 50_000_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
PURPOSES = ("vision", "user_data")
FORMATS = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp"}
DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,", re.ASCII)
ORIENTATION = 0x0112
TURNED = frozenset({5, 6, 7, 8})


def opened(content: bytes, param: str | None = None) -> InputPicture:
    """Decode a picture wholly (slow: belongs in a worker thread).

    Raises:
        RefusedError: no PNG, JPEG or WebP, broken, or with too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as found:
            width_px, height_px = found.size
            too_large = width_px * height_px > PIXELS_MAX
            if not too_large:
                found.load()
            turned = found.getexif().get(ORIENTATION) in TURNED
            picture_format = FORMATS[found.format or ""]
    except Exception:  # noqa: BLE001 - whatever a decoder says, the picture is bad
        raise bad_picture("it is no whole PNG, JPEG or WebP picture", param) from None
    if too_large:
        raise bad_picture(f"it has more than {PIXELS_MAX} pixels", param)
    return InputPicture(
        content=content,
        format=picture_format,
        width_px=height_px if turned else width_px,
        height_px=width_px if turned else height_px,
    )


def bad_picture(why: str, param: str | None) -> RefusedError:
    """Build the refusal of a picture that can't be used."""
    return RefusedError(
        Refusal(
            status=400,
            type="image_generation_user_error",
            code="invalid_image_file",
            param=param,
            message=f"Invalid image file: {why}.",
        )
    )


def uploaded(part: Part, param: str) -> bytes:
    """Return the content of a part that must be a picture's file.

    Raises:
        RefusedError: a plain field, a media type, or too many bytes.
    """
    if part.filename is None:
        check_type(param, part.content.decode("utf-8", "replace"), bytes)
    if part.media_type is None:
        raise invalid(
            f"The file for '{param}' came without a content type.",
            code="missing_file_mimetype",
            param=param,
        )
    if part.media_type not in MEDIA_TYPES:
        listed = ", ".join(f"'{known}'" for known in MEDIA_TYPES)
        raise invalid(
            f"Invalid file '{param}': unsupported mimetype ('{part.media_type}'). "
            f"Supported file formats are {listed}.",
            code="unsupported_file_mimetype",
            param=param,
        )
    return of_size(part.content, param, FILE_MAX_BYTES)


def of_size(content: bytes, param: str, max_bytes: int) -> bytes:
    """Return content that is not empty and under `max_bytes`.

    Raises:
        RefusedError: it is not.
    """
    if not content:
        raise invalid("The file is empty.", code="empty_image_file", param=param)
    if len(content) >= max_bytes:
        raise invalid(
            f"The file for '{param}' must be smaller than {max_bytes:,} bytes.",
            code="image_file_too_large",
            param=param,
        )
    return content


def pointed_at(emulator: Emulator, source: object, param: str) -> bytes:
    """Return the content that `{image_url}` or `{file_id}` points at.

    Raises:
        RefusedError: not exactly one of both, or nothing usable is there.
    """
    check_type(param, source, dict)
    keys = cast("dict[str, object]", source)
    for key in keys:
        if key not in ("image_url", "file_id"):
            raise unknown(f"{param}.{key}")
    given = {key: value for key, value in keys.items() if value is not None}
    if len(given) != 1:
        raise invalid_value(
            f"'{param}' must have exactly one of 'image_url' and 'file_id'.", param
        )
    ((key, value),) = given.items()
    where = f"{param}.{key}"
    check_type(where, value, str)
    read = url_content if key == "image_url" else file_content
    return of_size(read(emulator, cast("str", value), where), where, FILE_MAX_BYTES)


def url_content(emulator: Emulator, url: str, param: str) -> bytes:
    """Return what a data URL holds, or an address of this emulator shows.

    No other address is ever asked.

    Raises:
        RefusedError: too long, no such form, or nothing is there.
    """
    check_length(param, url, DATA_URL_MAX_CHARS)
    if url.startswith("data:"):
        return _data_url_content(url, param)
    if not url.startswith(("http://", "https://")):
        raise bad_picture("its URL is neither a web address nor a data URL", param)
    path = url.removeprefix(emulator.origin)
    name = path.removeprefix("/_emulator/pictures/")
    if path != url and name in emulator.pictures:
        return emulator.pictures[name][0]
    file_id = path.removeprefix("/v1/files/").removesuffix("/content")
    found = emulator.files.get(file_id) if path != url else None
    if found is None:
        raise invalid_value("The URL could not be downloaded.", "url")
    return found.held


def _data_url_content(url: str, param: str) -> bytes:
    head = DATA_URL.match(url)
    if head is None or head[1] not in MEDIA_TYPES:
        raise bad_picture("its data URL is not of PNG, JPEG or WebP in base64", param)
    try:
        return _decoded(url[head.end() :])
    except ValueError:
        raise bad_picture("its data URL holds no valid base64", param) from None


def _decoded(text: str) -> bytes:
    """Decode base64 in pieces, between which other threads get their turn.

    Raises:
        ValueError: it is none.
    """
    padding = text.find("=")
    if 0 <= padding < len(text) - PADDING_MAX:
        raise ValueError(text[padding : padding + PADDING_MAX])
    return b"".join(
        base64.b64decode(text[start : start + PIECE_CHARS], validate=True)
        for start in range(0, len(text), PIECE_CHARS)
    )


def file_content(emulator: Emulator, file_id: str, param: str) -> bytes:
    """Return the content of an uploaded file.

    Raises:
        RefusedError: no such file, or one that is not for pictures.
    """
    found = emulator.files.get(file_id)
    if found is None:
        raise invalid_value(f"No such File object: {file_id}", param)
    if found.purpose not in PURPOSES:
        raise invalid_value(
            f"The file '{file_id}' has the purpose '{found.purpose}'; "
            f"pictures need one of {', '.join(PURPOSES)}.",
            param,
        )
    return found.held


def opened_mask(
    content: bytes, first: InputPicture, param: str = "mask"
) -> InputPicture:
    """Open a mask for the first picture: a PNG of its size with transparency.

    Raises:
        RefusedError: what of that it is not.
    """
    of_size(content, param, MASK_MAX_BYTES)
    mask = opened(content, param)
    if mask.format != "png" or first.format != "png":
        raise bad_mask("mask and image must both be PNG", param)
    if (mask.width_px, mask.height_px) != (first.width_px, first.height_px):
        raise bad_mask("mask size does not match image size", param)
    with Image.open(io.BytesIO(content)) as found:
        if not found.has_transparency_data:
            raise bad_mask("mask image missing alpha channel", param)
    return mask


def bad_mask(why: str, param: str) -> RefusedError:
    """Build the refusal of a mask that does not fit its picture."""
    return RefusedError(
        Refusal(
            status=400,
            type="image_generation_user_error",
            code="invalid_mask_image_format",
            param=param,
            message=f"Invalid mask image format - {why}.",
        )
    )


def opened_markup(content: bytes, first: InputPicture) -> InputPicture:
    """Open a markup for the first picture: a PNG of its size, partly transparent.

    Raises:
        RefusedError: what of that it is not.
    """
    markup = opened(content, "markup")
    if markup.format != "png":
        raise bad_picture("a markup must be a PNG", "markup")
    if (markup.width_px, markup.height_px) != (first.width_px, first.height_px):
        raise bad_picture("the markup's size is not that of the image", "markup")
    with Image.open(io.BytesIO(content)) as found:
        if found.convert("RGBA").getextrema()[3][0] == 255:  # type: ignore[index]  # noqa: PLR2004 - opaque
            raise bad_picture("the markup has no transparent pixel", "markup")
    return markup
