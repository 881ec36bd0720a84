"""Stub: a fast server of one canned answer, with the true times of each request.

    python tests/perf/stub.py --bytes 1500000 [--service S | --service LOW-HIGH]

Prints `{"url": ...}` when it listens; `GET /log` answers one JSON line a request:
`{"id", "received_ns", "ready_ns", "first_ns", "last_ns"}` on the monotonic clock
(whole request read, answer due, its first and its last byte taken by the kernel);
`DELETE /log` forgets them. Whatever lies outside `/v1` and is not the log is
answered with 404 and not counted: some harnesses look around first.

A request counts as received when the kernel had its last byte, not when this
program came to read it; so an answer that is being written to another client
makes nobody's truth later. Every picture differs from the others by a number in
a text chunk, so that who keeps pictures keeps each. Plain sockets and epoll: it
must be faster than whatever it measures.
"""

import argparse
import base64
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import time
import zlib

_READ_BYTES = 1 << 16
_NS = 1_000_000_000
# Of Linux's asm-generic/socket.h; the socket module does not name it.
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("qq")
_STAMP_SPACE = socket.CMSG_SPACE(_STAMP.size)
_SIGNATURE_AND_HEAD_BYTES = 33
_NOT_HERE = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"text_tokens": 9, "image_tokens": 0},
    "output_tokens": 196,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
    "total_tokens": 205,
}


def _chunk(kind: bytes, content: bytes) -> bytes:
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)


def _number_chunk(number: int) -> bytes:
    """A text chunk whose bytes, and those before it, end on a base64 group."""
    return _chunk(b"tEXt", b"n\0%013d" % number)


