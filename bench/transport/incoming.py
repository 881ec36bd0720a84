"""Incoming: one answer as it arrives, its head parsed by llhttp."""

import httpx2
from httptools import HttpParserError, HttpParserUpgrade

from bench.transport import fields
from bench.transport.body import Body
from bench.transport.lengths import with_one_length
from bench.transport.news import News
from bench.transport.parser import new_parser

# A head, a trailer or a chunk's own line that is longer leads nowhere.
_MOST_HEAD_BYTES = 262_144
# One that is read more than once must not cost much each time.
_MOST_ODD_HEAD_BYTES = 65_536
# Heads end within; where one does not, the parser finds its end.
_USUAL_HEAD_BYTES = 16_384
_HEAD_END = b"\r\n\r\n"
_NO_BODY = frozenset({204, 304})
_FIRST_ERROR = 400
# An error is told in a few words. The library reads it whole before it raises,
# and one that is packed may be a thousand times as long.
_MOST_ERROR_BYTES = 16_000_000
_MOST_PACKED_ERROR_BYTES = 256_000


class Incoming:
    """Takes bytes as they come; who waits is woken whenever there is more.

    A body whose length the head tells passes by the parser.

    Attributes:
        status: Of the final answer; those that only announce it are passed over.
        is_headed: Status and headers are there.
        is_whole: The last byte is there.
        keeps_alive: The server goes on with the connection after this answer.
        n_begun: Announcements that began, and the final answer.
        is_packed: The body is compressed.
        is_stream: The body is events, as they are read.
        n_body_bytes: Of the body that came by the parser, as all streams do.
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
        self.n_begun = 0
        self.is_packed = False
        self.is_stream = False
        self.n_body_bytes = 0
        self._is_head_only = is_head_only
        self._parser = new_parser(self)
        # All bytes until the head is there, and why they can't be read as they are.
        self._head = bytearray()
        self._oddity: HttpParserError | None = None
        self._body = Body()
        self._length: int | None = None
        self._n_idle_bytes = 0
        self._failure: httpx2.TransportError | None = None
        self._news = News()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.is_whole or self._failure is not None

    @property
    def n_unread_bytes(self) -> int:
        """Bytes of the body that came and nobody took."""
        return self._body.n_bytes

    @property
    def is_to_be_taken(self) -> bool:
        """Whether there are bytes to take that need not grow together first."""
        return self._body.n_bytes > 0 and (self.is_over or not self._body.is_in_place)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for more."""
        return self._news.is_awaited

    def room(self) -> memoryview | None:
        """Where the next bytes are to be read to, None where that is anywhere."""
        return None if self.is_over else self._body.room()

    def filled(self, n_bytes: int) -> None:
        """So many bytes were read into the room."""
        self._news.bytes_came()
        self._body.filled(n_bytes)
        self._end_of_length()

    def feed(self, content: memoryview) -> None:
        """Take bytes as they were read."""
        if self.is_over:
            # What a server sends unasked belongs to no answer.
            self.keeps_alive = False
            return
        self._news.bytes_came()
        if self._body.n_left is not None:
            self._feed_length(content)
            return
        before = (self.is_headed, self.n_body_bytes)
        try:
            rest = self._parse(content)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._misread(error)
            return
        if self._length is not None and not self.is_over:
            self._begin_length(self._length, rest)
        elif rest:
            self.keeps_alive = False
        is_on = before != (self.is_headed, self.n_body_bytes)
        self._n_idle_bytes = 0 if is_on else self._n_idle_bytes + len(content)
        if not self.is_over:
            self._check_sizes()
        self._news.wake()

    def _misread(self, error: Exception) -> None:
        if self.is_whole:
            self.keeps_alive = False
            self._news.wake()
            return
        is_other = isinstance(error, HttpParserUpgrade)
        why = "the server changed the protocol" if is_other else str(error)
        self.fail(httpx2.RemoteProtocolError(f"the answer is no HTTP: {why}"))

    def _check_sizes(self) -> None:
        n_bytes = max(self._length or 0, self.n_body_bytes)
        most = _MOST_PACKED_ERROR_BYTES if self.is_packed else _MOST_ERROR_BYTES
        if self._n_idle_bytes > _MOST_HEAD_BYTES:
            self.fail(httpx2.RemoteProtocolError("the answer's head does not end"))
        elif self.status >= _FIRST_ERROR and n_bytes > most:
            sentence = f"an error (status {self.status}) of more than {most:,} bytes"
            self.fail(httpx2.RemoteProtocolError(sentence))

    def _begin_length(self, length: int, content: memoryview) -> None:
        n_bytes = self._body.expect(length - self.n_body_bytes, content)
        self._end_of_length(has_more=len(content) > n_bytes)

    def _feed_length(self, content: memoryview) -> None:
        n_bytes = self._body.add(content)
        self._end_of_length(has_more=len(content) > n_bytes)

    def _end_of_length(self, *, has_more: bool = False) -> None:
        if self._body.n_left == 0:
            self.is_whole = True
            self.keeps_alive = not has_more and self._parser.should_keep_alive()
        if self.is_whole or not self._body.is_in_place:
            self._news.wake()

    def _parse(self, content: memoryview) -> memoryview:
        """Read on by the parser; returns what it need not see."""
        while content and not self.is_headed:
            end = bytes(content[:_USUAL_HEAD_BYTES]).find(_HEAD_END)
            n_bytes = len(content) if end < 0 else end + len(_HEAD_END)
            self._parse_head(content[:n_bytes])
            content = content[n_bytes:]
        if not content or self._length is not None:
            return content
        self._parser.feed_data(content)
        return content[:0]

    def _parse_head(self, content: memoryview) -> None:
        """Read on; a head that can't be read is read once more, made plain."""
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
        if not self._head.lstrip().startswith(b"HTTP/"):
            raise oddity
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
            self._parser = new_parser(self)
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
        elif fields.ends_by_closing(self.headers):
            self.is_whole = True
            self._news.wake()
        else:
            sentence = "the server closed the connection before the answer was whole"
            self.fail(httpx2.RemoteProtocolError(sentence))

    def fail(self, failure: httpx2.TransportError) -> None:
        """Nothing more will come, for a reason."""
        self._failure = failure
        self._news.wake()

    def drop(self) -> None:
        """Nobody reads what came: a parser and its owner are freed late."""
        self._body.clear()
        self._head.clear()

    def take(self) -> bytes:
        """The body's bytes that came since."""
        return self._body.take()

    async def more(self, within_s: float | None) -> None:
        """Return when there is more, or when the answer is whole.

        Raises:
            httpx2.TransportError: It broke off, or nothing came in time.
        """
        if self._failure is not None:
            # What is raised refers to who waited: kept, it would never be freed.
            raise type(self._failure)(*self._failure.args)
        await self._news.wait(within_s)

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
        self._length = fields.known_length(self.headers)
        self.is_packed = fields.is_packed(self.headers)
        self.is_stream = fields.is_stream(self.headers) and not self.is_packed

    def on_body(self, part: bytes) -> None:
        """More of the body."""
        if self.is_whole:
            return
        self._body.put(part)
        self.n_body_bytes += len(part)

    def on_message_complete(self) -> None:
        """An answer ended: the final one, or one that announced it."""
        if self.is_headed:
            self.keeps_alive = not self.is_whole and self._parser.should_keep_alive()
            self.is_whole = True
        else:
            self.headers.clear()
            self.reason = b""
