"""Answers: what an endpoint's answer to a visit means."""

import base64
import unicodedata
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import orjson

from bench.checkup.check import Check, ok, problem, warning
from bench.checkup.visit import Visit
from bench.endpoint import Endpoint
from bench.errors import NoCredentials
from bench.words.figures import seconds, so_many
from bench.words.refused import cure_of

_LONGEST = 160
_PAGE_BEGINS = b"<"
_OK, _REFUSED = 200, 401
_UNWELCOME = frozenset({_REFUSED, 403})
_SPENT = frozenset({402, 429})
_NOT_FOUND = frozenset({404, 405})
_REDIRECTS = range(300, 400)
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a visit says.

    Attributes:
        checks: What a person is told.
        models: Names that the endpoint lists, None when it lists none.
    """

    checks: tuple[Check, ...]
    models: frozenset[str] | None = None


def read_answer(endpoint: Endpoint, key: str, visit: Visit) -> Answer:
    """What an endpoint's answer means for runs; text in it is never trusted."""
    name = f"endpoint {endpoint.name}"
    if visit.failure is not None:
        return Answer(checks=(problem(name, f"{visit.url}: {visit.failure}"),))
    listed = _models(visit.body) if visit.status == _OK else None
    if listed is None:
        return Answer(checks=(_unlisted(name, endpoint, key, visit),))
    took = seconds(visit.took_s)
    sentence = f"{visit.url}: answered in {took}, {so_many(len(listed), 'model')}"
    return Answer(checks=(ok(name, sentence),), models=listed)


def _models(body: bytes) -> frozenset[str] | None:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    rows = cast("dict[str, Any]", content).get("data") if _is_object(content) else None
    if not isinstance(rows, list):
        return None
    models = [
        cast("dict[str, Any]", row).get("id")
        for row in cast("list[object]", rows)
        if _is_object(row)
    ]
    return frozenset(model for model in models if isinstance(model, str))


def _is_object(content: object) -> bool:
    return isinstance(content, dict)


def _unlisted(name: str, endpoint: Endpoint, key: str, visit: Visit) -> Check:
    """An answer that is no list of models, by its status and beginning."""
    status, said = visit.status or 0, _said(visit.body, key)
    where = f"{visit.url}: HTTP {status}{f', {said}' if said else ''}"
    if status in _UNWELCOME:
        return _unwelcome(name, endpoint, where, said, status)
    if status in _REDIRECTS:
        to = one_line(visit.headers.get("location", ""), key)
        sentence = f"{where}: it redirects to {to or 'nowhere'}, which no run follows"
        return problem(name, f"{sentence}; write the last address into base_url")
    if status in _SPENT:
        return warning(name, f"{where}: no credit or no turn is left for this key now")
    if status in _SERVER_ERRORS:
        return problem(name, f"{where}: the endpoint fails; try again later")
    return _no_list(name, endpoint, where, visit)


def _unwelcome(
    name: str, endpoint: Endpoint, where: str, said: str, status: int
) -> Check:
    if status == _REFUSED:
        mend = f"the key is refused; set {endpoint.api_key_env} again"
    elif cure := cure_of(said):
        mend = cure
    elif "scope" in said.lower():
        open_question = "whether it may make pictures is open"
        return warning(name, f"{where}: the key may not list models; {open_question}")
    else:
        mend = "the key is not allowed in; use one that is, or ask for the right"
    return problem(name, f"{where}: {mend}", NoCredentials.exit_code)


def _no_list(name: str, endpoint: Endpoint, where: str, visit: Visit) -> Check:
    hint = _version_hint(endpoint)
    if visit.status in _NOT_FOUND and hint:
        return problem(name, f"{where}: nothing is there{hint}")
    if visit.status in _NOT_FOUND:
        sentence = "it lists no models, so its key and models are not known to be good"
        return warning(name, f"{where}: {sentence}")
    if visit.body.lstrip()[:1] == _PAGE_BEGINS:
        return problem(name, f"{where}: that is no API{hint or '; mend base_url'}")
    return warning(name, f"{where}: that is no list of models{hint}")


def _version_hint(endpoint: Endpoint) -> str:
    if endpoint.base_url.rstrip("/").endswith("/v1"):
        return ""
    return f"; should base_url {endpoint.base_url} end in /v1?"


def _said(body: bytes, key: str) -> str:
    """The message of an answer, short; a page is only called one."""
    if body.lstrip()[:1] == _PAGE_BEGINS:
        return "a web page"
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return one_line(body[: 4 * _LONGEST].decode("utf-8", "replace"), key)
    if not _is_object(content):
        return ""
    error = cast("dict[str, Any]", content).get("error", content)
    message = (
        cast("dict[str, Any]", error).get("message") if _is_object(error) else error
    )
    return one_line(message, key) if isinstance(message, str) else ""


def one_line(text: str, key: str) -> str:
    """Foreign text as one short line, without the key or signs that act."""
    for form in _forms(key):
        text = text.replace(form, "[key]")
    shown = "".join(
        sign if unicodedata.category(sign)[0] != "C" else " " for sign in text
    )
    # A provider shows a key with stars inside; its ends are still the key's.
    words = ["[key]" if "**" in word else word for word in shown.split()]
    line = " ".join(words)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _forms(key: str) -> tuple[str, ...]:
    raw = key.encode()
    return (
        key,
        quote(key, safe=""),
        base64.b64encode(raw).decode().rstrip("="),
        raw.hex(),
    )
