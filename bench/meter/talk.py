"""Talk: a conversation with a model, turn by turn."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from bench.errors import BadInput
from bench.meter.along import Given
from bench.meter.answer import Answer
from bench.meter.asked import Asked, Parameters, Turn
from bench.meter.session import Follows
from bench.reference import Send
from pricing.money import total


class Conversation:
    """Turns that follow each other, each a trial with its own time and dollars.

    A turn goes on from the last one that was ok: one that failed can be said again,
    and hangs on the same turn before it.

    Example:
        talk = meter.conversation(mainline_model="gpt-5.2", quality="low")
        await talk.say("A red kite over a beach")
        await talk.say("Now at night")
        print(talk.charge_usd, talk.service_s)
    """

    def __init__(
        self,
        ask: Callable[[Asked], Awaitable[Answer]],
        name: str,
        *,
        endpoint: str | None,
        send: Send | None,
        parameters: Parameters,
    ) -> None:
        """Nothing is said yet; `Meter.conversation` makes one.

        Args:
            ask: Makes a call.
            name: Names it in records.
            endpoint: Whom it is held with.
            send: How pictures of ours go.
            parameters: Of each turn.
        """
        self._ask = ask
        self._name = name
        self._endpoint = endpoint
        self._send: Send | None = send
        self._parameters: Parameters = {"api": "responses", **parameters}
        self._answers: list[Answer] = []
        self._is_waiting = False

    async def say(
        self, prompt: str, images: Sequence[Given] = (), mask: Given | None = None
    ) -> Answer:
        """Say something, and wait for the answer.

        Args:
            prompt: Word for word.
            images: Pictures that are shown with it.
            mask: Where the first of them may be changed.

        Raises:
            BadInput, NoCredentials, NotSent, StorageFailed: As `Meter.generate`; or
                the turn before has not ended.
        """
        if self._is_waiting:
            raise BadInput(
                f"conversation '{self._name}': the turn before has not ended; wait for "
                "it, or hold another conversation beside this one"
            )
        self._is_waiting = True
        try:
            answer = await self._ask(self._asked(prompt, tuple(images), mask))
        finally:
            self._is_waiting = False
        self._answers.append(answer)
        return answer

    def _asked(
        self, prompt: str, images: tuple[Given, ...], mask: Given | None
    ) -> Asked:
        number = len(self._answers) + 1
        return Asked(
            operation="converse",
            prompt=prompt,
            endpoint=self._endpoint,
            prompt_id=f"{self._name}/{number}",
            images=images,
            mask=mask,
            send=self._send,
            parameters=self._parameters,
            turn=Turn(
                conversation=self._name,
                number=number,
                follows=self._follows(),
            ),
        )

    def _follows(self) -> Follows | None:
        """The last turn that can be gone on from."""
        for answer in reversed(self._answers):
            if answer.ok and answer.response_id is not None:
                return Follows(trial_id=answer.trial_id, response_id=answer.response_id)
        return None

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What came, turn by turn, failed ones among them."""
        return tuple(self._answers)

    @property
    def charge_usd(self) -> Decimal | None:
        """US dollars of all turns; None where one can't be known."""
        known = [a.charge_usd for a in self._answers if a.charge_usd is not None]
        return total(known) if len(known) == len(self._answers) else None

    @property
    def possibly_billed_usd(self) -> Decimal:
        """The most that requests of unknown fate may cost, in US dollars."""
        return total(answer.possibly_billed_usd for answer in self._answers)

    @property
    def service_s(self) -> float | None:
        """Seconds that the endpoint took for all turns; None where one has none."""
        taken = [answer.timings.service_s for answer in self._answers]
        known = [one for one in taken if one is not None]
        return sum(known) if len(known) == len(taken) else None
