"""What a run's end says of going on: it works when it is typed as it stands."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Desk, Double, Ended

HINT = "go on with: pixelmeter "


def run_in_words(desk: Desk, *options: object) -> Ended:
    arguments = [a for a in desk.run_arguments(*options) if a != "--json"]
    return desk.pixelmeter(*arguments)


def test_a_spent_quota_says_how_to_go_on_in_a_folder_with_a_space(
    desk: Desk, direct: Double
) -> None:
    desk.data = desk.folder / "my data"
    desk.suite()
    desk.endpoint(direct.url)
    direct.fault("quota_exhausted")
    stopped = run_in_words(desk, "--limit", 1, "--data", desk.data)
    assert stopped.code == 5
    (hint,) = [line for line in stopped.out.splitlines() if line.startswith(HINT)]
    direct.mend()
    ended = desk.pixelmeter(*shlex.split(hint.removeprefix(HINT)))
    assert ended.code == 0, ended
    assert len(direct.posts) == 2
    assert HINT not in ended.out
