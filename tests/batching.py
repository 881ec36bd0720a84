"""Batching: a server with a Files and a Batch API, and their faults."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Line = dict[str, Any]
FAST = ("--batch", "--look-every", "0.05")
# gpt-image-2 in the batch tier: 20 text tokens in, 196 picture tokens out.
EACH_USD = (20 * Decimal("2.5") + 196 * Decimal(15)) / 1_000_000
USAGE = {
    "input_tokens": 20,
    "output_tokens": 196,
    "total_tokens": 216,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
}


def picture() -> str:
    """A picture of 1024x1024 as an answer holds it."""
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (1024, 1024), "teal").save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


class Batching(ThreadingHTTPServer):
    """Takes files, makes jobs of them, and answers every request of a job alike.

    Attributes:
        url: Its base URL, ending in /v1.
        looks: How often a job is looked at before it has ended; None: never.
        state: What it ends as.
        spoil: Changes the lines of a job's answers.
        errors: Why a job failed as a whole.
        cut: So many downloads break off in the middle.
        vain: So many looks at a job are answered 503.
        torn: The last line of a download lacks its end.
        refused: Status and body of answers by method and path, e.g. `POST /batches`.
        swallowed: So many jobs are made, but their answers are lost.
        asked: Method and path of each request.
        jobs, files: What it holds, by id.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.looks: int | None = 1
        self.state = "completed"
        self.spoil: Callable[[list[Line]], list[Line]] = list
        self.errors: list[dict[str, str]] = []
        self.cut = 0
        self.torn = False
        self.vain = 0
        self.swallowed = 0
        self.refused: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.picture = picture()

    def requests(self) -> list[Line]:
        """Every request of every job, in the order in which they came."""
        return [line for job in self.jobs.values() for line in self.lines_of(job)]

    def lines_of(self, job: dict[str, Any]) -> list[Line]:
        """The requests of one job."""
        return _lines(self.files[job["input_file_id"]])

    def keep(self, content: bytes) -> dict[str, Any]:
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = content
        return {"id": file_id, "object": "file", "bytes": len(content)}

    def make(self, wanted: dict[str, Any]) -> dict[str, Any]:
        batch_id = f"batch_{len(self.jobs) + 1}"
        n_requests = len(_lines(self.files[wanted["input_file_id"]]))
        self.jobs[batch_id] = {
            "id": batch_id,
            "object": "batch",
            **wanted,
            "status": "validating",
            "created_at": int(time.time()),
            "request_counts": {"total": n_requests, "completed": 0, "failed": 0},
            "n_looks": 0,
        }
        return self.jobs[batch_id]

    def look(self, batch_id: str) -> dict[str, Any]:
        job = self.jobs[batch_id]
        job["n_looks"] += 1
        is_due = self.looks is not None and job["n_looks"] > self.looks
        if is_due and "output_file_id" not in job:
            self._end(job)
        elif job["status"] == "validating":
            job["status"] = "in_progress"
        return job

    def _end(self, job: dict[str, Any]) -> None:
        asked = _lines(self.files[job["input_file_id"]])
        answers = self.spoil([self._answer(line) for line in asked])
        n_errors = sum(line.get("error") is not None for line in answers)
        content = b"".join(json.dumps(line).encode() + b"\n" for line in answers)
        job |= {"status": self.state, "errors": {"data": self.errors}}
        job[f"{self.state}_at"] = job["created_at"] + 77
        job["output_file_id"] = self.keep(content)["id"] if answers else None
        job["request_counts"] |= {
            "completed": len(answers) - n_errors,
            "failed": n_errors,
        }

    def _answer(self, line: Line) -> Line:
        body = {
            "created": 1,
            "data": [{"b64_json": self.picture}],
            "size": "1024x1024",
            "quality": line["body"].get("quality"),
            "output_format": "png",
            "usage": USAGE,
        }
        response = {"status_code": 200, "request_id": "req_1", "body": body}
        return {
            "id": f"batch_req_{line['custom_id']}",
            "custom_id": line["custom_id"],
            "response": response,
            "error": None,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def batching(self) -> Batching:
        assert isinstance(self.server, Batching)
        return self.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        path = self.path.partition("?")[0].removeprefix("/v1")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server, asked = self.batching, f"{method} {path}"
        with server.lock:
            server.asked.append(asked)
            if refused := server.refused.get(asked):
                self._send(refused[0], json.dumps(refused[1]).encode())
            elif asked == "POST /batches":
                self._make(json.loads(body))
            elif asked == "POST /files":
                self._json(server.keep(_part(body)))
            else:
                self._read(path.strip("/").split("/"))

    def _make(self, wanted: dict[str, Any]) -> None:
        job = self.batching.make(wanted)
        if self.batching.swallowed:
            self.batching.swallowed -= 1
            self.close_connection = True
        else:
            self._json(job)

    def _read(self, parts: list[str]) -> None:
        server = self.batching
        match parts:
            case ["batches"]:
                jobs = list(reversed(server.jobs.values()))
                self._json({"object": "list", "data": jobs, "has_more": False})
            case ["batches", batch_id, "cancel"]:
                server.looks = 1
                server.state = "cancelled"
                server.spoil = _cancelled
                self._json(server.jobs[batch_id])
            case ["batches", _] if server.vain:
                server.vain -= 1
                self._send(503, b"")
            case ["batches", batch_id]:
                self._json(server.look(batch_id))
            case ["files", file_id, "content"]:
                content = server.files[file_id]
                content = content[:-200] if server.torn else content
                self._send(200, content, cut=server.cut > 0)
                server.cut -= 1
            case ["files", file_id] if file_id in server.files:
                self._json({"id": file_id, "object": "file"})
            case _:
                self._send(404, b'{"error": {"message": "no such path"}}')

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode())

    def _send(self, status: int, content: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut


def _part(body: bytes) -> bytes:
    """The file in a form."""
    found = re.search(
        rb"filename=[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--", body, re.DOTALL
    )
    assert found is not None, body[:500]
    return found[1]


def _lines(content: bytes) -> list[Line]:
    return [json.loads(line) for line in content.splitlines()]


def _cancelled(lines: list[Line]) -> list[Line]:
    """The first was at work; the others were not begun."""
    error = {"code": "batch_cancelled", "message": "This request was cancelled."}
    return [lines[0], *({**x, "response": None, "error": error} for x in lines[1:])]


@contextmanager
def batching() -> Iterator[Batching]:
    """Serve while the block lasts."""
    with Batching() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
