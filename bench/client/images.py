"""Images: the client of one endpoint's image API."""

import asyncio
from dataclasses import dataclass

from bench.attempt import Trial
from bench.client.builder import NOT_BUILT, RequestBuilder
from bench.client.exchange import Exchange, in_words
from bench.endpoint import Endpoint
from bench.transport.answering import Answering
from bench.transport.client import NETWORK_ERRORS
from bench.transport.proxies import EnvironmentTransport
from bench.transport.stamps import RequestStamps

# Ten pictures of 4K in base64 stay below.
MOST_BODY_BYTES = 400_000_000


@dataclass(slots=True)
class _Partly:
    """What came of an answer so far."""

    answer: Answering | None = None


class ImageClient:
    """Sends trials to one endpoint; each call is at most one HTTP request."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        """Open no connection yet.

        Args:
            endpoint: Where requests go.
            key: The secret itself; it is kept in the builder alone.

        Raises:
            NoCredentials: The key can't stand in a header.
        """
        self._within_s = endpoint.timeout_s
        self._builder = RequestBuilder(endpoint, key)
        self._transport = EnvironmentTransport()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def ask(
        self, trial: Trial, attempt_id: str, stamps: RequestStamps
    ) -> Exchange:
        """Ask for the pictures of a trial; never raises for what comes back.

        Args:
            trial: What is asked.
            attempt_id: Names the request to the endpoint.
            stamps: Filled in while the request is under way.
        """
        partly = _Partly()
        try:
            async with asyncio.timeout(self._within_s):
                return await self._exchange(trial, attempt_id, stamps, partly)
        except TimeoutError:
            message = f"no whole answer within {self._within_s:g} s"
            return _failed(stamps, partly, "timeout", message)
        except (*NOT_BUILT, *NETWORK_ERRORS) as error:
            cause = error.__cause__ or error
            kind = "broken" if stamps.may_have_left else "connect_failed"
            return _failed(stamps, partly, kind, in_words(cause))

    async def _exchange(
        self, trial: Trial, attempt_id: str, stamps: RequestStamps, partly: _Partly
    ) -> Exchange:
        request = await self._builder.build(trial, stamps)
        async with self._transport.sent(request, attempt_id, stamps) as answer:
            partly.answer = answer
            body = await answer.whole(MOST_BODY_BYTES)
        return Exchange(
            stamps=stamps,
            status=answer.status,
            headers=answer.headers,
            body=body,
            arrived=_arrived(stamps, answer),
        )


def _failed(
    stamps: RequestStamps, partly: _Partly, kind: str, message: str
) -> Exchange:
    answer = partly.answer
    if answer is None:
        return Exchange(stamps=stamps, failure=kind, message=message)
    return Exchange(
        stamps=stamps,
        status=answer.status,
        headers=answer.headers,
        # Partial pictures came before it broke off, and perhaps the last one.
        body=answer.so_far if answer.is_stream else None,
        arrived=_arrived(stamps, answer),
        failure=kind,
        message=message,
    )


def _arrived(stamps: RequestStamps, answer: Answering) -> tuple[tuple[int, int], ...]:
    """By the socket where that is ours and the body not packed, else by our loop."""
    return tuple(stamps.arrived or answer.arrived)
