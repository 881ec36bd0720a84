"""Sealed: a request as bytes, to be sent more than once."""

from dataclasses import dataclass

import httpx2

from bench.transport.origin import Origin, origin_of
from bench.transport.outgoing import Outgoing, head_of, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One request that differs in a single word from time to time.

    Attributes:
        template: Itself, with a placeholder where the word is to stand.
        place: That placeholder.
        before: Its head up to that word.
        after: Its head from behind that word on.
    """

    template: httpx2.Request
    place: str
    origin: Origin
    before: bytes
    after: bytes
    body: bytes

    @property
    def n_bytes(self) -> int:
        """Its length without the word."""
        return len(self.before) + len(self.after) + len(self.body)

    def request(self, word: str) -> httpx2.Request:
        """With a word in its place, for who sends no bytes of ours."""
        template, place = self.template, self.place.encode()
        headers = [
            (name, value.replace(place, word.encode()))
            for name, value in template.headers.raw
        ]
        return httpx2.Request(
            template.method, template.url, headers=headers, content=self.body
        )

    def outgoing(self, word: str) -> Outgoing:
        """Itself with a word in its place.

        Raises:
            httpx2.LocalProtocolError: The word can't stand in a header.
        """
        if not word.isascii() or not word.isprintable():
            raise httpx2.LocalProtocolError("a sign in an id can't stand in a header")
        head = self.before + word.encode() + self.after
        return Outgoing(begin=together(head, self.body))


def seal(request: httpx2.Request, place: str) -> Sealed:
    """A request that was read, with `place` where the word is to stand.

    Raises:
        httpx2.HTTPError: A sign in it can't stand in a head, or its address is
            none of HTTP.
    """
    before, found, after = head_of(request).partition(place.encode())
    if not found:
        # Sent, every attempt would go without its name.
        raise httpx2.LocalProtocolError("the request has no place for an id")
    return Sealed(
        template=request,
        place=place,
        origin=origin_of(request),
        before=before,
        after=after,
        body=request.content,
    )
