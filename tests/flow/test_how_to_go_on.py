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


def test_resume_needs_no_key_where_nothing_is_left(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    first = desk.run("--limit", 1)
    again = desk.resume(PX_KEY="")
    assert (first.code, again.code, len(direct.posts)) == (0, 0, 1), again
    assert again.answer["state"] == "finished"


def test_resume_needs_the_keys_of_what_is_left_alone(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    desk.endpoints.write_text(
        desk.endpoints.read_text().replace("PX_KEY", "PX_OTHER_KEY", 1)
    )
    gateway.fault("unauthorized", times=1)
    both = ("--endpoint", "direct", "--endpoint", "half", "--concurrency", 1)
    first = desk.run(*both, PX_OTHER_KEY=desk.key)
    assert (first.code, first.answer["trials"]["not_sent"]) == (3, 2)
    again = desk.resume()
    assert again.code == 0, again
    assert again.answer["trials"]["done"] == 5
    assert desk.resume("--endpoint", "half", PX_KEY="").code == 0


def test_a_run_of_a_model_that_is_shut_down_says_so_when_it_goes_on(
    desk: Desk, direct: Double
) -> None:
    desk.suite(axes={"model": ["gpt-image-1"], "quality": ["low"]})
    desk.endpoint(direct.url, route="gateway")
    direct.fault("quota_exhausted")
    assert desk.run().code == 5
    (note,) = (line for line in desk.resume().said if line.startswith("note: "))
    assert "gpt-image-1 was shut down by its maker on 2026-10-23" in note
