"""Suite: named prompts, what they are asked at, and how often."""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from bench.document import check, read
from bench.errors import BadInput
from bench.prompt import Prompt, WrittenPrompt, read_prompts
from bench.reference import Input


def _plain(value: object, inner: ValidatorFunctionWrapHandler) -> bool | int | str:
    try:
        return inner(value)
    except ValidationError:
        # One sentence in place of one for each type that it could have been.
        raise ValueError("should be a whole number, a word, true or false") from None


Value = Annotated[
    StrictBool | StrictInt | Annotated[str, Field(min_length=1, max_length=200)],
    WrapValidator(_plain),
]
Axis = Annotated[tuple[Value, ...], Field(min_length=1)]

PARAMETERS = frozenset(
    {
        "model",
        "quality",
        "size",
        "n",
        "output_format",
        "output_compression",
        "background",
        "moderation",
        "stream",
        "partial_images",
        "input_fidelity",
        "style",
        "response_format",
        "complexity",
        *("frame_count", "frame_duration_ms"),
        *("svg_model", "svg_effort"),
        "max_output_tokens",
        "store",
        *("safety_identifier", "user"),
    }
)
NOT_PARAMETERS = frozenset({"api", "operation", "mainline_model"})
# What an Images API request has no word for.
OF_RESPONSES = frozenset({"mainline_model", "max_output_tokens", "store"})
_PICTURES = ("inputs", "mask", "markup")
MOST_VARIANTS = 10_000
OPERATIONS = ("generate", "edit", "compose", "inpaint", "variation", "converse")
APIS = ("images", "responses")
CLOSED: Mapping[str, tuple[Value, ...]] = {
    "api": APIS,
    "operation": OPERATIONS,
    "stream": (False, True),
}


class SuiteFile(BaseModel):
    """A suite as it is written.

    Attributes:
        prompts: The prompts themselves, or the name of a csv or jsonl file
            that lies beside the suite.
        inputs: Pictures that go with each prompt that names none.
        mask, markup: Over the first of them, in the same way.
        axes: Parameter to the values that it takes; cells are the product.
        fixed: Parameter to the one value that it has in every cell.
        repeats: How often each prompt is asked at each cell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=100),
    ]
    description: str | None = None
    prompts: tuple[WrittenPrompt, ...] | str
    inputs: tuple[Input, ...] = ()
    mask: Input | None = None
    markup: Input | None = None
    axes: dict[str, Axis] = {}
    fixed: dict[str, Value] = {}
    repeats: Annotated[StrictInt, Field(ge=1, le=10_000)] = 1
    operation: Literal[
        "generate", "edit", "compose", "inpaint", "variation", "converse"
    ] = "generate"
    api: Literal["images", "responses"] = "images"


class Suite(BaseModel):
    """A suite ready to be planned: its prompts are here, its keys are known.

    Attributes:
        prompts: Those of one conversation follow each other, turn by turn.
        variants: One mapping a variant: every parameter and its value, in the
            order of the axes.
        digest: SHA-256 of the suite as read.
        folder: From which the paths of its pictures go.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    prompts: tuple[Prompt, ...]
    variants: tuple[dict[str, Value], ...]
    repeats: int
    digest: str
    folder: Path = Path()


def read_suite(path: Path) -> Suite:
    """Read a suite file and the prompts that it names.

    Raises:
        BadInput: Names the file, key and value, and how to mend it.
    """
    written = check(path, read(path), SuiteFile)
    _check_keys(path, written)
    variants = _variants(path, written)
    prompts = _prompts(path, written, variants)
    _check_ids(path, prompts)
    # What older suites don't have must not change their digest.
    more = {name for name in _PICTURES if not getattr(written, name)}
    content = orjson.dumps(
        {
            "suite": written.model_dump(mode="json", exclude={"prompts", *more}),
            "prompts": [prompt.to_json() for prompt in prompts],
        },
        option=orjson.OPT_SORT_KEYS,
    )
    return Suite(
        name=written.name,
        prompts=prompts,
        variants=variants,
        repeats=written.repeats,
        digest=hashlib.sha256(content).hexdigest(),
        folder=path.parent,
    )


