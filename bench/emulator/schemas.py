"""Schemas: what requests look like, from the tables that check them."""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.emulator.catalogue import Model
from bench.emulator.checks import SIZE
from bench.emulator.combinations import EFFORTS
from bench.emulator.forms import FILES
from bench.emulator.inputs import DATA_URL_MAX_CHARS, INPUTS_MAX
from bench.emulator.uploads import EXPIRES_S, PURPOSES
from bench.emulator.values import RULES, WHOLE_MAX

Schema = dict[str, Any]
KINDS: Mapping[type, str] = {str: "string", int: "integer", bool: "boolean"}
FILE: Schema = {"type": "string", "format": "binary"}
INTEGER: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}


def closed(properties: Mapping[str, object], *optional: str) -> Schema:
    """Return an object that has these members and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def one_of(*values: str) -> Schema:
    """Return a text that is one of these."""
    return {"type": "string", "enum": list(values)}


def _or_null(schema: Schema) -> Schema:
    kinds = schema["type"]
    widened = {**schema, "type": [kinds, "null"]}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened


def parameter(key: str, model: Model) -> Schema:
    """Return what one parameter may be in JSON for a model, as its rule says."""
    plain = _plain(key, model)
    return plain if key == "prompt" else _or_null(plain)


def _plain(key: str, model: Model) -> Schema:
    if key == "prompt":
        return {"type": "string", "minLength": 1, "maxLength": model.prompt_chars_max}
    if key == "svg":
        effort = _or_null(one_of(*EFFORTS))
        reasoning = closed({"effort": effort}, "effort")
        return closed({"model": TEXT, "reasoning": _or_null(reasoning)}, "reasoning")
    rule = RULES[key]
    schema: Schema = {"type": KINDS[rule.kind]}
    if rule.values is not None:
        schema["enum"] = list(rule.values(model))
    if key == "input_fidelity":
        schema["enum"] = list(model.fidelities)
    if rule.high is not None:
        schema |= {"minimum": rule.low, "maximum": rule.high(model)}
        if schema["maximum"] == WHOLE_MAX:
            del schema["maximum"]
    if key == "size":
        schema |= _size(model)
    return schema


def _size(model: Model) -> Schema:
    if model.sizes is None:
        return {"pattern": f"^(auto|{SIZE.pattern})$"}
    return {"enum": [*model.sizes, *(() if model.is_dall_e else ("auto",))]}


def request(models: Iterable[Model], keys: Mapping[str, frozenset[str]]) -> Schema:
    """Return the body of a generation or of an edit in JSON.

    `keys` are by model what its body may hold; those that hold the same under the
    same rules stand together.
    """
    alike: list[tuple[list[str], Schema]] = []
    for model in models:
        if not keys[model.name]:
            continue
        members = _members(model, keys[model.name])
        names = next((names for names, known in alike if known == members), None)
        if names is None:
            alike.append(([model.name], members))
        else:
            names.append(model.name)
    return {"anyOf": [_body(names, members) for names, members in alike]}


def form(models: Iterable[Model], keys: Mapping[str, frozenset[str]]) -> Schema:
    """Return a form's fields, flat: what any of the models takes.

    A form has no null, and objects are spelled as fields such as `svg[model]`.
    """
    found: dict[str, list[Schema]] = {}
    names: list[str] = []
    for model in models:
        if not keys[model.name]:
            continue
        names.append(model.name)
        for key in _known(keys[model.name] - {"svg"}, model):
            one = FILE if key in FILES else _plain(key, model)
            found.setdefault(key, []).append(one)
    members = {key: _united(schemas) for key, schemas in found.items()}
    return _body(names, members)


def _united(schemas: list[Schema]) -> Schema:
    """Return what one of these allows at least; enumerations become one."""
    first = schemas[0]
    if any("pattern" in one for one in schemas):
        return TEXT
    if "enum" in first:
        values = [value for one in schemas for value in one["enum"]]
        return {**first, "enum": list(dict.fromkeys(values))}
    return max(schemas, key=lambda one: one.get("maximum", one.get("maxLength", 0)))


def _body(names: list[str], members: Schema) -> Schema:
    needed = [name for name in ("prompt", "images", "image") if name in members]
    schema = closed({"model": one_of(*names), **members})
    return {**schema, "required": ["model", *needed]}


def _members(model: Model, keys: frozenset[str]) -> Schema:
    source = {"$ref": "#/components/schemas/PictureSource"}
    many = {"minItems": 1, "maxItems": INPUTS_MAX}
    pictures: Mapping[str, Schema] = {
        "images": {"type": "array", "items": source, **many},
        "mask": source,
    }
    known = _known(keys, model)
    return {key: pictures.get(key) or parameter(key, model) for key in known}


def _known(keys: frozenset[str], model: Model) -> list[str]:
    """Return the keys but the model's, which every body has in its own way."""
    refused = {"model"} if model.fidelities else {"model", "input_fidelity"}
    return sorted(keys - refused)


def picture_source() -> Schema:
    """Return where a picture of an edit in JSON is."""
    url = {"type": "string", "format": "picture-url", "maxLength": DATA_URL_MAX_CHARS}
    file_id = {"type": "string", "format": "file-id"}
    return {"oneOf": [closed({"image_url": url}), closed({"file_id": file_id})]}


def file_upload() -> Schema:
    """Return the form of an upload."""
    low_s, high_s = EXPIRES_S
    return closed(
        {
            "file": FILE,
            "purpose": one_of(*PURPOSES),
            "expires_after[anchor]": one_of("created_at"),
            "expires_after[seconds]": {
                "type": "integer",
                "minimum": low_s,
                "maximum": high_s,
            },
        },
        "expires_after[anchor]",
        "expires_after[seconds]",
    )