def png(n_bytes: int) -> bytes:
    """A grey picture of noise, whole and of about so many bytes."""
    edge = max(1, int((n_bytes - 80) ** 0.5))
    rows = b"".join(b"\0" + os.urandom(edge) for _ in range(edge))
    head = struct.pack(">IIBBBBB", edge, edge, 8, 0, 0, 0, 0)
    packed = zlib.compress(rows, 0 if n_bytes > 1000 else 9)
    parts = (
        _chunk(b"IHDR", head),
        _number_chunk(0),
        _chunk(b"IDAT", packed),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class Canned:
    """Head and body of the answer, the body of about so many bytes."""

    def __init__(self, n_bytes: int) -> None:
        picture = base64.b64encode(png(max(100, (n_bytes - 300) * 3 // 4))).decode()
        said = {"created": 1, "data": [{"b64_json": picture}], "usage": USAGE}
        body = json.dumps(said).encode()
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n"
        )
        whole = head % len(body) + body
        at = whole.index(picture[:16].encode()) + _SIGNATURE_AND_HEAD_BYTES // 3 * 4
        self._before = memoryview(whole)[:at]
        self._after = memoryview(whole)[at + len(base64.b64encode(_number_chunk(0))) :]

    def numbered(self, number: int) -> list[memoryview]:
        """The answer with a picture of its own."""
        chunk = base64.b64encode(_number_chunk(number))
        return [self._before, memoryview(chunk), self._after]


class _Peer:
    """One connection: what was read, what is still to be written."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = bytearray()
        self.rest: list[memoryview] = []
        self.entry: dict[str, object] = {}
        self.is_writing = False


class Stub:
    """Serves until it is told to end."""

    def __init__(self, canned: Canned, low_s: float, high_s: float, seed: int) -> None:
        self._canned = canned
        self._low_s, self._high_s = low_s, high_s
        self._chance = random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listening.settimeout(0)
        self._poll = select.epoll()
        self._poll.register(self._listening, select.EPOLLIN)
        self._peers: dict[int, _Peer] = {}
        self._due: list[tuple[int, int, _Peer]] = []
        self._n_due = self._n_answers = 0
        self._log: list[dict[str, object]] = []

    @property
    def url(self) -> str:
        """Where it listens, with the API's prefix."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def serve(self) -> None:
        """Serve for ever."""
        while True:
            wait_s = -1.0
            if self._due:
                wait_s = max(0.0, (self._due[0][0] - time.monotonic_ns()) / _NS)
            for number, events in self._poll.poll(wait_s):
                if number == self._listening.fileno():
                    self._accept()
                elif number in self._peers:
                    self._handle(self._peers[number], events)
            while self._due and self._due[0][0] <= time.monotonic_ns():
                self._answer(heapq.heappop(self._due)[2])

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except BlockingIOError:
                return
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._peers[sock.fileno()] = _Peer(sock)
            self._poll.register(sock, select.EPOLLIN)

    def _handle(self, peer: _Peer, events: int) -> None:
        try:
            if events & select.EPOLLIN:
                self._read(peer)
            if events & select.EPOLLOUT:
                self._write(peer)
            if events & (select.EPOLLHUP | select.EPOLLERR):
                self._close(peer)
        except OSError:
            self._close(peer)

    def _close(self, peer: _Peer) -> None:
        number = peer.sock.fileno()
        if number in self._peers:
            del self._peers[number]
            self._poll.unregister(number)
        peer.sock.close()

    def _read(self, peer: _Peer) -> None:
        content, told, _, _ = peer.sock.recvmsg(_READ_BYTES, _STAMP_SPACE)
        if not content:
            self._close(peer)
            return
        peer.received += content
        end = peer.received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(peer.received[:end])
        wanted = end + 4 + int(_header(head, b"content-length") or 0)
        if len(peer.received) < wanted:
            return
        del peer.received[:wanted]
        self._asked(peer, head, _kernel_ns(told))

    def _asked(self, peer: _Peer, head: bytes, received_ns: int) -> None:
        place = head.split(b" ", 2)[1]
        if not place.startswith(b"/v1/"):
            peer.entry = {}
            self._begin(peer, [memoryview(self._told(head, place))])
            return
        told = _header(head, b"x-client-request-id") or _header(head, b"x-request-id")
        peer.entry = {"id": told.decode(), "received_ns": received_ns}
        self._log.append(peer.entry)
        service_s = self._chance.uniform(self._low_s, self._high_s)
        if service_s <= 0:
            self._answer(peer)
            return
        self._n_due += 1
        due_ns = received_ns + int(service_s * _NS)
        heapq.heappush(self._due, (due_ns, self._n_due, peer))

    def _told(self, head: bytes, place: bytes) -> bytes:
        """The answer to whoever asks for the log, or for anything else."""
        if place != b"/log":
            return _NOT_HERE
        lines = b"".join(json.dumps(e).encode() + b"\n" for e in self._log)
        if head.startswith(b"DELETE"):
            self._log, lines = [], b""
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(lines) + lines

    def _answer(self, peer: _Peer) -> None:
        self._n_answers += 1
        self._begin(peer, self._canned.numbered(self._n_answers))

    def _begin(self, peer: _Peer, content: list[memoryview]) -> None:
        if peer.sock.fileno() < 0:
            return
        peer.rest = content
        peer.entry["ready_ns"] = time.monotonic_ns()
        try:
            self._write(peer)
        except OSError:
            self._close(peer)

    def _write(self, peer: _Peer) -> None:
        while peer.rest:
            try:
                n_bytes = peer.sock.sendmsg(peer.rest)
            except BlockingIOError:
                if not peer.is_writing:
                    peer.is_writing = True
                    self._poll.modify(peer.sock, select.EPOLLIN | select.EPOLLOUT)
                return
            peer.entry.setdefault("first_ns", time.monotonic_ns())
            peer.rest = _without(peer.rest, n_bytes)
        peer.entry["last_ns"] = time.monotonic_ns()
        if peer.is_writing:
            peer.is_writing = False
            self._poll.modify(peer.sock, select.EPOLLIN)


def _without(parts: list[memoryview], n_bytes: int) -> list[memoryview]:
    while parts and n_bytes >= len(parts[0]):
        n_bytes -= len(parts.pop(0))
    if parts:
        parts[0] = parts[0][n_bytes:]
    return parts


def _kernel_ns(told: list[tuple[int, int, bytes]]) -> int:
    """When the kernel had what was read, on the monotonic clock; now if unsaid."""
    now_ns = time.monotonic_ns()
    for level, kind, content in told:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, rest_ns = _STAMP.unpack(content[: _STAMP.size])
            return now_ns - max(0, time.time_ns() - seconds * _NS - rest_ns)
    return now_ns


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bytes", type=int, default=1_500_000)
    parser.add_argument("--service", default="0")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    low, _, high = given.service.partition("-")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    stub = Stub(Canned(given.bytes), float(low), float(high or low), given.seed)
    print(json.dumps({"url": stub.url}), flush=True)
    stub.serve()


if __name__ == "__main__":
    main()
