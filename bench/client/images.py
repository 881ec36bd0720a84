"""Images: the client of one endpoint's image APIs."""

import asyncio
import time
from dataclasses import dataclass

from bench.attempt import Trial
from bench.client.builder import NOT_BUILT, RequestBuilder
from bench.client.exchange import NOT_READ, UPLOAD_FAILED, Exchange, in_words
from bench.client.files import Files, NotUploaded
from bench.client.wording import to_upload
from bench.endpoint import Endpoint
from bench.errors import BenchError
from bench.reference import Contents, Reference, nothing_along
from bench.transport.answering import Answering
from bench.transport.client import NETWORK_ERRORS
from bench.transport.proxies import EnvironmentTransport
from bench.transport.sealed import Sealed
from bench.transport.stamps import RequestStamps

# Ten pictures of 4K in base64 stay below.
MOST_BODY_BYTES = 400_000_000


@dataclass(slots=True)
class _Partly:
    """What came of an answer so far."""

    answer: Answering | None = None


class ImageClient:
    """Sends trials to one endpoint; each call is at most one HTTP request.

    Pictures that are to lie at the endpoint first go before it, each once.
    """

    def __init__(
        self, endpoint: Endpoint, key: str, contents: Contents = nothing_along
    ) -> None:
        """Open no connection yet.

        Args:
            endpoint: Where requests go.
            key: The secret itself; it is kept in the builder alone.
            contents: Gives the bytes of pictures that are sent along.

        Raises:
            NoCredentials: The key can't stand in a header.
        """
        self._within_s = endpoint.timeout_s
        self._builder = RequestBuilder(endpoint, key, contents)
        self._transport = EnvironmentTransport()
        self._files = Files(self._upload)

    async def close(self) -> None:
        """Close the connections."""
        await self._files.close()
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
                request = await self._request(trial, stamps)
                return await self._exchange(request, attempt_id, stamps, partly)
        except TimeoutError:
            message = f"no whole answer within {self._within_s:g} s"
            return _failed(stamps, partly, "timeout", message)
        except NotUploaded as error:
            return _not_uploaded(stamps, error)
        except BenchError as error:
            return _failed(stamps, partly, NOT_READ, str(error))
        except (*NOT_BUILT, *NETWORK_ERRORS) as error:
            cause = error.__cause__ or error
            kind = "broken" if stamps.may_have_left else "connect_failed"
            return _failed(stamps, partly, kind, in_words(cause))

    async def _request(self, trial: Trial, stamps: RequestStamps) -> Sealed:
        references = to_upload(trial)
        if not references:
            return await self._builder.build(trial, stamps)
        begun_ns = time.monotonic_ns()
        file_ids = await self._files.ids_of(references)
        # The clock of the trial begins when its pictures lie there.
        stamps.started_ns = time.monotonic_ns()
        stamps.uploads_ns = stamps.started_ns - begun_ns
        return await self._builder.build(trial, stamps, file_ids)

    async def _upload(self, reference: Reference) -> Exchange:
        stamps, partly = RequestStamps(started_ns=time.monotonic_ns()), _Partly()
        name = f"upload-{(reference.sha256 or '')[:16]}"
        try:
            async with asyncio.timeout(self._within_s):
                request = await self._builder.build_upload(reference)
                return await self._exchange(request, name, stamps, partly)
        except TimeoutError:
            message = f"no whole answer within {self._within_s:g} s"
            return _failed(stamps, partly, "timeout", message)
        except (*NOT_BUILT, *NETWORK_ERRORS) as error:
            cause = error.__cause__ or error
            return _failed(stamps, partly, "broken", in_words(cause))

    async def _exchange(
        self, request: Sealed, name: str, stamps: RequestStamps, partly: _Partly
    ) -> Exchange:
        async with self._transport.sent(request, name, stamps) as answer:
            partly.answer = answer
            body = await answer.whole(MOST_BODY_BYTES)
        return Exchange(
            stamps=stamps,
            status=answer.status,
            headers=answer.headers,
            body=body,
            arrived=_arrived(stamps, answer),
        )


def _not_uploaded(stamps: RequestStamps, error: NotUploaded) -> Exchange:
    """Nothing was asked; what the endpoint said of the picture is kept."""
    answer = error.answer
    why = f": {answer.message}" if answer.message else ""
    return Exchange(
        stamps=stamps,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        failure=UPLOAD_FAILED,
        message=f"{error}{why}",
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
