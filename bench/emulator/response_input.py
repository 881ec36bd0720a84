"""Response input: the messages and pictures to start from."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from bench.emulator.checks import InputPicture
from bench.emulator.conversations import Kept
from bench.emulator.inputs import bad_picture, opened, pointed_at
from bench.emulator.mainline import picture_tokens
from bench.emulator.refusals import Refusal, RefusedError
from bench.emulator.state import Emulator
from bench.emulator.tokens import text_tokens
from bench.emulator.values import check_type, missing, none_of, unknown

ROLES = ("user", "assistant", "system", "developer")
DETAILS = ("low", "high", "auto", "original")
ITEMS = ("message", "image_generation_call", "item_reference")
MEMBERS = {
    "message": frozenset({"type", "role", "content", "id", "status", "phase"}),
    "input_text": frozenset({"type", "text"}),
    "output_text": frozenset({"type", "text", "annotations", "logprobs"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail"}),
    "item_reference": frozenset({"type", "id"}),
}
NOT_FOUND = 404


@dataclass(slots=True)
class Told:
    """What the items say: the last text of a user, all texts, all pictures.

    `text` is None as long as no user said anything.
    """

    text: str | None = None
    n_tokens: int = 0
    pictures: list[InputPicture] = field(default_factory=list[InputPicture])

    def say(self, text: str) -> None:
        """Count a text."""
        self.n_tokens += text_tokens(text) if text else 0

    def show(self, picture: InputPicture) -> None:
        """Count a picture and keep it for the tool."""
        self.n_tokens += picture_tokens(picture.width_px, picture.height_px)
        self.pictures.append(picture)


def told(emulator: Emulator, given: object) -> Told:
    """Read `input`: a text, or a list of items (slow: pictures are opened).

    Raises:
        RefusedError: an item, a part or a picture that can't be taken.
    """
    found = Told()
    if isinstance(given, str):
        found.text = given
        found.say(given)
        return found
    check_type("input", given, list)
    for at, item in enumerate(cast("list[object]", given)):
        where = f"input[{at}]"
        check_type(where, item, dict)
        _take(emulator, found, where, cast("dict[str, object]", item))
    return found


def _take(
    emulator: Emulator, found: Told, where: str, item: Mapping[str, object]
) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        _message(emulator, found, where, item)
    elif kind in ITEMS:
        _earlier(emulator, found, where, item)
    else:
        raise none_of(kind, ITEMS, f"{where}.type")


def _earlier(
    emulator: Emulator, found: Told, where: str, item: Mapping[str, object]
) -> None:
    """Take a picture of before, by its id or with its content."""
    result, item_id = item.get("result"), item.get("id")
    if isinstance(result, str):
        try:
            content = base64.b64decode(result, validate=True)
        except ValueError:
            raise bad_picture("its base64 is not valid", f"{where}.result") from None
        found.show(opened(content, f"{where}.result"))
        return
    if item_id is None:
        raise missing(f"{where}.id")
    check_type(f"{where}.id", item_id, str)
    kept = emulator.conversations.of_item(cast("str", item_id))
    picture = None if kept is None else picture_of(kept)
    if picture is None:
        raise RefusedError(
            Refusal(
                status=NOT_FOUND,
                message=f"Item with id '{item_id}' not found. Items are kept only "
                "when 'store' is true.",
                param="input",
            )
        )
    found.show(picture)


def picture_of(kept: Kept) -> InputPicture | None:
    """Open the picture of an earlier response, None where that can't be (slow)."""
    content = kept.picture()
    try:
        return None if content is None else opened(content)
    except RefusedError:
        return None


def _message(
    emulator: Emulator, found: Told, where: str, item: Mapping[str, object]
) -> None:
    _known(where, item, "message")
    role, content = item.get("role"), item.get("content")
    if role is None:
        raise missing(f"{where}.role")
    if role not in ROLES:
        raise none_of(role, ROLES, f"{where}.role")
    if content is None:
        raise missing(f"{where}.content")
    if isinstance(content, str):
        texts = [content]
        found.say(content)
    else:
        check_type(f"{where}.content", content, list)
        parts = cast("list[object]", content)
        texts = [
            text
            for at, part in enumerate(parts)
            if (text := _part(emulator, found, f"{where}.content[{at}]", part))
            is not None
        ]
    if role == "user" and texts:
        found.text = "\n".join(texts)


def _known(where: str, members: Mapping[str, object], kind: str) -> None:
    for key in members:
        if key not in MEMBERS[kind]:
            raise unknown(f"{where}.{key}")


def _part(emulator: Emulator, found: Told, where: str, part: object) -> str | None:
    """Take one part of a message; return its text if it is one."""
    check_type(where, part, dict)
    members = cast("dict[str, object]", part)
    kind = members.get("type")
    known = ("input_text", "input_image", "output_text")
    if not isinstance(kind, str) or kind not in known:
        raise none_of(kind, known, f"{where}.type")
    _known(where, members, kind)
    if kind == "input_image":
        _picture(emulator, found, where, members)
        return None
    if members.get("text") is None:
        raise missing(f"{where}.text")
    check_type(f"{where}.text", members["text"], str)
    text = cast("str", members["text"])
    found.say(text)
    return text


def _picture(
    emulator: Emulator, found: Told, where: str, members: Mapping[str, object]
) -> None:
    detail = members.get("detail")
    if detail is not None and detail not in DETAILS:
        raise none_of(detail, DETAILS, f"{where}.detail")
    source = {key: members.get(key) for key in ("image_url", "file_id")}
    content = pointed_at(emulator, source, where)
    found.show(
        opened(content, f"{where}.{'file_id' if source['file_id'] else 'image_url'}")
    )
