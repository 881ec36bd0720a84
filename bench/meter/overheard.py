"""Overheard: what a program's own request asks, as cell and prompt."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import orjson

from bench.attempt import Cell
from bench.errors import BadInput
from bench.images.header import read_header
from bench.meter.author import with_author
from bench.meter.forms import parts_of
from bench.meter.operations import NO_PROMPT
from bench.plan.growth import prompt_of
from bench.prompt import Prompt
from bench.reference import Reference
from bench.suite import Value

Json = dict[str, Any]
GENERATIONS = "/images/generations"
EDITS = "/images/edits"
VARIATIONS = "/images/variations"
RESPONSES = "/responses"
# What the API takes where a request names no image model; the library 3.52 says so
# of the tool, the API's description of 2026-08-21 of the others.
_DEFAULTS = {
    GENERATIONS: "dall-e-2",
    EDITS: "gpt-image-1.5",
    VARIATIONS: "dall-e-2",
    RESPONSES: "gpt-image-2.6-sunburst",
}
_TOOL = "image_generation"
# A function of the program: it runs here, and costs what it is described by.
_OWN_TOOL = "function"
_COUNTS = (
    *("n", "partial_images", "output_compression", "max_output_tokens"),
    *("frame_count", "frame_duration_ms"),
)
_OVER = ("mask", "markup")
_WORDS = {"true": True, "false": False}
_LONGEST_VALUE = 200
# Beyond, a number of JSON is no whole number that can be relied on.
_MOST_EXACT = 2**53
# What holds texts and pictures, and nothing else that a text model would read.
_READ = frozenset({"message", "input_text", "output_text", "input_image"})
_STORED = ("conversation", "prompt")
# Beside the tool, what a response's time and dollars hang on.
_OF_RESPONSE = ("max_output_tokens", "stream", "store", "service_tier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """What a request asks.

    Attributes:
        prompt: With its pictures.
        previous_response_id: What it goes on from.
        unknown: What it brings along of which the endpoint alone knows how much it
            is: a conversation that lies there, a file, another tool.
        is_bounded: Whether it says itself how much the text model may write.
    """

    api: str
    operation: str
    model: str
    prompt: Prompt
    parameters: Mapping[str, Value]
    mainline_model: str | None = None
    previous_response_id: str | None = None
    unknown: str | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether no more can be written than the request says."""
        return self.mainline_model is None or "max_output_tokens" in self.parameters

    def cell(self, endpoint: str) -> Cell:
        """The cell at which it is asked; the pictures sent along are counted there."""
        n_inputs = len(self.prompt.inputs)
        counted = {"n_inputs": n_inputs} if n_inputs else {}
        return Cell(
            endpoint=endpoint,
            api=self.api,
            operation=self.operation,
            model=self.model,
            mainline_model=self.mainline_model,
            parameters=tuple(sorted({**self.parameters, **counted}.items())),
        )


def overhear(request: httpx2.Request) -> Overheard | None:
    """What a request asks; None when it can't be read or asks for no picture.

    Raises:
        BadInput: It asks what no record can hold.
    """
    path = request.url.path.rstrip("/")
    kind, body = request.headers.get("content-type", ""), request.content
    if path.endswith(RESPONSES):
        return _of_response(_object(body))
    place = next(
        (p for p in (GENERATIONS, EDITS, VARIATIONS) if path.endswith(p)), None
    )
    if place is None:
        return None
    form = parts_of(kind, body)
    if form is not None:
        texts = {p.name: _typed(p.content) for p in form if not p.is_file}
        files = [(p.name.removesuffix("[]"), p.content) for p in form if p.is_file]
        images = [_ours(content) for name, content in files if name == "image"]
        over = {name: _ours(content) for name, content in files if name in _OVER}
        return _of_images(place, texts, images, over)
    said = _object(body)
    images = [_named(one) for one in _objects(said.pop("images", None))]
    drawn = {name: said.pop(name, None) for name in _OVER}
    over = {name: _named(one) for name, one in drawn.items() if one}
    return _of_images(place, said, images, over)


def _of_images(
    place: str, said: Json, images: list[Reference], over: Mapping[str, Reference]
) -> Overheard | None:
    is_variation = place == VARIATIONS
    text = NO_PROMPT if is_variation else said.get("prompt")
    if not isinstance(text, str) or (place != GENERATIONS and not images):
        return None
    mask = over.get("mask")
    operation = "variation" if is_variation else operation_of(images, mask)
    return Overheard(
        api="images",
        operation=operation,
        model=str(said.get("model") or _DEFAULTS[place]),
        prompt=prompt_of(text, None, tuple(images), mask, over.get("markup")),
        parameters=_parameters(said, without={"model", "prompt"}),
    )


