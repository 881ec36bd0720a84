"""Jobs: the client of one endpoint's Files and Batch APIs."""

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import httpx2

from bench.attempt import Trial
from bench.client.builder import NOT_BUILT, RequestBuilder
from bench.client.exchange import Exchange, in_words
from bench.client.files import Files, NotUploaded
from bench.client.wording import Call, to_upload
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.folder import OWNER_ONLY_FILE
from bench.reference import Contents, Reference, nothing_along
from bench.transport.answering import Answering
from bench.transport.client import NETWORK_ERRORS
from bench.transport.proxies import EnvironmentTransport
from bench.transport.sealed import Sealed
from bench.transport.stamps import RequestStamps
from bench.wire.refusal import read_refusal

# What a job looks like, or a page of them; pictures come in files.
_MOST_BODY_BYTES = 50_000_000
PAGE = 100
_WINDOW = "24h"
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES})
_Build = Callable[[], Awaitable[Sealed]]


class JobClient:
    """Asks about files and jobs; each call is at most one HTTP request.

    None of them makes a picture, so none is an attempt. They never raise for what
    comes back.
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
        self._base_path = httpx2.URL(endpoint.base_url).path.rstrip("/")
        self._builder = RequestBuilder(endpoint, key, contents)
        self._transport = EnvironmentTransport()
        self._files = Files(self._lay)

    async def close(self) -> None:
        """Close the connections."""
        await self._files.close()
        await self._transport.aclose()

    async def written(self, trial: Trial) -> tuple[str, bytes]:
        """The request of a trial as a job's line has it: its path and its JSON.

        Pictures that are to lie at the endpoint are laid there before.

        Raises:
            BadInput: It can't be written, or not as JSON.
        """
        try:
            file_ids = await self._files.ids_of(to_upload(trial))
            sealed = await self._builder.build(trial, None, file_ids)
        except NotUploaded as error:
            raise BadInput(
                f"prompt {trial.prompt_id}: {error} ({_heard(error.answer)})"
            ) from None
        except NOT_BUILT as error:
            raise BadInput(
                f"prompt {trial.prompt_id}: its request can't be written "
                f"({in_words(error)})"
            ) from None
        request = sealed.template
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise BadInput(
                f"prompt {trial.prompt_id}: its request is no JSON, which a job of the "
                "Batch API needs; leave --batch out"
            )
        return "/v1" + request.url.path.removeprefix(self._base_path), sealed.body

    async def upload(self, name: str, content: bytes) -> Exchange:
        """Give the endpoint the requests of a job, as a file."""
        named = {"file": (name, content, "application/jsonl"), "purpose": "batch"}
        return await self._asked(Call(method="files.create", named=named), name)

    async def create(
        self, path: str, input_file_id: str, metadata: Mapping[str, str]
    ) -> Exchange:
        """Have a job made of an uploaded file."""
        named = {
            "completion_window": _WINDOW,
            "endpoint": path,
            "input_file_id": input_file_id,
            "metadata": dict(metadata),
        }
        return await self._asked(
            Call(method="batches.create", named=named), input_file_id
        )

    async def look(self, batch_id: str) -> Exchange:
        """Ask how a job stands."""
        call = Call(method="batches.retrieve", named={"batch_id": batch_id})
        return await self._asked(call, batch_id)

    async def cancel(self, batch_id: str) -> Exchange:
        """Ask for a job to be broken off; lines at work may still end."""
        call = Call(method="batches.cancel", named={"batch_id": batch_id})
        return await self._asked(call, batch_id)

    async def page(self, after: str | None = None) -> Exchange:
        """A page of the jobs there are, the newest first; `PAGE` of them at most."""
        named = {"limit": PAGE, **({} if after is None else {"after": after})}
        return await self._asked(Call(method="batches.list", named=named), "jobs")

    async def see_file(self, file_id: str) -> Exchange:
        """Ask whether there is a file."""
        call = Call(method="files.retrieve", named={"file_id": file_id})
        return await self._asked(call, file_id)

    async def download(self, file_id: str, path: Path) -> Exchange:
        """Write what is in a file to a path; the exchange holds no body of a 200.

        Raises:
            StorageFailed: It could not be written.
        """
        call = Call(method="files.content", named={"file_id": file_id})
        return await self._asked(call, file_id, path)

    async def _lay(self, reference: Reference) -> Exchange:
        return await self._sent(
            partial(self._builder.build_upload, reference), reference.sha256 or "input"
        )

    async def _asked(self, call: Call, word: str, path: Path | None = None) -> Exchange:
        return await self._sent(partial(self._builder.write, call), word, path)

    async def _sent(
        self, build: _Build, word: str, path: Path | None = None
    ) -> Exchange:
        stamps = RequestStamps(started_ns=time.monotonic_ns())
        try:
            # A file of pictures may take longer than one of them.
            async with asyncio.timeout(None if path else self._within_s):
                return await self._exchange(build, word, stamps, path)
        except TimeoutError:
            message = f"no whole answer within {self._within_s:g} s"
            return Exchange(stamps=stamps, failure="timeout", message=message)
        # No address can be made of some names that an endpoint may give.
        except (*NOT_BUILT, *NETWORK_ERRORS, ValueError) as error:
            message = in_words(error.__cause__ or error)
            kind = "broken" if stamps.may_have_left else "connect_failed"
            return Exchange(stamps=stamps, failure=kind, message=message)

    async def _exchange(
        self, build: _Build, word: str, stamps: RequestStamps, path: Path | None
    ) -> Exchange:
        request = await build()
        async with self._transport.sent(request, word, stamps) as answer:
            status, headers, body = answer.status, answer.headers, None
            if path is None or not 200 <= status < 300:  # noqa: PLR2004  success class
                body = await answer.whole(_MOST_BODY_BYTES)
            else:
                await _write(answer, path, self._within_s)
        return Exchange(stamps=stamps, status=status, headers=headers, body=body)


def _heard(answer: Exchange) -> str:
    """Why an upload failed, as the endpoint or the network told it."""
    if answer.failure is not None or answer.status is None:
        return answer.message or answer.failure or "no answer"
    told = read_refusal(answer.status, answer.body or b"").error_message
    return f"HTTP {answer.status}{f': {told}' if told else ''}"


async def _write(answer: Answering, path: Path, within_s: float) -> None:
    """Write a body to a file; it may take long, but never stand still for long."""
    parts = aiter(answer.parts())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY_FILE)
        with os.fdopen(handle, "wb") as file:
            while True:
                async with asyncio.timeout(within_s):
                    part = await anext(parts, None)
                if part is None:
                    return
                file.write(part)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise StorageFailed(
            f"{path}: a job's answers could not be written ({error.strerror}); "
            "make room and resume"
        ) from None
