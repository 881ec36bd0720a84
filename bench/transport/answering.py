"""Answering: an answer whose head is there, for one who wants it whole."""

import time
from collections.abc import AsyncIterator

import httpx2

from bench.transport.fields import codings, is_packed, is_stream


class Answering:
    """An answer on its way.

    Attributes:
        status: The final one.
        headers: By name in small letters; those that repeat stand together.
        is_stream: Its body is events.
        arrived: How many bytes of its body, unpacked, were taken at which instant
            of the monotonic clock.
    """

    def __init__(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        parts: AsyncIterator[bytes],
    ) -> None:
        """Take its head, and what gives its body as it comes."""
        self.status = status
        self.headers = _named(headers)
        self.is_stream = is_stream(headers)
        self.arrived: list[tuple[int, int]] = []
        self._content: list[bytes] = []
        self._is_packed = is_packed(headers)
        self._codings = codings(headers)
        self._parts = parts

    async def whole(self, most_bytes: int) -> bytes:
        """The body, unpacked, when its last byte is there.

        Raises:
            httpx2.HTTPError: It broke off, goes on for longer than that, or is
                not packed as it says.
        """
        content = self._content
        n_bytes = 0
        async for part in self.parts():
            content.append(part)
            n_bytes += len(part)
            if self.is_stream:
                self.arrived.append((n_bytes, time.monotonic_ns()))
            if n_bytes > most_bytes:
                sentence = f"the answer is longer than {most_bytes:,} bytes"
                raise httpx2.RemoteProtocolError(sentence)
        return content[0] if len(content) == 1 else b"".join(content)

    def parts(self) -> AsyncIterator[bytes]:
        """The body, unpacked, as it comes; what breaks it off is raised."""
        return self._unpacked() if self._is_packed else self._parts

    @property
    def so_far(self) -> bytes:
        """What of the body was taken."""
        return b"".join(self._content)

    def _unpacked(self) -> AsyncIterator[bytes]:
        response = httpx2.Response(
            self.status, headers=self._codings, stream=_Stream(self._parts)
        )
        return response.aiter_bytes()


class _Stream(httpx2.AsyncByteStream):
    """Parts under the name that the library knows them by."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            yield part


def _named(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    named: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("utf-8", "replace")
        named[name] = f"{named[name]}, {value}" if name in named else value
    return named