def operation_of(images: Sequence[object], mask: object) -> str:
    """The word for a request with such pictures."""
    if mask is not None:
        return "inpaint"
    if not images:
        return "generate"
    return "edit" if len(images) == 1 else "compose"


def _of_response(said: Json) -> Overheard | None:
    tools = [t for t in _objects(said.get("tools")) if t.get("type") == _TOOL]
    model = said.get("model")
    if not tools or not isinstance(model, str):
        return None
    tool = tools[0]
    heard = _Heard()
    heard.take(said.get("instructions"))
    heard.take(said.get("input"))
    over = tool.get("input_image_mask")
    mask = _named(cast("Json", over)) if isinstance(over, dict) else None
    previous = said.get("previous_response_id")
    beside = {name: said[name] for name in _OF_RESPONSE if said.get(name) is not None}
    asked = {**tool, **beside}
    is_turn = isinstance(previous, str) and previous != ""
    return Overheard(
        api="responses",
        operation="converse" if is_turn else operation_of(heard.images, mask),
        model=str(tool.get("model") or _DEFAULTS[RESPONSES]),
        mainline_model=model,
        prompt=prompt_of(
            "\n".join(heard.texts) or "(no text)", None, tuple(heard.images), mask
        ),
        parameters=_parameters(asked, without={"model", "type", "input_image_mask"}),
        previous_response_id=str(previous) if is_turn else None,
        unknown=next(iter((*_stored(said), *heard.others)), None),
    )


def _stored(said: Json) -> list[str]:
    """Other tools of a request, and what of its input lies at the endpoint."""
    tools = (str(tool.get("type")) for tool in _objects(said.get("tools")))
    return [
        *(name for name in _STORED if said.get(name) is not None),
        *(kind for kind in tools if kind not in {_TOOL, _OWN_TOOL}),
    ]


@dataclass(slots=True)
class _Heard:
    """Texts and pictures of an input, however deep they lie; kinds of the rest."""

    texts: list[str] = field(default_factory=list[str])
    images: list[Reference] = field(default_factory=list[Reference])
    others: list[str] = field(default_factory=list[str])

    def take(self, value: object) -> None:
        if isinstance(value, str):
            self.texts.append(value)
        for one in _objects(value):
            kind = str(one.get("type") or "message")
            if kind not in _READ:
                self.others.append(kind)
            if kind == "input_image":
                self.images.append(_named(one))
            elif isinstance(one.get("text"), str):
                self.texts.append(one["text"])
            else:
                self.take(one.get("content"))


def _named(value: object) -> Reference:
    """A picture of a JSON request: an address, or what lies at the endpoint."""
    one = cast("Json", value) if isinstance(value, dict) else {}
    url, file_id = one.get("image_url"), one.get("file_id")
    if isinstance(url, str) and url.startswith("data:"):
        try:
            return _ours(base64.b64decode(url.partition(",")[2])).model_copy(
                update={"send": "data_url"}
            )
        except ValueError:
            return Reference(send="data_url")
    if isinstance(url, str):
        return Reference(url=url)
    return Reference(file_id=str(file_id)) if file_id else Reference()


def _ours(content: bytes) -> Reference:
    """A picture by its first bytes: the endpoint opens it, we do not."""
    header = read_header(content)
    return Reference(
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        format=header.format,
        width_px=header.width_px,
        height_px=header.height_px,
    )


def _object(body: bytes) -> Json:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("Json", said) if isinstance(said, dict) else {}


def _objects(value: object) -> list[Json]:
    found: Iterable[object] = (
        cast("list[object]", value) if isinstance(value, list) else ()
    )
    return [cast("Json", one) for one in found if isinstance(one, dict)]


def _typed(content: bytes) -> Value:
    """A field of a form: a word, or what the API takes a word for."""
    text = content.decode("utf-8", "replace")
    return _WORDS.get(text, text)


def _parameters(said: Json, *, without: set[str]) -> dict[str, Value]:
    # None stands for what is not sent: the API takes it so.
    told = with_author(said).items()
    sent = {k: _plain(v) for k, v in told if v is not None and k not in without}
    for name in _COUNTS:
        if name not in sent:
            continue
        if not str(sent[name]).isdecimal():
            raise BadInput(f"{name}: '{sent[name]}' should be a whole number")
        sent[name] = int(sent[name])
    if sent.get("stream") is False:
        del sent["stream"]
    return sent


def _plain(value: object) -> Value:
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        return int(value)
    if isinstance(value, bool | int):
        return value
    said = value if isinstance(value, str) else orjson.dumps(value).decode()
    if len(said) <= _LONGEST_VALUE:
        return said
    # Two long values that differ are two cells, whatever they begin with.
    digest = hashlib.sha256(said.encode()).hexdigest()
    return f"{said[:_LONGEST_VALUE]}... sha256 {digest[:12]}"
