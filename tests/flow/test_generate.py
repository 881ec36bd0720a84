"""One picture from the command line: file, seconds, dollars."""

from decimal import Decimal
from typing import Any

import pytest

PROMPT = 'A poster that says "OPEN DAILY"'
LOW = ("--quality", "low", "--size", "1024x1024")


def generate(desk: Any, *options: object, prompt: str = PROMPT) -> Any:
    return desk.pixelmeter("generate", prompt, "--endpoints", desk.endpoints, *options)


def test_a_picture_is_written_with_its_seconds_and_dollars(
    desk: Any, direct: Any
) -> None:
    desk.endpoint(direct.url)
    done = generate(desk, *LOW, "--output", "poster.png")
    assert done.code == 0, done.err
    first, second, third = done.out.splitlines()
    assert first.startswith("poster.png  1024x1024 png")
    assert "charged $0.00" in second
    assert second.endswith("(simulated)")
    assert "pixelmeter show" in third
    content = (desk.folder / "poster.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert [path.read_bytes() for path in desk.pictures()] == [content]


def test_its_json_equals_the_record_and_the_ledger(desk: Any, gateway: Any) -> None:
    half = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
    desk.endpoint(gateway.url, name="half", route="gateway", prices=half)
    answer = generate(desk, *LOW, "--json").answer
    assert answer["schema"] == "pixelmeter.generate/1"
    assert Decimal(answer["charge_usd"]) == gateway.total_usd > 0
    assert Decimal(answer["saving_usd"]) == Decimal(answer["charge_usd"])
    assert Decimal(answer["list_usd"]) == 2 * gateway.total_usd
    shown = desk.pixelmeter("show", answer["run_id"], "--json").answer
    assert shown["charge_usd"] == answer["charge_usd"]
    assert answer["images"][0]["width_px"] == 1024
    assert answer["simulated"] is True


def test_a_picture_that_could_not_be_kept_is_told_and_exits_6(
    desk: Any, direct: Any
) -> None:
    desk.endpoint(direct.url)
    desk.data.mkdir()
    (desk.data / "images").write_text("in the way")
    done = generate(desk, *LOW)
    assert done.code == 6
    assert "paid for, but could not be kept" in done.err
    assert done.out.startswith("not kept  1024x1024 png")
    answered = generate(desk, *LOW, "--json", "-o", "kite.png")
    assert answered.code == 6
    assert answered.answer["images"][0]["path"] is None
    assert (desk.folder / "kite.png").read_bytes().startswith(b"\x89PNG")


def test_several_pictures_of_one_request_have_files_of_their_own(
    desk: Any, direct: Any
) -> None:
    desk.endpoint(direct.url)
    done = generate(desk, *LOW, "--n", "3", "-o", "kite.png")
    assert done.code == 0, done.err
    names = sorted(path.name for path in desk.folder.glob("kite*"))
    assert names == ["kite-2.png", "kite-3.png", "kite.png"]
    assert len({path.read_bytes() for path in desk.folder.glob("kite*")}) == 3


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_paid(
    desk: Any, direct: Any
) -> None:
    desk.endpoint(direct.url)
    (desk.folder / "kite.png").write_text("mine")
    done = generate(desk, *LOW, "-o", "kite.png")
    assert done.code == 2
    assert "kite.png is there already" in done.err
    assert (desk.folder / "kite.png").read_text() == "mine"
    assert direct.posts == []


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (("--quality", "lowest"), "quality: 'lowest'", 2),
        (("--model", "gpt-nope"), "no model 'gpt-nope'", 2),
        (("--size", "17x17"), "size: '17x17'", 2),
        (("--endpoint", "elsewhere"), "elsewhere", 2),
        (("--max-cost", "0.0001"), "--max-cost 0.0001", 2),
        (("--quality", "high", "--n", "10"), "add --yes", 2),
        (("-o", "no/such/folder/kite.png"), "does not exist", 2),
    ],
)
def test_what_can_not_be_asked_is_refused_before_anything_is_paid(
    desk: Any, direct: Any, options: tuple[str, ...], words: str, code: int
) -> None:
    desk.endpoint(direct.url)
    done = generate(desk, *options)
    assert done.code == code, done.err
    assert words in done.err
    assert direct.posts == []
    assert not (desk.data / "runs").exists()


def test_a_missing_key_ends_in_3_and_leaves_no_run(desk: Any, direct: Any) -> None:
    desk.endpoint(direct.url, api_key_env="OTHER_KEY")
    done = generate(desk, *LOW)
    assert done.code == 3
    assert "OTHER_KEY" in done.err
    assert not (desk.data / "runs").exists()


@pytest.mark.parametrize(
    ("scenario", "code", "words", "money"),
    [
        ("unauthorized", 3, "HTTP 401", "charged $0.00"),
        ("quota_exhausted", 5, "HTTP 429", "charged $0.00"),
        ("moderation_blocked", 4, "refused", "charged $0.00"),
        (
            "server_error",
            4,
            "HTTP 500",
            "unknown, up to $0.0062 possibly billed",
        ),
        ("html_200", 4, "web page", "charged $0.0059"),
        ("corrupt_image_200", 4, "unusable", "charged $0.0059"),
    ],
)
def test_without_a_picture_it_says_why_and_what_was_charged(
    desk: Any, direct: Any, scenario: str, code: int, words: str, money: str
) -> None:
    desk.endpoint(direct.url)
    direct.fault(scenario)
    done = generate(desk, *LOW, "-o", "kite.png")
    assert done.code == code, done
    assert words in done.err
    assert money in done.out
    assert not (desk.folder / "kite.png").exists()
