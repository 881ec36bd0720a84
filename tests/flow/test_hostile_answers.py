"""Answers that carry back the key, or what a terminal or a library trips over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.canned import answering

if TYPE_CHECKING:
    from tests.conftest import Desk

BELL = "\x1b]0;a title\x07"


def test_a_key_that_an_answer_gives_back_is_recorded_nowhere(desk: Desk) -> None:
    echoed = dict.fromkeys(("model", "size", "quality", "output_format"), desk.key)
    picture = {"b64_json": "AAAA", "revised_prompt": f"with {desk.key}"}
    desk.suite()
    with answering(200, {"data": [picture], **echoed}, x_request_id=desk.key) as server:
        desk.endpoint(server.url)
        desk.run("--limit", 1)
    (record,) = desk.outcomes.values()
    assert record["served_quality"] == record["request_id"] == "[key]"


def test_headers_tell_a_terminal_nothing(desk: Desk) -> None:
    desk.suite()
    with answering(500, {"error": BELL}, x_request_id=f"{BELL}1", via=BELL) as server:
        desk.endpoint(server.url)
        desk.run("--limit", 1)
    shown = desk.pixelmeter("show", "latest").out
    assert "]0;a title1" in shown
    assert not {"\x1b", "\x07"} & set(shown)
    (record,) = desk.outcomes.values()
    assert record["headers"]["via"] == "]0;a title"


@pytest.mark.parametrize("charset", ["base64", "utf-16"])
def test_an_error_in_an_odd_charset_is_still_read(desk: Desk, charset: str) -> None:
    desk.suite()
    refused = {"error": {"message": "who are you?"}}
    kind = f"application/json; charset={charset}"
    with answering(401, refused, content_type=kind) as server:
        desk.endpoint(server.url)
        ended = desk.run("--concurrency", 1)
    assert (ended.code, ended.answer["attempts"]) == (3, 1)
    assert "who are you?" in ended.err


def test_cookies_are_not_read(desk: Desk) -> None:
    desk.suite()
    # The library's own jar prints a traceback at this one.
    cookie = "a=b; expires=Mon, 99 Foo 99999 99:99:99 GMT"
    with answering(500, {}, set_cookie=cookie, set_cookie2=cookie) as server:
        desk.endpoint(server.url)
        ended = desk.run("--limit", 1)
    assert ended.answer["trials"]["possibly_billed"] == 1
    assert {line.partition(":")[0] for line in ended.said} == {"direct"}
