"""Image tool: the tool object of a response, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from bench.emulator.catalogue import Model
from bench.emulator.checks import ImageRequest, InputPicture, options
from bench.emulator.combinations import never_with
from bench.emulator.inputs import INPUTS_MAX, opened_mask, pointed_at
from bench.emulator.refusals import RefusedError, invalid, unknown_model
from bench.emulator.state import Emulator
from bench.emulator.values import check_type, invalid_value, missing, none_of, unknown

IMAGE_TOOL = "image_generation"
DEFAULT_MODEL = "gpt-image-2.6-sunburst"
ACTIONS = ("generate", "edit", "auto")
OWN_MEMBERS = ("type", "action", "input_image_mask", "model")
MEMBERS = frozenset(
    {
        *OWN_MEMBERS,
        "background",
        "complexity",
        "frame_count",
        "frame_duration_ms",
        "input_fidelity",
        "moderation",
        "output_compression",
        "output_format",
        "partial_images",
        "quality",
        "size",
        "svg",
    }
)
CHOICES = ("auto", "none", "required")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The tool as it was sent, its place in the request, and its model."""

    where: str
    members: Mapping[str, object]
    model: Model


def tool_of(emulator: Emulator, body: Mapping[str, object]) -> Tool | None:
    """Return the one image tool of a request, None when there is none.

    Raises:
        RefusedError: another tool, a second one, or a member that is not known.
    """
    tools = body.get("tools")
    if tools is None:
        return None
    check_type("tools", tools, list)
    found: Tool | None = None
    for at, each in enumerate(cast("list[object]", tools)):
        where = f"tools[{at}]"
        check_type(where, each, dict)
        tool = _tool(emulator, where, cast("dict[str, object]", each))
        if found is not None:
            raise invalid_value("Only one image tool is taken here.", where)
        found = tool
    return found


def _tool(emulator: Emulator, where: str, members: Mapping[str, object]) -> Tool:
    kind = members.get("type")
    if kind is None:
        raise missing(f"{where}.type")
    check_type(f"{where}.type", kind, str)
    if kind != IMAGE_TOOL:
        raise none_of(kind, (IMAGE_TOOL,), f"{where}.type")
    for key in members:
        if key not in MEMBERS:
            raise unknown(f"{where}.{key}")
    action = members.get("action", "auto")
    check_type(f"{where}.action", action, str)
    if action not in ACTIONS:
        raise none_of(action, ACTIONS, f"{where}.action")
    name = members.get("model") or DEFAULT_MODEL
    check_type(f"{where}.model", name, str)
    model = emulator.models.get(cast("str", name))
    if model is None:
        raise RefusedError(
            replace(unknown_model(cast("str", name)), param=f"{where}.model")
        )
    if model.is_dall_e:
        raise invalid_value(
            f"The model '{name}' can't be used by the image tool.", f"{where}.model"
        )
    return Tool(where=where, members=members, model=model)


def is_forced(body: Mapping[str, object], tool: Tool | None) -> bool | None:
    """Say whether a picture must come, None where the text model decides.

    Raises:
        RefusedError: `tool_choice` is none that is known, or names a missing tool.
    """
    choice = body.get("tool_choice")
    if choice is None or choice == "auto":
        return None if tool is not None else False
    if isinstance(choice, str):
        if choice not in CHOICES:
            raise none_of(choice, CHOICES, "tool_choice")
        return choice == "required" and tool is not None
    check_type("tool_choice", choice, dict)
    kind = cast("dict[str, object]", choice).get("type")
    if kind != IMAGE_TOOL:
        raise none_of(kind, (IMAGE_TOOL,), "tool_choice.type")
    if tool is None:
        raise invalid_value(
            f"Tool choice '{IMAGE_TOOL}' not found in 'tools' parameter.", "tool_choice"
        )
    return True


def image_request(
    emulator: Emulator,
    tool: Tool,
    prompt: str,
    pictures: tuple[InputPicture, ...],
    *,
    stream: bool,
) -> ImageRequest:
    """Return what the tool will be asked for (slow: it opens the mask).

    Raises:
        RefusedError: an option that does not suit the model or the pictures.
    """
    sent = {k: v for k, v in tool.members.items() if k not in OWN_MEMBERS}
    mask = tool.members.get("input_image_mask")
    if mask is not None and sent.get("output_format") == "gif":
        raise never_with("input_image_mask", "gif", within=tool.where)
    body = {"prompt": prompt, "model": tool.model.name, "stream": stream, **sent}
    try:
        wanted = options(body, tool.model, tool.model.parameters | {"input_fidelity"})
    except RefusedError as error:
        param = error.refusal.param
        within = "input" if param == "prompt" else f"{tool.where}.{param}"
        named = replace(error.refusal, param=within if param else None)
        raise RefusedError(named) from None
    return replace(wanted, **_sources(emulator, tool, pictures))


def _sources(
    emulator: Emulator, tool: Tool, pictures: tuple[InputPicture, ...]
) -> dict[str, object]:
    action, mask = tool.members.get("action"), tool.members.get("input_image_mask")
    if len(pictures) > INPUTS_MAX:
        raise invalid(
            f"At most {INPUTS_MAX} pictures can be worked on, not {len(pictures)}.",
            code="array_above_max_length",
            param="input",
        )
    if action == "edit" and not pictures:
        raise invalid_value("There is no picture to edit.", f"{tool.where}.action")
    inputs = () if action == "generate" else pictures
    if mask is None:
        return {"inputs": inputs}
    where = f"{tool.where}.input_image_mask"
    if not inputs:
        raise invalid_value("There is no picture for the mask.", where)
    return {
        "inputs": inputs,
        "mask": opened_mask(pointed_at(emulator, mask, where), inputs[0], where),
    }
