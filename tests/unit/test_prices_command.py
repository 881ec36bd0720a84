"""Prices command: list, history, differences, check and bounds."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.commands import prices
from bench.errors import BadInput
from pricing.book import shipped_book

OWN = """
vendor = "shop"
kind = "image"
checked_on = 2026-11-20
source = "page"
confidence = "medium"
[sources]
page = "the shop's page"
[[model]]
name = "[red]evil[/red] [link=x]model"
released = 2026-11-01
[[model.card]]
tier = "standard"
images = [{ quality = "low", usd = "0.03" }]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "shop.toml").write_text(OWN)
    return tmp_path


def _run(*arguments: str) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    prices.register(app)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["prices", *arguments])


def _answer(*arguments: str) -> dict[str, Any]:
    found = _run(*arguments, "--json")
    assert found.exit_code == 0, found.exception
    (line,) = found.stdout.splitlines()
    return json.loads(line)


def test_the_list_holds_each_vendor_and_only_what_holds_on_the_day() -> None:
    found = _answer("--as-of", "2026-11-21")
    assert found["schema"] == "pixelmeter.prices/1"
    listed = {(card["vendor"], card["model"]) for card in found["cards"]}
    assert {vendor for vendor, _ in listed} == set(shipped_book().vendors)
    assert ("openai", "gpt-image-1") not in listed
    assert ("openai", "gpt-image-1.5") in listed
    later = _answer("--as-of", "2026-12-01")["cards"]
    assert "gpt-image-1.5" not in {c["model"] for c in later if c["vendor"] == "openai"}


def test_the_list_is_filtered_by_vendor_part_of_a_name_and_tier() -> None:
    options = ("--vendor", "google", "--model", "PRO", "--tier", "batch")
    (card,) = _answer(*options)["cards"]
    assert (card["model"], card["tier"]) == ("gemini-3-pro-image", "batch")
    assert card["rates"]["output_image"]["usd"] == "60"
    shown = _run(*options).stdout
    assert "text in 1, image in 1, image out 60" in shown
    assert "nothing" not in shown
    assert "no price holds on" in _run("--model", "no such").stdout


def test_show_gives_the_history_of_a_model_with_sources() -> None:
    found = _answer("show", "gpt-5.6", "--vendor", "openai")
    cards = [
        (card["tier"], card["valid_from"], card["rates"]["mainline_input"]["usd"])
        for card in found["cards"]
    ]
    assert cards == [
        ("batch", "2026-08-21", "2"),
        ("standard", "2026-07-09", "5"),
        ("standard", "2026-08-21", "4"),
    ]
    table = _run("show", "gpt-image-1").stdout
    assert "Azure Retail Prices API" in table
    assert "2026-02-10" in table


def test_show_says_when_a_first_day_is_only_the_day_of_reading() -> None:
    assert "what held before is not confirmed" in _run("show", "recraftv3").stdout
    (card,) = _answer("show", "recraftv3")["cards"]
    assert card["known_only"] is True
    assert (
        "not confirmed" not in _run("show", "gpt-image-2", "--vendor", "openai").stdout
    )


def test_an_unknown_model_is_refused_with_what_is_near() -> None:
    found = _run("show", "gpt-imag-2")
    assert isinstance(found.exception, BadInput)
    assert "gpt-image-2" in str(found.exception)


def test_diff_tells_new_gone_and_changed_rates() -> None:
    found = _answer("diff", "2026-08-20", "2026-08-21")["changes"]
    sol = {c["class"]: c for c in found if c["tier"] == "standard"}
    assert {c["model"] for c in found} == {"gpt-5.6-sol"}
    assert sol["mainline_input"]["sign"] == "~"
    assert (
        sol["mainline_input"]["before_usd"],
        sol["mainline_input"]["after_usd"],
    ) == (
        "5",
        "4",
    )
    assert sol["mainline_cached"]["sign"] == "+"
    gone = _answer("diff", "2026-10-22", "2026-10-23")["changes"]
    assert {(c["sign"], c["why"]) for c in gone} == {("-", "retired 2026-10-23")}
    assert {c["model"] for c in gone} == {"gpt-image-1", "gpt-4.1-nano"}


def test_diff_of_a_day_with_itself_is_empty_and_backwards_is_refused() -> None:
    assert "nothing changed" in _run("diff", "2026-11-21", "2026-11-21").stdout
    assert isinstance(_run("diff", "2026-11-21", "2026-11-20").exception, BadInput)
    assert isinstance(_run("diff", "today", "2026-11-20").exception, BadInput)


def test_check_tells_all_faults_of_a_book_and_exits_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(OWN.replace('"0.03"', '"300"').replace("2026-11-01", "1.5"))
    found = _run("check", str(bad))
    assert found.exit_code == 2
    assert "released" in found.stdout
    two = OWN.replace('"0.03"', '"300"').replace('tier = "standard"', 'tier = "gold"')
    extra = '[[model]]\nname = "b"\nreleased = 2026-01-01\nretired = "soon"\n'
    bad.write_text(two + extra)
    faults = json.loads(_run("check", str(bad), "--json").stdout)["faults"]
    assert len(faults) == 2
    assert "gold" in _run("check", str(bad)).stdout


def test_check_says_that_nothing_is_wrong(data: Path) -> None:
    found = _run("check", str(data / "books" / "shop.toml"))
    assert (found.exit_code, found.stdout) == (0, "1 book checked: nothing is wrong\n")


def test_bounds_name_every_model_with_rules_and_say_what_is_assumed() -> None:
    found = _answer("bounds", "--as-of", "2026-11-21")["bounds"]
    assert {one["model"] for one in found} == set(shipped_book().token_rules)
    by_key = {(one["model"], one["quantity"].split(",")[0]): one for one in found}
    dearest = by_key["gpt-image-2.6-sunburst", "output_image_tokens"]
    # Grid 136 at 2880x2880: 136 x 136 x 10,294,400 / 4,000,000, rounded up.
    assert (dearest["tokens"], dearest["usd"]) == (47602, "1.42806")
    assert dearest["assumed"] is True
    text = by_key["gpt-image-1.5", "output_text_tokens"]
    assert (text["tokens"], text["usd"]) == (1024, "0.01024")
    assert ("gpt-image-2", "output_image_tokens") not in by_key


def test_a_hostile_name_is_shown_as_it_is_written_or_refused(data: Path) -> None:
    name = "[red]evil[/red] [link=x]model"
    assert name in _run("--vendor", "shop", "--data", str(data)).stdout
    assert "0.03" in _run("show", name, "--data", str(data)).stdout
    assert "\x1b" not in str(_run("show", "\x1b[31m").exception)
    steering = OWN.replace("[red]evil", "\\u001b[31mevil")
    (data / "books" / "shop.toml").write_text(steering)
    refused = str(_run("--data", str(data)).exception)
    assert "signs that can't be shown" in refused
    assert refused.isprintable()


def test_an_own_book_is_listed_as_own(data: Path) -> None:
    (card,) = _answer("--vendor", "shop", "--data", str(data))["cards"]
    assert card["own"] is True
    assert "shop (own)" in _run("--vendor", "shop", "--data", str(data)).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--vendor", "nobody"),
        ("--tier", "gold"),
        ("--as-of", "20261121"),
        ("--json", "show", "gpt-image-2"),
        ("--books", "no-such-folder"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(arguments: tuple[str, ...]) -> None:
    found = _run(*arguments)
    assert isinstance(found.exception, BadInput)
    assert str(found.exception).isprintable()
