"""Asked: one call of a program, as its arguments say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.meter.along import Along, Given
from bench.meter.session import Follows
from bench.plan.growth import prompt_of
from bench.prompt import Prompt
from bench.reference import Send
from bench.suite import Value

Parameters = Mapping[str, Value | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A place in a conversation.

    Attributes:
        conversation: Names it in records.
        number: From 1.
        follows: The turn that it goes on from, None for a beginning.
    """

    conversation: str
    number: int
    follows: Follows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of a program.

    Attributes:
        operation: `generate`, `edit`, `compose`, `inpaint`, `variation` or
            `converse`.
        endpoint: Its name; None is the meter's first.
        prompt_id: Names the prompt in records; None makes a name from its text.
        images: What is sent along.
        mask: Where the first of them may be changed.
        markup: Drawn over the first of them.
        send: How pictures of ours go.
        parameters: What the request carries beside; None is not sent.
        turn: Of a conversation; None where it is none.
    """

    operation: str
    prompt: str
    endpoint: str | None = None
    prompt_id: str | None = None
    images: tuple[Given, ...] = ()
    mask: Given | None = None
    markup: Given | None = None
    send: Send | None = None
    parameters: Parameters = field(default_factory=dict[str, Value | None])
    turn: Turn | None = None


def asked_prompt(asked: Asked, along: Along) -> Prompt:
    """What a call asks, with its pictures.

    Raises:
        BadInput: The text is empty or too long, or the id can't be one.
    """
    prompt = prompt_of(
        asked.prompt, asked.prompt_id, along.inputs, along.mask, along.markup
    )
    if asked.turn is None:
        return prompt
    turn = asked.turn
    return prompt.model_copy(
        update={"conversation": turn.conversation, "turn": turn.number}
    )
