"""Response checks: what POST /v1/responses accepts, key by key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from bench.emulator.checks import ImageRequest, InputPicture
from bench.emulator.conversations import Kept
from bench.emulator.image_tool import image_request, is_forced, tool_of
from bench.emulator.mainline import TextModel
from bench.emulator.refusals import RefusedError, invalid, unknown_model
from bench.emulator.response_input import Told, picture_of, told
from bench.emulator.state import Emulator
from bench.emulator.tokens import text_tokens
from bench.emulator.values import (
    WHOLE_MAX,
    check_range,
    check_type,
    invalid_value,
    missing,
    unknown,
)

LEAST_OUTPUT_TOKENS = 16
# What is repeated in the answer must be a number that every reader can hold.
WHOLE: Mapping[str, int] = {
    "max_output_tokens": LEAST_OUTPUT_TOKENS,
    "max_tool_calls": 1,
}
METADATA_MAX = 16
METADATA_KEY_CHARS, METADATA_VALUE_CHARS = 64, 512
KINDS: Mapping[str, type] = {
    "instructions": str,
    "max_output_tokens": int,
    "max_tool_calls": int,
    "metadata": dict,
    "parallel_tool_calls": bool,
    "previous_response_id": str,
    "prompt_cache_key": str,
    "reasoning": dict,
    "safety_identifier": str,
    "service_tier": str,
    "store": bool,
    "stream": bool,
    "text": dict,
    "truncation": str,
    "user": str,
}
# Taken as they are, and of no effect here.
LOOSE = frozenset({"include", "stream_options", "temperature"})
KNOWN = frozenset(KINDS) | LOOSE | {"input", "model", "tool_choice", "tools", "top_p"}
NOT_OFFERED = frozenset(
    {
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "moderation",
        "prompt",
        "prompt_cache_options",
        "prompt_cache_retention",
        "top_logprobs",
    }
)
QUESTION_MARKS = ("?", "？")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a response that passed every check.

    `wanted` is None when the answer will be a text. `n_prefix` are the tokens that
    the conversation had before, `n_new` those that came now.
    """

    model: TextModel
    text: str
    wanted: ImageRequest | None
    n_prefix: int
    n_new: int
    n_instructions: int
    body: Mapping[str, object] = field(repr=False)
    store: bool = True
    stream: bool = False

    @property
    def previous_id(self) -> str | None:
        """The response that this one follows, None without one."""
        return cast("str | None", self.body.get("previous_response_id"))

    @property
    def most_output(self) -> int | None:
        """The bound of the text model's output, None without one."""
        return cast("int | None", self.body.get("max_output_tokens"))


def asked(emulator: Emulator, body: Mapping[str, object]) -> Asked:
    """Check a request for a response (slow: its pictures are opened).

    Raises:
        RefusedError: the first check that fails.
    """
    model = _model(emulator, body)
    _check_members(body)
    if body.get("input") is None:
        raise missing("input")
    tool = tool_of(emulator, body)
    forced = is_forced(body, tool)
    before = _before(emulator, body)
    said = told(emulator, body["input"])
    if said.text is None and forced is not False:
        raise invalid_value("The input has no text of a user.", "input")
    text = said.text or ""
    draws = not text.rstrip().endswith(QUESTION_MARKS) if forced is None else forced
    stream = body.get("stream") is True
    wanted = None
    if tool is not None:
        pictures = _pictures(emulator, before, said)
        edits = bool(pictures) and tool.members.get("action") != "generate"
        # Who writes for the image model keeps to what that takes.
        prompt = revised(text, edits=edits)[: tool.model.prompt_chars_max]
        wanted = image_request(emulator, tool, prompt, pictures, stream=stream)
    instructions = cast("str | None", body.get("instructions"))
    return Asked(
        model=model,
        text=text,
        wanted=wanted if draws else None,
        n_prefix=0 if before is None else before.n_tokens,
        n_new=said.n_tokens,
        n_instructions=text_tokens(instructions) if instructions else 0,
        body=body,
        store=body.get("store") is not False,
        stream=stream,
    )


def revised(text: str, *, edits: bool) -> str:
    """Return the prompt that the text model writes for the image tool."""
    begins = "The picture given, changed:" if edits else "A picture of:"
    return f"{begins} {text}"


def _pictures(
    emulator: Emulator, before: Kept | None, said: Told
) -> tuple[InputPicture, ...]:
    """Return the pictures to work on: the conversation's last one is the first."""
    last = None
    while before is not None and last is None:
        last = picture_of(before)
        before = emulator.conversations.get(before.previous_id or "")
    return (*(() if last is None else (last,)), *said.pictures)


def _model(emulator: Emulator, body: Mapping[str, object]) -> TextModel:
    name = body.get("model")
    if name is None:
        raise missing("model")
    check_type("model", name, str)
    found = emulator.text_models.get(cast("str", name))
    if found is not None:
        return found
    if name in emulator.models:
        raise invalid_value(
            f"The model '{name}' makes pictures: name it in the image tool, and a "
            "text model here.",
            "model",
        )
    raise RefusedError(unknown_model(cast("str", name)))


def _check_members(body: Mapping[str, object]) -> None:
    for key, value in body.items():
        if key in NOT_OFFERED:
            if value not in (None, False):
                raise invalid(
                    f"'{key}' is not offered here.",
                    code="unsupported_parameter",
                    param=key,
                )
        elif key not in KNOWN:
            raise unknown(key)
        elif key in KINDS and value is not None:
            check_type(key, value, KINDS[key])
    for key, low in WHOLE.items():
        if body.get(key) is not None:
            check_range(key, cast("int", body[key]), low, WHOLE_MAX)
    _check_metadata(cast("dict[str, object]", body.get("metadata") or {}))


def _check_metadata(metadata: Mapping[str, object]) -> None:
    if len(metadata) > METADATA_MAX:
        raise invalid_value(f"At most {METADATA_MAX} keys are taken.", "metadata")
    for key, value in metadata.items():
        where = f"metadata.{key}"
        check_type(where, value, str)
        long = len(cast("str", value)) > METADATA_VALUE_CHARS
        if long or len(key) > METADATA_KEY_CHARS:
            raise invalid(
                f"'{where}' is too long.", code="string_above_max_length", param=where
            )


def _before(emulator: Emulator, body: Mapping[str, object]) -> Kept | None:
    name = body.get("previous_response_id")
    if name is None:
        return None
    found = emulator.conversations.get(cast("str", name))
    if found is None:
        raise invalid(
            f"Previous response with id '{name}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return found