def _prompts(
    path: Path, written: SuiteFile, variants: tuple[dict[str, Value], ...]
) -> tuple[Prompt, ...]:
    if isinstance(written.prompts, str):
        prompts = read_prompts(path.parent / written.prompts)
    else:
        prompts = written.prompts
    if not prompts:
        raise BadInput(f"{path}: prompts: there are none; write at least one")
    operations = {variant["operation"] for variant in variants}
    converse = "converse" in operations
    if converse and len(operations) > 1:
        raise BadInput(
            f"{path}: operation: converse has turns where the others have none; give "
            "it a suite of its own"
        )
    for number, prompt in enumerate(prompts):
        if prompt.then and not converse:
            raise BadInput(
                f"{path}: prompts.{number}.then: turns are for operation: converse; "
                "set it, or take them away"
            )
    return tuple(
        turn
        for prompt in prompts
        for turn in prompt.asked(
            written.inputs, written.mask, written.markup, converse=converse
        )
    )


def _check_ids(path: Path, prompts: tuple[Prompt, ...]) -> None:
    name, times = Counter(p.id for p in prompts).most_common(1)[0]
    if times > 1:
        raise BadInput(
            f"{path}: prompts: id '{name}' stands {times} times; "
            "give each prompt an id of its own"
        )


def _check_keys(path: Path, written: SuiteFile) -> None:
    for place, mapping in (("axes", written.axes), ("fixed", written.fixed)):
        for key in mapping:
            if key not in PARAMETERS | NOT_PARAMETERS:
                raise BadInput(
                    f"{path}: {place}.{key}: no such parameter; known are "
                    f"{', '.join(sorted(PARAMETERS | NOT_PARAMETERS))}"
                )
    for key, values in written.axes.items():
        if key in written.fixed:
            raise BadInput(f"{path}: '{key}' is both an axis and fixed; keep one")
        if len(set(values)) < len(values):
            raise BadInput(f"{path}: axes.{key}: a value stands twice; keep one")


def _variants(path: Path, written: SuiteFile) -> tuple[dict[str, Value], ...]:
    n_variants = math.prod(len(values) for values in written.axes.values())
    if n_variants > MOST_VARIANTS:
        raise BadInput(
            f"{path}: axes: they make {n_variants:,} variants, more than "
            f"{MOST_VARIANTS:,}; take some values away"
        )
    base: dict[str, Value] = {"api": written.api, "operation": written.operation}
    product = itertools.product(*written.axes.values())
    variants = tuple(
        {**base, **written.fixed, **dict(zip(written.axes, values, strict=True))}
        for values in product
    )
    for key, known in CLOSED.items():
        for variant in variants:
            if key in variant and str(variant[key]) not in map(str, known):
                listed = ", ".join(str(value).lower() for value in known)
                raise BadInput(
                    f"{path}: {key}: '{variant[key]}' is none; there are {listed}"
                )
    return _at_home(variants)


def _at_home(variants: tuple[dict[str, Value], ...]) -> tuple[dict[str, Value], ...]:
    """Variants without what belongs to others among them.

    Where both APIs are asked, the text model goes with one of them alone; where some
    stream and some don't, partial pictures go with those that do.
    """
    has_both_apis = {variant["api"] for variant in variants} == set(APIS)
    has_streams = len({variant.get("stream") for variant in variants}) > 1

    def is_foreign(key: str, variant: dict[str, Value]) -> bool:
        if key == "partial_images":
            return has_streams and variant.get("stream") is not True
        return has_both_apis and key in OF_RESPONSES and variant["api"] == "images"

    kept = (
        {key: value for key, value in variant.items() if not is_foreign(key, variant)}
        for variant in variants
    )
    # What differed in nothing but that stands there twice now.
    return tuple({tuple(variant.items()): variant for variant in kept}.values())


def keep_only(
    variants: tuple[dict[str, Value], ...], only: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Value], ...]:
    """The variants whose named parameters have one of the named values.

    Raises:
        BadInput: A name is no parameter of the suite, or nothing is left.
    """
    kept = variants
    for key, wanted in only.items():
        values = {_typed(v[key]) for v in variants if key in v}
        unknown = wanted - values
        if unknown:
            raise BadInput(
                f"--only {key}={min(unknown)}: the suite has "
                f"{', '.join(sorted(values)) or 'no such parameter'}"
            )
        kept = tuple(v for v in kept if key in v and _typed(v[key]) in wanted)
    if not kept:
        raise BadInput("--only: no cell is left; loosen it")
    return kept


def _typed(value: Value) -> str:
    """A value as people type it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def suite_schema() -> dict[str, Any]:
    """The JSON Schema of a suite file, for editors."""
    schema = SuiteFile.model_json_schema()
    for place in ("axes", "fixed"):
        schema["properties"][place]["propertyNames"] = {
            "enum": sorted(PARAMETERS | NOT_PARAMETERS)
        }
    return schema
