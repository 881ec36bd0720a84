"""Twin: the meter for programs that do not use asyncio."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

from bench.client.official import is_async
from bench.errors import BadInput
from bench.meter.along import Given
from bench.meter.answer import Answer
from bench.meter.library import Client, Meter
from bench.meter.talk import Conversation
from bench.reference import Send
from bench.suite import Value

Result = TypeVar("Result")


class SyncMeter:
    """`Meter` without asyncio; made with the same arguments.

    It may be used from several threads at once. Its calls run in a loop in a
    thread of its own, so times are stamped as in the asynchronous meter.

    Example:
        with SyncMeter(max_cost_usd="2.00") as meter:
            answer = meter.generate("A red kite", quality="low")
            print(answer.image.path, answer.charge_usd)
    """

    def __init__(self, *arguments: Any, **wishes: Any) -> None:  # noqa: ANN401  those of Meter
        """Nothing is opened or sent yet; the arguments are those of `Meter`."""
        self._meter = Meter(*arguments, **wishes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin the run; raises as `Meter` does."""
        if self._thread is not None:
            raise BadInput("the meter is open; make another for a run beside it")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="meter", daemon=True
        )
        self._thread.start()
        try:
            self._wait(self._meter.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the run, as `Meter` does."""
        ended = threading.Event()
        try:
            self._wait(self._end(ended, kind, error, traceback))
        except (KeyboardInterrupt, SystemExit):
            # Requests are broken off; answers that have come are recorded first.
            ended.wait()
            raise
        finally:
            self._stop()

    async def _end(self, ended: threading.Event, *left_with: Any) -> None:  # noqa: ANN401  as given
        try:
            await self._meter.__aexit__(*left_with)
        finally:
            ended.set()

    @property
    def run_id(self) -> str:
        """The run's name, for `pixelmeter show` and its like."""
        return self._meter.run_id

    @property
    def charge_usd(self) -> Decimal:
        """US dollars charged so far, as far as they are known."""
        return self._meter.charge_usd

    @property
    def possibly_billed_usd(self) -> Decimal:
        """The most that requests of unknown fate may have cost so far."""
        return self._meter.possibly_billed_usd

    def generate(
        self,
        prompt: str,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Ask for pictures, and wait; everything else as `Meter.generate`."""
        call = self._meter.generate(
            prompt, endpoint=endpoint, prompt_id=prompt_id, **parameters
        )
        return self._wait(call)

    def edit(
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
        """Have one picture changed, and wait; everything else as `Meter.edit`."""
        call = self._meter.edit(
            prompt,
            image,
            endpoint=endpoint,
            prompt_id=prompt_id,
            send=send,
            markup=markup,
            **parameters,
        )
        return self._wait(call)

    def compose(
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
        """Have one picture made of several, and wait; as `Meter.compose`."""
        call = self._meter.compose(
            prompt,
            images,
            endpoint=endpoint,
            prompt_id=prompt_id,
            send=send,
            markup=markup,
            **parameters,
        )
        return self._wait(call)

    def inpaint(
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
        """Have a picture changed inside a mask, and wait; as `Meter.inpaint`."""
        call = self._meter.inpaint(
            prompt,
            images,
            mask,
            endpoint=endpoint,
            prompt_id=prompt_id,
            send=send,
            **parameters,
        )
        return self._wait(call)

    def variation(
        self,
        image: Given,
        *,
        endpoint: str | None = None,
        prompt_id: str | None = None,
        **parameters: Value | None,
    ) -> Answer:
        """Have variations of a picture made, and wait; as `Meter.variation`."""
        call = self._meter.variation(
            image, endpoint=endpoint, prompt_id=prompt_id, **parameters
        )
        return self._wait(call)

    def conversation(
        self,
        *,
        endpoint: str | None = None,
        name: str | None = None,
        send: Send | None = None,
        **parameters: Value | None,
    ) -> "SyncConversation":
        """Begin a conversation, as `Meter.conversation`; `say` waits."""
        talk = self._meter.conversation(
            endpoint=endpoint, name=name, send=send, **parameters
        )
        return SyncConversation(talk, self._wait)

    def wrap(self, client: Client, endpoint: str | None = None) -> Client:
        """A metered copy of an `OpenAI` client, as `Meter.wrap`.

        Raises:
            BadInput: It is another kind of client, or no endpoint of the meter
                has its base_url.
        """
        if is_async(client):
            raise BadInput("wrap: a SyncMeter takes OpenAI; AsyncOpenAI is for Meter")
        return self._wait(self._wrap(client, endpoint))

    async def _wrap(self, client: Client, endpoint: str | None) -> Client:
        return self._meter.wrap_any(client, endpoint)

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            # A child that was forked has no such thread, and would wait for ever.
            work.close()
            raise BadInput("the meter is closed; use it inside `with SyncMeter(...)`")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C while waiting: the call is broken off, and recorded so.
            future.cancel()
            raise

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        if thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            # Who still waits in another thread is told, and does not hang.
            loop.run_until_complete(_break_off())
        loop.close()


class SyncConversation:
    """`Conversation` without asyncio; `SyncMeter.conversation` makes one."""

    def __init__(
        self,
        talk: Conversation,
        wait: Callable[[Coroutine[Any, Any, Answer]], Answer],
    ) -> None:
        """Nothing is said yet."""
        self._talk = talk
        self._wait = wait

    def say(
        self, prompt: str, images: Sequence[Given] = (), mask: Given | None = None
    ) -> Answer:
        """Say something, and wait; everything else as `Conversation.say`."""
        return self._wait(self._talk.say(prompt, images, mask))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What came, turn by turn, failed ones among them."""
        return self._talk.answers

    @property
    def charge_usd(self) -> Decimal | None:
        """US dollars of all turns; None where one can't be known."""
        return self._talk.charge_usd

    @property
    def possibly_billed_usd(self) -> Decimal:
        """The most that requests of unknown fate may cost, in US dollars."""
        return self._talk.possibly_billed_usd

    @property
    def service_s(self) -> float | None:
        """Seconds that the endpoint took for all turns; None where one has none."""
        return self._talk.service_s


async def _break_off() -> None:
    """End what other threads asked while the meter was ending."""
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
