"""Answer: an answer's status and body as facts; pure."""

from typing import Any, cast

from bench.wire.events import is_like_events
from bench.wire.lifted import lift
from bench.wire.parsed import TooRichError, parsed
from bench.wire.pictures import objects, read_pictures
from bench.wire.reading import CUT_BODY, Reading, unusable
from bench.wire.refusal import read_refusal
from bench.wire.responses import is_response, read_response
from bench.wire.stream import read_stream

_EVENT_STREAM = "text/event-stream"


def read_answer(
    status: int, body: bytes, kind: str = "", cut: str | None = None
) -> Reading:
    """An answer as facts.

    Args:
        status: Of HTTP.
        body: What came of it.
        kind: Its content type.
        cut: Why the body is not whole; None when it is.
    """
    if not 200 <= status < 300:  # noqa: PLR2004  the success class of HTTP
        return read_refusal(status, body)
    # No event begins like an object: some gateways only call it a stream.
    is_called_so = is_event_stream(kind) and not body.lstrip().startswith(b"{")
    if is_called_so or is_like_events(body):
        return read_stream(body, cut)
    return cut_answer(cut) if cut is not None else _read_success(body)


def is_event_stream(kind: str) -> bool:
    """Whether a content type is that of events."""
    return kind.strip().lower().startswith(_EVENT_STREAM)


def cut_answer(message: str) -> Reading:
    """A 200 whose body did not arrive whole."""
    return unusable(CUT_BODY, message)


def _read_success(body: bytes) -> Reading:
    lifted = lift(body)
    if lifted is not None:
        rest, content, pictures = lifted
        items = objects(content.get("data"))
        return read_pictures(rest, content, items, (pictures, None))
    try:
        answer = parsed(body)
    except TooRichError:
        return unusable("bad_json", "the answer has far more members than any has")
    except ValueError:
        return _no_json(body)
    if not isinstance(answer, dict):
        return unusable("bad_json", "the answer is no JSON object")
    content = cast("dict[str, Any]", answer)
    if is_response(content):
        return read_response(body, content)
    return read_pictures(body, content, objects(content.get("data")))


def _no_json(body: bytes) -> Reading:
    if body.lstrip()[:1] == b"<":
        return unusable("html", "the answer is a web page, not JSON")
    return unusable("bad_json", "the answer is no JSON")
