"""Wording: which call of the library asks for a trial; pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.attempt import Cell, Trial
from bench.reference import Contents, Reference

Named = dict[str, Any]
# By the picture's digest, what the endpoint calls it.
FileIds = Mapping[str, str]
# What the image tool takes; the rest is said to the text model. `n` is none of
# them, and who asks for it there is to hear so from the endpoint.
_OF_TOOL = frozenset(
    {
        "action",
        "background",
        "complexity",
        "frame_count",
        "frame_duration_ms",
        "input_fidelity",
        "moderation",
        "n",
        "output_compression",
        "output_format",
        "partial_images",
        "quality",
        "size",
        "svg",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the library.

    Attributes:
        method: Its name there, or a path where the library has no method.
        named: What it is called with; what its signature lacks is said beside.
    """

    method: str
    named: Named


def call_of(trial: Trial, contents: Contents, file_ids: FileIds) -> Call:
    """The call that asks for the pictures of a trial.

    Args:
        trial: What is asked.
        contents: Gives the bytes of references of ours.
        file_ids: Of those that were uploaded before.
    """
    cell = trial.cell
    said = {**_parameters(cell), "model": cell.model}
    along = _Along(contents, file_ids)
    if cell.api == "responses":
        return Call(method="responses.create", named=_response(trial, along))
    if cell.operation == "variation":
        (picture,) = trial.references
        image = along.part(picture, "image")
        return Call(method="images.create_variation", named={**said, "image": image})
    said["prompt"] = trial.prompt_text
    if not trial.references:
        return Call(method="images.generate", named=said)
    if all(one.is_ours and one.send in {None, "upload"} for one in _pictures(trial)):
        return Call(method="images.edit", named={**said, **_parts(trial, along)})
    return Call(method="/images/edits", named={**said, **_places(trial, along)})


def to_upload(trial: Trial) -> tuple[Reference, ...]:
    """What has to lie at the endpoint before a trial is asked, each once."""
    return tuple(dict.fromkeys(p for p in _pictures(trial) if p.send == "file_id"))


def file_part(
    reference: Reference, content: bytes, name: str
) -> tuple[str, bytes, str]:
    """A picture as a part of a form: file name, content, type."""
    kind = reference.format or "png"
    return f"{name}.{kind}", content, f"image/{kind}"


def _pictures(trial: Trial) -> tuple[Reference, ...]:
    others = (trial.mask, trial.markup)
    return (*trial.references, *(one for one in others if one is not None))


def _parameters(cell: Cell) -> Named:
    """What a cell sends beside prompt and models, its drawing's author as one."""
    said: Named = dict(cell.parameters)
    model, effort = said.pop("svg_model", None), said.pop("svg_effort", None)
    if model is not None:
        reasoning = {} if effort is None else {"reasoning": {"effort": effort}}
        said["svg"] = {"model": model, **reasoning}
    return said


@dataclass(frozen=True, slots=True)
class _Along:
    """Pictures in the forms that requests have for them."""

    contents: Contents
    file_ids: FileIds

    def part(self, reference: Reference, name: str) -> tuple[str, bytes, str]:
        return file_part(reference, self.contents(reference), name)

    def place(self, reference: Reference) -> Named:
        """Where the endpoint finds a picture: one member of two."""
        laid = self.file_ids.get(reference.sha256 or "")
        if laid is not None and reference.send == "file_id":
            return {"file_id": laid}
        if reference.is_ours:
            encoded = base64.b64encode(self.contents(reference)).decode()
            kind = reference.format or "png"
            return {"image_url": f"data:image/{kind};base64,{encoded}"}
        if reference.file_id is not None:
            return {"file_id": reference.file_id}
        return {"image_url": reference.url}


def _parts(trial: Trial, along: _Along) -> Named:
    pictures = [
        along.part(one, f"image-{number}")
        for number, one in enumerate(trial.references, 1)
    ]
    # One goes under the plain name of the field, several under that of a list.
    parts: Named = {"image": pictures[0] if len(pictures) == 1 else pictures}
    if trial.mask is not None:
        parts["mask"] = along.part(trial.mask, "mask")
    if trial.markup is not None:
        parts["markup"] = along.part(trial.markup, "markup")
    return parts


def _places(trial: Trial, along: _Along) -> Named:
    places: Named = {"images": [along.place(one) for one in trial.references]}
    if trial.mask is not None:
        places["mask"] = along.place(trial.mask)
    return places


def _response(trial: Trial, along: _Along) -> Named:
    cell = trial.cell
    said = _parameters(cell)
    tool = {name: said.pop(name) for name in tuple(said) if name in _OF_TOOL}
    if trial.mask is not None:
        tool["input_image_mask"] = along.place(trial.mask)
    more: Named = {}
    if trial.previous_response_id is not None:
        more["previous_response_id"] = trial.previous_response_id
    return {
        "model": cell.mainline_model,
        "input": _input(trial, along),
        "tools": [{"type": "image_generation", "model": cell.model, **tool}],
        "tool_choice": {"type": "image_generation"},
        "store": cell.operation == "converse",
        **said,
        "max_output_tokens": cell.max_output_tokens,
        **more,
    }


def _input(trial: Trial, along: _Along) -> str | list[Named]:
    if not trial.references:
        return trial.prompt_text
    pictures = [
        {"type": "input_image", "detail": "auto", **along.place(one)}
        for one in trial.references
    ]
    text = {"type": "input_text", "text": trial.prompt_text}
    return [{"role": "user", "content": [text, *pictures]}]
