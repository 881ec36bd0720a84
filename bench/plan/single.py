"""Single: a prompt that is asked without a suite."""

import hashlib
from pathlib import Path

from bench.document import check
from bench.prompt import Prompt
from bench.reference import Reference


def prompt_of(
    text: str,
    prompt_id: str | None = None,
    *,
    inputs: tuple[Reference, ...] = (),
    mask: Reference | None = None,
    conversation: str | None = None,
    turn: int | None = None,
) -> Prompt:
    """A prompt that was asked without a suite; its id is made from what it asks.

    Raises:
        BadInput: The text is empty or too long, or the id can't be one.
    """
    pictures = inputs if mask is None else (*inputs, mask)
    made = f"p-{digest_of(text, pictures)[:12]}"
    written = check(Path("prompt"), {"id": prompt_id or made, "text": text}, Prompt)
    return written.model_copy(
        update={
            "inputs": inputs,
            "mask": mask,
            "conversation": conversation,
            "turn": turn,
        }
    )


def digest_of(text: str, pictures: tuple[Reference, ...]) -> str:
    """Of what a prompt asks; without pictures that of its text."""
    digest = hashlib.sha256(text.encode())
    for one in pictures:
        digest.update(one.model_dump_json(exclude={"file"}).encode())
    return digest.hexdigest()
