"""Bad input ends in one sentence and the right code, with nothing lost."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

import pixelmeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Desk, Double, Ended

NOBODY = "http://127.0.0.1:9/v1"
A = {"id": "a", "text": "a cat"}
MANY = [{"id": f"p{i}", "text": "a cat"} for i in range(11)]
MODEL = {"model": ["gpt-image-2"]}
SUITES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"prompt": "a cat"}, "prompt"),
    "unknown parameter": ({"axes": {**MODEL, "colour": ["red"]}}, "axes.colour"),
    "no prompts": ({"prompts": []}, "prompts"),
    "no key prompts": ({"prompts": None}, "prompts"),
    "an id twice": ({"prompts": [A, A]}, "id 'a'"),
    "an empty text": ({"prompts": [{"id": "a", "text": ""}]}, "prompts"),
    "a size that the model refuses": ({"fixed": {"size": "1024x1000"}}, "1024x1000"),
    "a quality that it refuses": ({"axes": {**MODEL, "quality": ["hd"]}}, "hd"),
    "negative repeats": ({"repeats": -1}, "repeats"),
    "repeats as text": ({"repeats": "2"}, "repeats"),
    "an unknown model": ({"axes": {"model": ["gpt-image-99"]}}, "gpt-image-99"),
    "no model": ({"axes": {"quality": ["low"]}}, "model"),
    "an API that is not carried out": ({"api": "responses"}, "responses"),
    "a prompt file that is missing": ({"prompts": "none.csv"}, "none.csv"),
    "too many trials": (
        {
            "repeats": 10_000,
            "axes": {**MODEL, "n": list(range(1, 11))},
            "prompts": MANY,
        },
        "1,000,000",
    ),
}
TEXTS: dict[str, tuple[str, str]] = {
    "10 MB": ("x" * 10_000_000, "10,000,000"),
    "a bomb of aliases": (
        "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n",
        "aliases",
    ),
    "deep nesting": ("a: " + "[" * 500 + "]" * 500, "levels"),
    "no YAML": ("name: [", "line"),
    "a Python object": ("!!python/object/apply:os.system ['true']", "suite.yaml"),
    "nothing": ("", "suite.yaml"),
}
ENDPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown vendor": ({"prices": "acme"}, "acme"),
    "unknown scheme": (
        {"prices": {"of": "openai", "scheme": {"kind": "magic"}}},
        "magic",
    ),
    "unknown route": ({"route": "scenic"}, "scenic"),
    "unknown key": ({"secret": "x"}, "secret"),
    "no URL": ({"url": "api.example.com/v1"}, "base_url"),
    "a URL with a user": ({"url": "https://u:p@host/v1"}, "base_url"),
    "a port that is none": ({"url": "http://127.0.0.1:99999/v1"}, "base_url"),
    "a negative deadline": ({"timeout_s": -1}, "timeout_s"),
}
OPTIONS: dict[str, tuple[tuple[object, ...], str]] = {
    "a cap that is no amount": (("--max-cost", "much"), "--max-cost"),
    "a negative cap": (("--max-cost", "-1"), "--max-cost"),
    "an endless cap": (("--max-cost", "NaN"), "--max-cost"),
    "a cap of megabytes of zeros": (("--max-cost", "1e400000000"), "--max-cost"),
    "a cap below any price": (("--max-cost", "1e-999"), "--max-cost"),
    "only without a value": (("--only", "quality"), "--only"),
    "only with another value": (("--only", "quality=max"), "max"),
    "only with another key": (("--only", "colour=red"), "colour"),
    "a tag without a value": (("--tag", "who"), "--tag"),
    "another way to keep pictures": (("--images", "burn"), "burn"),
    "an unknown endpoint": (("--endpoint", "nobody"), "nobody"),
    "an endpoint twice": (("--endpoint", "direct", "--endpoint", "direct"), "twice"),
    "a file that is missing": (("--endpoints", "nowhere.yaml"), "nowhere.yaml"),
}


def refused(told: Ended, code: int, named: str) -> str:
    """The one sentence of a refusal; nothing else is said anywhere."""
    assert (told.code, told.out) == (code, ""), told
    (sentence,) = told.said
    assert sentence.startswith("error: "), sentence
    assert named in sentence, sentence
    return sentence


@pytest.fixture
def tell(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The program run in this process: a table of refusals costs no start-up."""

    def run(*arguments: object, key: str | None = None) -> Ended:
        monkeypatch.chdir(desk.folder)
        monkeypatch.delenv("PIXELMETER_DATA", raising=False)
        monkeypatch.setenv("PX_KEY", desk.key if key is None else key)
        monkeypatch.setattr("sys.argv", ["pixelmeter", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            pixelmeter.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert desk.key not in out + err
        return desk.ended(int(left.value.code or 0), out, err)

    return run


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_that_is_wrong_is_refused_before_anything_is_sent(
    desk: Desk, tell: Callable[..., Ended], name: str
) -> None:
    changes, named = SUITES[name]
    desk.suite(**changes)
    desk.endpoint(NOBODY)
    sentence = refused(tell(*desk.run_arguments()), 2, named)
    assert "suite.yaml" in sentence or "none.csv" in sentence
    assert not desk.data.exists()


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_no_suite_is_refused(
    desk: Desk, tell: Callable[..., Ended], name: str
) -> None:
    text, named = TEXTS[name]
    desk.suite().write_text(text)
    desk.endpoint(NOBODY)
    assert "suite.yaml" in refused(tell(*desk.run_arguments()), 2, named)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_that_is_wrong_is_refused_before_anything_is_sent(
    desk: Desk, tell: Callable[..., Ended], name: str
) -> None:
    changes, named = ENDPOINTS[name]
    desk.suite()
    desk.endpoint(**{"url": NOBODY, **changes})
    refused(tell(*desk.run_arguments()), 2, named)
    assert not desk.data.exists()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_is_wrong_is_refused_before_anything_is_sent(
    desk: Desk, tell: Callable[..., Ended], name: str
) -> None:
    options, named = OPTIONS[name]
    desk.suite()
    desk.endpoint(NOBODY)
    refused(tell(*desk.run_arguments(*options)), 2, named)
    assert not desk.data.exists()


def test_one_of_several_endpoints_must_be_named(
    desk: Desk, tell: Callable[..., Ended]
) -> None:
    desk.suite()
    desk.endpoint(NOBODY)
    desk.another_endpoint(NOBODY, name="other")
    sentence = refused(tell(*desk.run_arguments()), 2, "--endpoint")
    assert "direct, other" in sentence


@pytest.mark.parametrize("key", ["", "  ", "sk-ü", "sk-a b", "sk-\u2026"])
def test_a_key_that_is_missing_or_no_key_is_told_by_its_variable(
    desk: Desk, tell: Callable[..., Ended], key: str
) -> None:
    desk.suite()
    desk.endpoint(NOBODY)
    refused(tell(*desk.run_arguments(), key=key), 3, "PX_KEY")
    assert not desk.data.exists()


def test_a_key_pasted_for_its_variable_is_never_shown(
    desk: Desk, tell: Callable[..., Ended]
) -> None:
    desk.suite()
    desk.endpoint(NOBODY, api_key_env=desk.key)
    refused(tell(*desk.run_arguments()), 2, "api_key_env")


@pytest.mark.parametrize("command", ["resume", "show", "purge"])
def test_a_run_that_does_not_exist_is_told(
    tell: Callable[..., Ended], command: str
) -> None:
    named = ("--run",) if command == "purge" else ()
    for run_id in ("20261121-140503-4fd2a1", "../../etc", "latest"):
        refused(tell(command, *named, run_id), 2, run_id)


class Strange(http.server.BaseHTTPRequestHandler):
    """Answers a web page, or echoes the key in a long refusal."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/echo"):
            # The key stands where messages are cut.
            text = "x" * 490 + self.headers["authorization"].removeprefix("Bearer ")
            self._send(
                400, "application/json", json.dumps({"error": {"message": text}})
            )
        else:
            self._send(200, "text/html", "<!doctype html><title>Hi</title>")

    def _send(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name
        """Say nothing."""


@pytest.fixture
def strange() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_an_address_that_is_no_image_api_is_told_in_one_sentence(
    desk: Desk, direct: Double, strange: str, closed_port: str
) -> None:
    desk.suite()
    desk.endpoint(direct.url.removesuffix("/v1"))
    desk.another_endpoint(f"{strange}/app", name="page")
    desk.another_endpoint(f"{strange}/echo/v1", name="echo")
    desk.another_endpoint(closed_port, name="nobody")
    names = ("direct", "page", "echo", "nobody")
    options = [option for name in names for option in ("--endpoint", name)]
    ended = desk.run(*options)
    trials = ended.answer["trials"]
    assert (ended.code, ended.answer["state"]) == (4, "finished")
    assert (trials["failed"], trials["not_sent"], trials["done"]) == (9, 3, 0)
    notes = [line for line in ended.said if line.startswith("note: ")]
    assert len(notes) == 2
    assert all("does not end in /v1" in note for note in notes)
    reasons = {line.partition(":")[0]: line for line in ended.said if line not in notes}
    assert set(reasons) == set(names)
    assert "3 trials failed, client error, HTTP 404" in reasons["direct"]
    assert "does not end in /v1" in reasons["direct"]
    assert "the answer is a web page, not JSON" in reasons["page"]
    assert "does not end in /v1" in reasons["page"]
    assert "[key]" in reasons["echo"]
    assert desk.key[:8] not in ended.err
    assert "3 trials not sent, server error" in reasons["nobody"]
    assert ended.answer["attempts"] == 12
    # Nothing was billed where nothing was reached, and no half of the key kept.
    kept = [record for record in desk.outcomes.values() if record["endpoint"] == "echo"]
    assert len(kept) == 3
    assert all(desk.key[:8] not in json.dumps(record) for record in kept)
