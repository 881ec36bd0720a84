"""Document: the YAML and JSON files that people write, read safely."""

import json
import re
from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from bench.errors import BadInput

MAX_BYTES = 2_000_000
MAX_DEPTH = 20
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# The type of a problem whose value is never shown.
_UNSHOWN = "unshown"
_SENTENCES = {
    "tuple_type": "should be a list",
    "model_type": "should hold keys and values",
    "dict_type": "should hold keys and values",
    "too_short": "should not be empty",
    "string_too_short": "should not be empty",
    "string_type": "should be a text (in quotes)",
    "int_type": "should be a whole number",
}
_CONTROLS = "should have no control characters"
_MOST_DIGITS = 100
_TWO_DOCUMENTS = "a second document begins here, and one is read; take it away"
_KINDS = {"dict": "mapping", "str": "text", "int": "number"}
Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Safe YAML: exact decimals, instants as written, no key twice."""

    def mapping(self, node: yaml.MappingNode) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key: object = self._value(key_node)
            problem = None
            if not isinstance(key, Hashable):
                problem = "a key should be a plain word"
            elif key in mapping:
                problem = f"key '{key}' stands twice"
            if problem:
                raise yaml.constructor.ConstructorError(
                    None, None, problem, key_node.start_mark
                )
            mapping[key] = self._value(value_node)
        return mapping

    def _value(self, node: yaml.Node) -> Any:  # noqa: ANN401  a document can be anything
        return self.construct_object(node, deep=True)  # pyright: ignore[reportUnknownMemberType]

    def decimal(self, node: yaml.ScalarNode) -> Decimal | str:
        """A number with a point, exactly as written; `.inf` and `1:30.5` as text."""
        text = self.as_written(node)
        try:
            return Decimal(text.replace("_", ""))
        except ArithmeticError:
            return text

    def whole(self, node: yaml.ScalarNode) -> int | str:
        """A whole number; what YAML 1.1 alone takes for one (12:30, 010) as text."""
        text = self.as_written(node)
        is_one = _WHOLE.fullmatch(text) and len(text) <= _MOST_DIGITS
        return int(text) if is_one else text

    def as_written(self, node: yaml.ScalarNode) -> str:
        """A scalar as its own text."""
        return str(self.construct_scalar(node))


def _refused(loader: _Loader, node: yaml.Node) -> None:  # noqa: ARG001  as called
    what = "a tag (!name) is not read; write the value itself"
    if node.tag == "tag:yaml.org,2002:merge":
        what = "a merge (<<) is not read; write its keys out"
    raise yaml.constructor.ConstructorError(None, None, what, node.start_mark)


_Loader.add_constructor(None, _refused)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.decimal)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.as_written)


def read_text(path: Path, limit_bytes: int = MAX_BYTES) -> str:
    """A text file that a person wrote, within a size limit.

    Raises:
        BadInput: The file is missing, too large, or no UTF-8 text.
    """
    try:
        n_bytes = path.stat().st_size
        # A device or a pipe has no size and may have no end.
        with path.open("rb") as file:
            content = b"" if n_bytes > limit_bytes else file.read(limit_bytes + 1)
        if (n_bytes := max(n_bytes, len(content))) > limit_bytes:
            raise BadInput(
                f"{path}: {n_bytes:,} bytes, more than the {limit_bytes:,} "
                "that are read; move prompts into a csv or jsonl file, and pictures "
                "into files of their own"
            )
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror})") from None


def _refuse_bombs(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):  # pyright: ignore[reportUnknownMemberType]
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(
                f"{path}: {_at_line(event)}: aliases (*name) are not "
                "read; write the value out"
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise BadInput(
                f"{path}: {_at_line(event)}: nested deeper than "
                f"{MAX_DEPTH} levels; write it flatter"
            )


def _at_line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "a line"


def parse(path: Path, text: str) -> Any:  # noqa: ANN401  a document can be anything
    """YAML text (JSON is YAML too) as plain values, floats as Decimal.

    Raises:
        BadInput: No YAML, a key twice, aliases, or nested too deep.
    """
    try:
        _refuse_bombs(path, text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader: makes plain values alone
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem or "no YAML"
        if "another document" in problem:
            problem = _TWO_DOCUMENTS
        raise BadInput(f"{path}: {line}{problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: no YAML that can be read ({_line(error)})") from None


def read(path: Path) -> Any:  # noqa: ANN401  a document can be anything
    """A YAML or JSON file as plain values; see `parse`."""
    return parse(path, read_text(path))


def check(path: Path, content: object, model: type[Model]) -> Model:
    """A document as the model that it should be.

    Raises:
        BadInput: Names the file, the key and the value of the first problem.
    """
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold keys and values, not {_kind(content)}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        sentence = _problem(error, cast("object", content))
        raise BadInput(f"{path}: {sentence}") from None


def _problem(error: ValidationError, content: object) -> str:
    found = [(_place(e["loc"], e["type"], content), e) for e in error.errors()]
    begin = found[0][0]
    # Where a value may be of several kinds, the deepest look says most.
    same = [(place, e) for place, e in found if place[: len(begin)] == begin]
    place, first = max(same, key=lambda entry: len(entry[0]))
    others = {p for p, _ in found if p != place[: len(p)] and p[: len(begin)] != begin}
    more = f" (and {len(others)} more)" if others else ""
    return f"{_sentence('.'.join(place), first)}{more}"


def _place(loc: tuple[int | str, ...], kind: str, content: object) -> tuple[str, ...]:
    """The keys and indexes of a location, without the words of the checker."""
    place: list[str] = []
    node: Any = content
    for number, part in enumerate(loc, start=1):
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            if number < len(loc) or kind != "missing":
                continue
        place.append(str(part))
    return tuple(place)


def _sentence(where: str, problem: ErrorDetails) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"key '{where}' is not known; remove it or mend its spelling"
    if kind == "missing":
        return f"key '{where}' is missing"
    message = _SENTENCES.get(kind, problem["msg"].removeprefix("Value error, "))
    where = f"{where}: " if where else ""
    if kind == "string_pattern_mismatch" and "\\x00" in problem["msg"]:
        message = _CONTROLS
    if kind == "string_too_long":
        most = problem.get("ctx", {})["max_length"]
        return f"{where}has {len(value):,} characters; at most {most:,} are taken"
    if kind in {_UNSHOWN, "too_short", "string_too_short"}:
        return f"{where}{message}"
    # A text in place of a whole mapping may be anything, a key too.
    shown = _kind(value) if kind == "model_type" else _shown(value)
    return f"{where}{message}, not {shown}"


def _shown(value: object) -> str:
    # What lies in a mapping or a list may be a secret in the wrong place.
    if isinstance(value, (dict, list, tuple, set)):
        return _kind(cast("object", value))
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


def _kind(value: object) -> str:
    name = type(value).__name__
    return "nothing" if value is None else f"a {_KINDS.get(name, name)}"


def unshown(sentence: str) -> PydanticCustomError:
    """A refusal that says all: what was written may be a secret and is not shown."""
    return PydanticCustomError(_UNSHOWN, "{sentence}", {"sentence": sentence})


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
