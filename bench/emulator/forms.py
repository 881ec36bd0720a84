"""Forms: the fields and files of a form, as the JSON values they mean."""

import re
from dataclasses import dataclass, field
from typing import cast

from bench.emulator.multipart import Part
from bench.emulator.values import RULES, invalid_value

WHOLE = re.compile(r"-?[0-9]{1,10}", re.ASCII)
NESTED = re.compile(r"(\w+)\[(\w+)\](?:\[(\w+)\])?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
LIST_NAMES = {"image[]": "image"}
FILES = ("image", "mask", "markup", "file")
# Beside the parameters with rules of their own.
TEXTS = ("prompt", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: its plain fields as the JSON values they mean, and its files."""

    fields: dict[str, object] = field(default_factory=dict[str, object])
    files: dict[str, list[Part]] = field(default_factory=dict[str, list[Part]])

    def check_fields(self) -> None:
        """Refuse a plain field that came as a file.

        Raises:
            RefusedError: names it.
        """
        for name in self.files:
            if name in RULES or name in TEXTS:
                raise invalid_value(f"'{name}' must not be a file.", name)

    def noted(self) -> dict[str, object]:
        """Return every key that was sent; of pictures only that they were."""
        return {**self.fields, **dict.fromkeys(self.files, "a file")}


def read_form(parts: list[Part]) -> Form:
    """Sort the parts of a form; a decimal string is a number where one belongs.

    Raises:
        RefusedError: a field that came twice.
    """
    form = Form()
    for part in parts:
        name = LIST_NAMES.get(part.name, part.name)
        if name in FILES or part.filename is not None:
            form.files.setdefault(name, []).append(part)
            continue
        _put(form.fields, part.name, part.content.decode("utf-8", "replace"))
    return form


def _put(fields: dict[str, object], name: str, text: str) -> None:
    """Set a field, of which `svg[model]` means a key within an object."""
    nested = NESTED.fullmatch(name)
    keys = [key for key in nested.groups() if key] if nested else [name]
    inner = fields
    for key in keys[:-1]:
        deeper = inner.setdefault(key, {})
        if not isinstance(deeper, dict):
            raise invalid_value(f"'{name}' came twice.", name)
        inner = cast("dict[str, object]", deeper)
    if keys[-1] in inner:
        raise invalid_value(f"'{name}' came twice.", name)
    inner[keys[-1]] = _meant(keys[0], text) if len(keys) == 1 else text


def _meant(key: str, text: str) -> object:
    """Return a number or a truth value where the parameter is one."""
    rule = RULES.get(key)
    if rule is None:
        return text
    if rule.kind is int and WHOLE.fullmatch(text):
        return int(text)
    if rule.kind is bool:
        return BOOLEANS.get(text, text)
    return text


def the_only(form: Form, name: str) -> Part | None:
    """Return a file that may come once, None when it did not.

    Raises:
        RefusedError: it came twice.
    """
    found = form.files.get(name, [])
    if len(found) > 1:
        raise invalid_value(f"'{name}' came twice.", name)
    return found[0] if found else None


def media_type(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()
