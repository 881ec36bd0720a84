"""A journal whose last byte was changed: the index and resume say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Desk, Double


def test_a_changed_last_newline_is_damage_to_both(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1).code == 0
    (path,) = desk.latest.glob("journal/*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    for _ in range(2):
        assert desk.pixelmeter("show", "latest", "--json").answer["damaged"] == 1
    assert desk.resume().code == 6
    path.write_bytes(whole)
    assert desk.pixelmeter("show", "latest", "--json").answer["damaged"] == 0
    assert desk.resume().code == 0
