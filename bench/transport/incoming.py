"""Incoming: one answer as it arrives, parsed by llhttp."""

import asyncio

import httpx2
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from bench.transport.lengths import with_one_length

# A head, a trailer or a chunk's own line that is longer leads nowhere.
_MOST_HEAD_BYTES = 262_144
# One that is read more than once must not cost much each time.
_MOST_ODD_HEAD_BYTES = 65_536
_NO_BODY = frozenset({204, 304})


class Incoming:
    """Takes bytes as they come; who waits is woken whenever there is more.

    Attributes:
        status: Of the final answer; those that only announce it are passed over.
        is_headed: Status and headers are there.
        is_whole: The last byte is there.
        keeps_alive: The server goes on with the connection after this answer.
        n_begun: Announcements that began, and the final answer.
    """

    def __init__(self, *, is_head_only: bool) -> None:
        """Wait for the first byte.

        Args:
            is_head_only: The request was a HEAD, so that no body follows.
        """
        self.status = 0
        self.reason = b""
        self.version = b"HTTP/1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_headed = False
        self.is_whole = False
        self.keeps_alive = False
        self.n_unread_bytes = 0
        self.n_begun = 0
        self._is_head_only = is_head_only
        self._parser = self._new_parser()
        # All bytes until the head is there, and why they can't be read as they are.
        self._head = bytearray()
        self._oddity: HttpParserError | None = None
        self._parts: list[bytes] = []
        self._n_idle_bytes = 0
        self._failure: httpx2.TransportError | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.is_whole or self._failure is not None

    def feed(self, content: memoryview) -> None:
        """Take bytes as they were read."""
        if self.is_over:
            # What a server sends unasked belongs to no answer.
            self.keeps_alive = False
            return
        before = (self.is_headed, self.n_unread_bytes)
        try:
            self._parse(content)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.is_whole:
                self.keeps_alive = False
                self._wake()
                return
            is_other = isinstance(error, HttpParserUpgrade)
            why = "the server changed the protocol" if is_other else str(error)
            self.fail(httpx2.RemoteProtocolError(f"the answer is no HTTP: {why}"))
            return
        is_on = before != (self.is_headed, self.n_unread_bytes)
        self._n_idle_bytes = 0 if is_on else self._n_idle_bytes + len(content)
        if self._n_idle_bytes > _MOST_HEAD_BYTES and not self.is_whole:
            self.fail(httpx2.RemoteProtocolError("the answer's head does not end"))
        self._wake()

    def _new_parser(self) -> HttpResponseParser:
        parser = HttpResponseParser(self)
        # An answer may be paid: what can be read is read. Nothing else than this
        # answer hangs on where it ends.
        parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_keep_alive=True,
            lenient_version=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    def _parse(self, content: memoryview) -> None:
        """Read on; a head that can't be read is read once more, made plain."""
        if self.is_headed:
            self._parser.feed_data(content)
            return
        self._head += content
        try:
            if self._oddity is None:
                self._parser.feed_data(content)
        except HttpParserError as error:
            if self.is_headed:
                raise
            self._oddity = error
        if self._oddity is not None:
            self._parse_once_more(self._oddity)
        if self.is_headed:
            self._head.clear()

    def _parse_once_more(self, oddity: HttpParserError) -> None:
        try:
            plain = with_one_length(bytes(self._head))
        except ValueError:
            raise oddity from None
        if plain is None and len(self._head) > _MOST_ODD_HEAD_BYTES:
            raise oddity
        if plain is not None:
            # It began once.
            self.n_begun -= 1
            self.headers.clear()
            self.reason = b""
            self._parser = self._new_parser()
            self._parser.feed_data(plain)

    def lost(self, cause: Exception | None) -> None:
        """The connection ended; without a cause the server closed it."""
        if self.is_over:
            return
        if cause is not None:
            self.fail(httpx2.ReadError(str(cause) or type(cause).__name__))
        elif not self.is_headed:
            sentence = "the server closed the connection without an answer"
            self.fail(httpx2.RemoteProtocolError(sentence))
        elif self._ends_by_closing():
            self.is_whole = True
            self._wake()
        else:
            sentence = "the server closed the connection before the answer was whole"
            self.fail(httpx2.RemoteProtocolError(sentence))

    def fail(self, failure: httpx2.TransportError) -> None:
        """Nothing more will come, for a reason."""
        self._failure = failure
        self._wake()

    def drop(self) -> None:
        """Nobody reads what came: a parser and its owner are freed late."""
        self._parts.clear()
        self._head.clear()
        self.n_unread_bytes = 0

    def take(self) -> bytes:
        """The body's bytes that came since."""
        content = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.n_unread_bytes = 0
        return content

    def named_headers(self) -> dict[str, str]:
        """The headers by name in small letters; those that repeat stand together."""
        named: dict[str, str] = {}
        for raw_name, raw_value in self.headers:
            name = raw_name.decode("latin-1").lower()
            value = raw_value.decode("utf-8", "replace")
            named[name] = f"{named[name]}, {value}" if name in named else value
        return named

    async def more(self, within_s: float | None) -> None:
        """Return when there is more, or when the answer is whole.

        Raises:
            httpx2.TransportError: It broke off, or nothing came in time.
        """
        if self._failure is not None:
            # What is raised refers to who waited: kept, it would never be freed.
            raise type(self._failure)(*self._failure.args)
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            if within_s is None:
                await self._waiting
            else:
                async with asyncio.timeout(within_s):
                    await self._waiting
        except TimeoutError:
            raise httpx2.ReadTimeout(f"nothing came for {within_s:g} s") from None
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _ends_by_closing(self) -> bool:
        coding = b""
        for name, value in self.headers:
            if name.lower() == b"content-length":
                return False
            if name.lower() == b"transfer-encoding":
                coding = value.lower()
        return not coding.endswith(b"chunked")

    # What follows is called by the parser, under the names that it asks for.

    def on_message_begin(self) -> None:
        """An answer begins; one after the last belongs to nobody."""
        if self.is_whole:
            self.keeps_alive = False
        elif not self.is_headed:
            self.n_begun += 1

    def on_status(self, reason: bytes) -> None:
        """Words beside the status, perhaps not all of them."""
        if not self.is_headed:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; those after the body say nothing that we ask."""
        if not self.is_headed:
            self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if self.is_whole or status < 200:  # noqa: PLR2004  announcements of HTTP
            return
        self.status = status
        self.version = b"HTTP/" + self._parser.get_http_version().encode()
        self.is_headed = True
        # The parser does not know what was asked, and would wait for a body.
        self.is_whole = self._is_head_only or status in _NO_BODY

    def on_body(self, part: bytes) -> None:
        """More of the body."""
        if not self.is_whole:
            self._parts.append(part)
            self.n_unread_bytes += len(part)

    def on_message_complete(self) -> None:
        """An answer ended: the final one, or one that announced it."""
        if self.is_headed:
            self.keeps_alive = not self.is_whole and self._parser.should_keep_alive()
            self.is_whole = True
        else:
            self.headers.clear()
            self.reason = b""
