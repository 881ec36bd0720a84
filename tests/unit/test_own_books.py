"""Own books: what a user's book changes, and what is wrong with one."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.plan.books import chosen_book, read_texts
from bench.plan.prices import PricedModel, price_model
from pricing.book import PriceBook, shipped_book
from pricing.errors import BadBook, OutsideLife
from pricing.question import answer
from tests.unit.conftest import DIRECT

HEAD = """
vendor = "openai"
kind = "image"
checked_on = 2026-11-20
source = "contract"
confidence = "high"
[sources]
contract = "our contract of 2026-11-01"
"""
OWN = f"""{HEAD}
[aliases]
house = "gpt-image-2"
[[model]]
name = "gpt-image-2"
released = 2026-11-01
[[model.card]]
tier = "standard"
valid_until = 2027-01-01
[model.card.rates]
input_text = "4.00"
cached_text = "1.00"
input_image = "6.40"
output_image = "24.00"
"""
ONE_LOW = {
    "mode": "estimate",
    "quality": "low",
    "size": "1024x1024",
    "usage": {"input_text_tokens": 0, "input_image_tokens": 0},
}


def _own(text: str = OWN) -> PriceBook:
    return shipped_book().with_own({"mine.toml": text})


def _ask(book: PriceBook, **asked: Any) -> dict[str, Any]:
    return answer({**ONE_LOW, "model": "gpt-image-2", **asked}, book)


def test_an_own_card_wins_on_its_days_and_the_answer_says_so() -> None:
    found = _ask(_own(), as_of="2026-11-21")
    assert (found["usd"], found["flags"]) == ("0.004704", ["own_book"])
    assert found["book"] == {
        "vendor": "openai",
        "valid_from": "2026-11-01",
        "source": "our contract of 2026-11-01",
        "checked_on": "2026-11-20",
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"as_of": "2026-10-31"},
        {"as_of": "2027-01-01"},
        {"as_of": "2026-11-21", "tier": "batch"},
        {"as_of": "2026-11-21", "model": "gpt-image-2.5-flare"},
    ],
)
def test_on_other_days_tiers_and_models_the_shipped_card_holds(
    asked: dict[str, Any],
) -> None:
    assert _ask(_own(), **asked) == _ask(shipped_book(), **asked)
    assert _ask(_own(), **asked)["usd"] is not None


def test_an_own_card_prices_a_day_outside_the_shipped_life() -> None:
    text = OWN.replace("2026-11-01\n[[", "2026-01-01\n[[")
    assert _ask(_own(text), as_of="2026-02-01")["usd"] == "0.004704"
    with pytest.raises(OutsideLife):
        shipped_book().card("openai", "gpt-image-2", date(2026, 2, 1))


def test_an_own_alias_and_an_own_vendor_are_answered() -> None:
    assert _ask(_own(), model="house", as_of="2026-11-21")["usd"] == "0.004704"
    shop = OWN.replace('"openai"', '"shop"')
    found = _ask(_own(shop), provider="shop", as_of="2026-11-21")
    assert (found["usd"], found["flags"]) == ("0.004704", ["own_book"])
    assert "shop" in _own(shop).vendors


def test_an_own_price_of_whole_pictures_is_flagged_too() -> None:
    at = OWN.index("[model.card.rates]")
    text = OWN[:at] + 'images = [{ quality = "low", usd = "0.03" }]\n'
    text = text.replace('"openai"', '"shop"').replace("gpt-image-2", "p")
    asked = {"mode": "per_image", "provider": "shop", "model": "p", "quality": "low"}
    found = answer(asked | {"as_of": "2026-11-21"}, _own(text))
    assert (found["usd"], found["flags"]) == ("0.03", ["own_book"])


def test_an_own_card_stays_own_when_it_is_frozen_in_a_plan() -> None:
    endpoint = Endpoint.model_validate(DIRECT)
    priced = price_model(endpoint, "gpt-image-2", date(2026, 11, 21), _own())
    again = PricedModel.from_json(json.loads(json.dumps(priced.to_json())))
    assert again == priced
    assert again.card.own
    shipped = price_model(endpoint, "gpt-image-2", date(2026, 11, 21))
    assert "own" not in shipped.to_json()["card"]


def test_an_own_book_changes_the_digest_and_none_does_not() -> None:
    assert _own().digest != shipped_book().digest
    assert shipped_book().with_own({}) is shipped_book()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('output_image = "24.00"', 'output_image = "0.024"', "per 1,000 tokens"),
        ('output_image = "24.00"', 'output_image = "0.04"', "per picture"),
        ('output_image = "24.00"', "output_image = 24.00", "write the amount as text"),
        ('output_image = "24.00"', 'output_image = "2.4e1"', "no plain decimal"),
        ('output_image = "24.00"', 'output_image = "-24"', "check the unit"),
        ('output_image = "24.00"', 'output_image = "0"', "check the unit"),
        ('output_image = "24.00"', 'output_image = "3.00"', "costs less than"),
        ('input_text = "4.00"\n', "", "needs input_text beside it"),
        ('source = "contract"\n', "", "needs source"),
        ("checked_on = 2026-11-20\n", "", "'checked_on' is missing"),
        ('house = "gpt-image-2"', 'house = "gpt-image-9"', "no such model"),
        ('house = "gpt-image-2"', 'house = "home"\nhome = "house"', "an alias too"),
        ('house = "gpt-image-2"', '"gpt-image-1" = "gpt-image-2"', "a model itself"),
        ("released = 2026-11-01", "", "either released or known_from"),
        ('name = "gpt-image-2"', 'name = "gpt-5.6"', "price that model"),
        ('name = "gpt-image-2"', 'name = "\\u001b[2J"', "can't be shown"),
        (
            "released = 2026-11-01",
            "released = 2026-11-01\nknown_from = 2026-11-01",
            "either released or known_from",
        ),
        ("[[model.card]]", "[[model.cards]]", "unknown key 'cards'"),
        ("[[model]]", "[[rules]]\n[[model]]", "no token rules"),
        ('vendor = "openai"\n', "", "'vendor' is missing"),
        ("= ", "= = ", "not TOML"),
    ],
)
def test_a_wrong_own_book_is_refused_by_file_and_key(
    old: str, new: str, fault: str
) -> None:
    assert old in OWN
    with pytest.raises(BadBook, match=fault) as refused:
        _own(OWN.replace(old, new, 1))
    assert str(refused.value).startswith("mine.toml: ")
    assert "\n" not in str(refused.value)


def test_the_example_of_the_page_on_prices_is_a_good_book() -> None:
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text("utf-8")
    _, _, rest = page.partition("```toml\n")
    book = shipped_book().with_own({"example.toml": rest.partition("```")[0]})
    asked = {"mode": "per_image", "provider": "openai", "model": "house-upscaler"}
    sizes = {"1024x1024": "0.03", "2048x1024": "0.04", "2048x1025": "0.06"}
    for size, usd in sizes.items():
        found = answer(asked | {"as_of": "2026-11-21", "size": size}, book)
        assert found["usd"] == usd, size
    assert _ask(book, model="house-image", as_of="2027-01-01")["usd"] == "0.004704"


def test_a_strange_amount_that_is_meant_is_taken() -> None:
    meant = '{ usd = "0.02", unusual = true }'
    text = OWN.replace('output_image = "24.00"', f"output_image = {meant}")
    assert _ask(_own(text), as_of="2026-11-21")["usd"] == "0.00000392"
    free = OWN.replace('"24.00"', '{ usd = "0", unusual = true }')
    assert _ask(_own(free), as_of="2026-11-21")["usd"] == "0"


def test_a_rate_per_thousand_of_a_cheap_model_is_found_by_its_shipped_price() -> None:
    card = 'tier = "standard"\nrates = { mainline_input = "0.0025" }'
    text = f'{HEAD}[[model]]\nname = "gpt-4o"\nreleased = 2026-11-01\n'
    with pytest.raises(BadBook, match=r"far from the shipped 2\.50"):
        _own(f"{text}[[model.card]]\n{card}\n")


@pytest.mark.parametrize("usd", ["4.00", "40", "0.0004"])
def test_a_price_for_many_pictures_or_for_a_part_of_one_is_found(usd: str) -> None:
    at = OWN.index("[model.card.rates]")
    text = f'{OWN[:at]}images = [{{ quality = "hd", usd = "{usd}" }}]\n'
    with pytest.raises(BadBook, match=r"check the unit|is it for 100 pictures"):
        _own(text)


def test_all_faults_of_all_files_are_told_at_once() -> None:
    second = OWN.replace("2026-11-01\n[[", "2027-02-01\n[[").replace('"1.00"', '"9.00"')
    faults = shipped_book().own_faults({"a.toml": OWN, "b.toml": second, "c.toml": "="})
    told = "\n".join(faults)
    for part in (
        "b.toml: openai: standard card of 'gpt-image-2' from 2027-02-01: ends on",
        "b.toml: openai: standard card of 'gpt-image-2' from 2027-02-01: cached_text",
        "c.toml: not TOML",
        "a.toml, b.toml, c.toml: openai: model 'gpt-image-2' stands twice",
    ):
        assert part in told
    with pytest.raises(BadBook, match=rf"and {len(faults) - 1} more"):
        shipped_book().with_own({"a.toml": OWN, "b.toml": second, "c.toml": "="})


def test_the_books_of_the_data_folder_are_found_and_others_can_be_named(
    tmp_path: Path,
) -> None:
    assert chosen_book(tmp_path) is shipped_book()
    for name in ("books", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "books" / "mine.toml").write_text(OWN)
    (tmp_path / "others" / "mine.toml").write_text(OWN.replace("24.00", "27.00"))
    found = _ask(chosen_book(tmp_path), as_of="2026-11-21")
    other = _ask(chosen_book(tmp_path, tmp_path / "others"), as_of="2026-11-21")
    assert (found["usd"], other["usd"]) == ("0.004704", "0.005292")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (OWN.encode("utf-16"), "not UTF-8"),
        (b"#" * 1_000_001, "larger than"),
        (b'vendor = "\x1b[31m"', "not TOML"),
        (b"x = " + b"[" * 5000, "not TOML"),
    ],
)
def test_a_file_that_is_no_book_ends_in_one_plain_sentence(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "mine.toml").write_bytes(content)
    with pytest.raises(BadInput, match=fault) as refused:
        chosen_book(tmp_path)
    assert str(refused.value).isprintable()
    assert "mine.toml" in str(refused.value)


def test_a_folder_that_is_named_must_hold_books(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a folder"):
        chosen_book(tmp_path, tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"holds no \*\.toml"):
        chosen_book(tmp_path, tmp_path)
    (tmp_path / "books").write_text("a file")
    with pytest.raises(BadInput, match="is not a folder"):
        chosen_book(tmp_path)
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(BadInput, match="can't be read"):
        read_texts([tmp_path / "a.toml"])


def test_a_book_with_a_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    text = "\ufeff" + OWN.replace("\n", "\r\n")
    (tmp_path / "books" / "mine.toml").write_bytes(text.encode())
    assert _ask(chosen_book(tmp_path), as_of="2026-11-21")["usd"] == "0.004704"
