"""Operations: what a program may ask a meter for, each a method."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench.meter.along import Given
from bench.meter.answer import Answer
from bench.meter.asked import Asked
from bench.meter.talk import Conversation
from bench.reference import Reference, Send
from bench.suite import Value

# A variation is asked without a word; records need a text all the same.
NO_PROMPT = "(a variation: no prompt is sent)"


def several(images: Given | Sequence[Given]) -> tuple[Given, ...]:
    """One picture or several, as several."""
    one = isinstance(images, Path | str | bytes | Reference)
    return (images,) if one else tuple(images)


class Operations(ABC):
    """The calls of a meter; each is one trial, and everything that comes is an answer.

    All of them take `endpoint` (one of the meter's names; else its first) and
    `prompt_id` (names the prompt in records; else made from what is asked), and
    every parameter that a suite may fix: `model` (gpt-image-2 where nothing names
    another), `quality`, `size`, `n`, `output_format`, `output_compression`,
    `background`, `moderation`, `input_fidelity`, `stream`, `partial_images` and the
    like; `api` ("images" or "responses") and, with responses, `mainline_model`, the
    text model that drives the image tool. What is not given is not sent.

    A picture that is sent along is a Path, bytes, a Reference, or a text: the name
    of a file, `https://...`, `data:image/...;base64,...` or `file-...`, the id of a
    file that lies at the endpoint. Pictures of yours (PNG, JPEG, WebP) are opened
    and kept in the data folder before anything is sent. `send` says how they go:
    `upload` (as parts of a form, the default of the Images API), `data_url` (within
    the request) or `file_id` (uploaded by the Files API first).

    All raise:
        BadInput: A parameter or picture that the model refuses, or no price: nothing
            was sent.
        NoCredentials: The endpoint's key is missing or was refused.
        NotSent: The cap leaves no room, or the endpoint closed the way.
        StorageFailed: What happened could not be recorded.
    """

    def __init__(self) -> None:
        """No conversation yet."""
        self._n_conversations = 0

    @abstractmethod
    async def ask(self, asked: Asked) -> Answer:
        """Make one call."""

    async def generate(
        self,
        prompt: str,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Ask for pictures.

        Args:
            prompt: What is asked, word for word.
            endpoint: One of the meter's; else its first.
            prompt_id: Names the prompt in records; else made from its text.
            **parameters: What the request carries, as the class says.

        Returns:
            The answer; `n` images when it is ok.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As the class says.
        """
        asked = Asked(
            operation="generate",
            prompt=prompt,
            endpoint=endpoint,
            prompt_id=prompt_id,
            parameters=parameters,
        )
        return await self.ask(asked)

    async def edit(
        self,
        prompt: str,
        image: Given,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        send: Send | None = None,
        markup: Given | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Have one picture changed.

        Args:
            prompt: What is to become of it.
            image: The picture.
            endpoint: One of the meter's; else its first.
            prompt_id: Names the prompt in records; else made from what is asked.
            send: How a picture of yours goes.
            markup: Drawn over it, to say what is to be changed: a PNG as large as the
                picture, transparent elsewhere (gpt-image-2.5 and newer).
            **parameters: What the request carries, as the class says.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As the class says.
        """
        asked = Asked(
            operation="edit",
            prompt=prompt,
            endpoint=endpoint,
            prompt_id=prompt_id,
            images=(image,),
            send=send,
            markup=markup,
            parameters=parameters,
        )
        return await self.ask(asked)

    async def compose(
        self,
        prompt: str,
        images: Sequence[Given],
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        send: Send | None = None,
        markup: Given | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Have one picture made of several.

        Args:
            prompt: What they are to become.
            images: 1 to 16 pictures; the first keeps the most detail.
            endpoint: One of the meter's; else its first.
            prompt_id: Names the prompt in records; else made from what is asked.
            send: How pictures of yours go.
            markup: Drawn over the first, to say what is to be changed: a PNG as large
                as that one, transparent elsewhere (gpt-image-2.5 and newer).
            **parameters: What the request carries, as the class says.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As the class says.
        """
        asked = Asked(
            operation="compose",
            prompt=prompt,
            endpoint=endpoint,
            prompt_id=prompt_id,
            images=several(images),
            send=send,
            markup=markup,
            parameters=parameters,
        )
        return await self.ask(asked)

    async def inpaint(
        self,
        prompt: str,
        images: Given | Sequence[Given],
        mask: Given,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        send: Send | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Have a picture changed inside a mask.

        Args:
            prompt: What is to stand there.
            images: 1 to 16 pictures; the mask is for the first.
            mask: A PNG as large as that one, transparent where it may be changed;
                `pixelmeter mask` makes one from black and white.
            endpoint: One of the meter's; else its first.
            prompt_id: Names the prompt in records; else made from what is asked.
            send: How pictures of yours go.
            **parameters: What the request carries, as the class says.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As the class says.
        """
        asked = Asked(
            operation="inpaint",
            prompt=prompt,
            endpoint=endpoint,
            prompt_id=prompt_id,
            images=several(images),
            mask=mask,
            send=send,
            parameters=parameters,
        )
        return await self.ask(asked)

    async def variation(
        self,
        image: Given,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Have variations of a picture made, by dall-e-2 where it is still sold.

        Args:
            image: A square PNG.
            endpoint: One of the meter's; else its first.
            prompt_id: Names the picture in records; else made from its content.
            **parameters: What the request carries: `n`, `size`, `response_format`.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As the class says.
        """
        asked = Asked(
            operation="variation",
            prompt=NO_PROMPT,
            endpoint=endpoint,
            prompt_id=prompt_id,
            images=(image,),
            parameters=parameters,
        )
        return await self.ask(asked)

    def conversation(
        self,
        *,
        endpoint: str | None = None,
        name: str | None = None,
        send: Send | None = None,
        **parameters: Value | None,
    ) -> Conversation:
        """Begin a conversation by the Responses API; nothing is sent yet.

        Args:
            endpoint: One of the meter's; else its first.
            name: Names it in records, each turn as `name/1`, `name/2`; else counted.
            send: How pictures of yours go.
            **parameters: What each turn's request carries, `mainline_model` among
                them.
        """
        self._n_conversations += 1
        return Conversation(
            self.ask,
            name or f"conversation-{self._n_conversations}",
            endpoint=endpoint,
            send=send,
            parameters=parameters,
        )
