"""Canned: a server that gives every request the same answer."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Canned(ThreadingHTTPServer):
    """Answers every GET and POST alike, and keeps what was asked.

    Attributes:
        url: Its base URL, ending in /v1.
        asked: Of each request its path and its headers, names in lower case.
    """

    def __init__(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        asked: list[tuple[str, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                names = {k.lower(): v for k, v in self.headers.items()}
                asked.append((self.path, names))
                self.rfile.read(int(names.get("content-length", 0)))
                # No Date and no Server but those that the test gives.
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815  its name there

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = asked
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def answering(status: int, body: Any, **headers: str) -> Iterator[Canned]:
    """Serve while the block lasts.

    Args:
        status: Of every answer.
        body: Bytes and text as they are, anything else as JSON.
        headers: Named with `_` for `-`.
    """
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    content = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with Canned(status, content, named) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
