"""Price book: what ships is dated, sourced and free of contradictions."""

import json
from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

import pricing
from pricing.book import PriceBook, shipped_book
from pricing.errors import BadBook, BadForm, OutsideLife, UnknownModel, UnknownPrice
from pricing.money import usd_text
from pricing.rates import Rate, RateCard, TokenClass

TODAY = date(2026, 11, 21)
IMAGE_MODELS = [
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "chatgpt-image-latest",
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.6-sunburst",
    "dall-e-2",
    "dall-e-3",
]
MAINLINE_MODELS = [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "o3",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.5",
    "gpt-5.6-sol",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-6.1-sol",
]
BOOK = """
vendor = "shop"
checked_on = 2026-11-21
kind = "image"
source = "page"
confidence = "high"
[sources]
page = "the shop's price page"
[[model]]
name = "m"
released = 2026-01-01
retired = 2026-12-01
[[model.card]]
tier = "standard"
[model.card.rates]
input_text = "5.00"
cached_text = "1.25"
output_image = "30.00"
"""


def _rates() -> Iterator[tuple[str, Rate]]:
    for card in shipped_book().cards:
        name = f"{card.vendor} {card.model} {card.tier} {card.valid_from}"
        for rates in (card.rates, card.long_rates):
            yield from ((f"{name} {key}", rate) for key, rate in rates.items())
        yield from ((f"{name} {price.quality}", price.rate) for price in card.images)


def test_every_rate_has_a_source_a_day_and_no_low_confidence() -> None:
    found = dict(_rates())
    assert len(found) > 150
    for name, rate in found.items():
        assert rate.source.strip(), name
        assert date(2026, 1, 1) <= rate.checked_on <= TODAY, name
        assert rate.confidence in {"high", "medium"}, name
        assert rate.usd > 0, name


def test_every_model_of_the_research_is_in_the_openai_book() -> None:
    of_openai = [one for one in shipped_book().models if one.vendor == "openai"]
    known = {one.name: one.kind for one in of_openai}
    assert {name for name, kind in known.items() if kind == "mainline"} == set(
        MAINLINE_MODELS
    )
    assert set(IMAGE_MODELS) == {
        name for name, kind in known.items() if kind == "image"
    }


def test_every_token_priced_model_of_openai_and_azure_has_token_rules() -> None:
    book = shipped_book()
    kinds = {(one.vendor, one.name): one.kind for one in book.models}
    without: set[str] = set()
    for card in book.cards:
        if card.images or kinds[card.vendor, card.model] != "image":
            continue
        if card.model in book.token_rules:
            assert book.rules(card.model).bounds.source
        else:
            without.add(card.vendor)
    # Only the usage of an answer tells what these take.
    assert without == {"azure-ai", "google"}


@pytest.mark.parametrize(
    ("vendor", "model", "as_of", "told"),
    [
        ("google", "gemini-3-pro-image", "2026-11-20", "the day it was read"),
        ("recraft", "recraftv3", "2025-01-01", "what held before is not confirmed"),
        ("azure", "gpt-image-1", "2025-03-31", "could be billed from 2025-04-01"),
    ],
)
def test_a_day_before_a_price_is_known_is_refused_with_what_is_known(
    vendor: str, model: str, as_of: str, told: str
) -> None:
    with pytest.raises(OutsideLife, match=told):
        shipped_book().card(vendor, model, date.fromisoformat(as_of))


def test_no_shipped_rate_is_marked_as_unusual_or_own() -> None:
    assert not any(rate.unusual for _, rate in _rates())
    assert not any(card.own for card in shipped_book().cards)


def test_a_data_zone_of_azure_is_a_tenth_above_global_and_no_more() -> None:
    book = shipped_book()
    for name, rate in book.card("azure", "gpt-image-1", TODAY).rates.items():
        zone = book.card("azure-data-zone", "gpt-image-1", TODAY).rates[name]
        assert zone.usd * 10 == rate.usd * 11, name


def test_the_book_is_read_from_the_package() -> None:
    folder = resources.files(pricing).joinpath("books")
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    assert {"openai.toml", "launch-2025.toml", "token-rules.toml"} <= set(texts)
    assert PriceBook.from_texts(texts).digest == shipped_book().digest


def test_rates_in_the_books_are_written_as_text() -> None:
    for path in Path(str(resources.files(pricing).joinpath("books"))).glob("*.toml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            if key.strip() in set(TokenClass):
                assert value.strip().startswith(('"', "{")), f"{path.name}: {line}"


@pytest.mark.parametrize(
    ("model", "token_class", "as_of", "tier", "rate"),
    [
        ("gpt-image-1", "output_image", "2025-04-23", "standard", "40"),
        ("gpt-image-1", "cached_image", "2026-10-22", "standard", "2.5"),
        ("gpt-image-1", "cached_text", "2026-02-10", "batch", "0.63"),
        ("gpt-image-1-mini", "output_image", "2026-11-30", "standard", "8"),
        ("gpt-image-1.5", "output_text", "2026-01-01", "standard", "10"),
        ("gpt-image-2", "cached_text", "2026-04-21", "batch", "0.625"),
        ("gpt-image-2-2026-04-21", "output_image", "2026-11-21", "standard", "30"),
        ("gpt-image-2.5-flare-2026-09-08", "input_image", "2026-11-21", None, "8"),
        ("gpt-image-2.6-sunburst", "output_image", "2026-11-04", "standard", "30"),
        ("gpt-5.6-sol", "mainline_input", "2026-08-20", "standard", "5"),
        ("gpt-5.6-sol", "mainline_input", "2026-08-21", "standard", "4"),
        ("gpt-5.6", "mainline_cache_write", "2026-11-21", "standard", "5"),
        ("gpt-5.6-terra", "mainline_output", "2026-07-29", "standard", "15"),
        ("gpt-5.6-terra", "mainline_output", "2026-07-30", "standard", "12"),
        ("gpt-5.6-luna", "mainline_input", "2026-07-09", "standard", "1"),
        ("gpt-6.1-sol", "mainline_cached", "2026-11-21", "standard", "0.1"),
        ("gpt-4o", "mainline_cached", "2025-06-01", "standard", "1.25"),
    ],
)
def test_a_rate_is_found_by_model_day_and_tier(
    model: str, token_class: str, as_of: str, tier: str | None, rate: str
) -> None:
    day = date.fromisoformat(as_of)
    card = shipped_book().card("openai", model, day, tier or "standard")
    assert usd_text(card.rate(TokenClass(token_class)).usd) == rate


@pytest.mark.parametrize(
    ("model", "as_of", "dates"),
    [
        ("gpt-image-1", "2025-04-22", ("2025-04-23", "2026-10-23")),
        ("gpt-image-1", "2026-10-23", ("2025-04-23", "2026-10-23")),
        ("gpt-image-1.5", "2026-12-01", ("2025-12-16", "2026-12-01")),
        ("dall-e-3", "2026-05-12", ("2023-11-06", "2026-05-12")),
        ("gpt-image-2", "2026-04-20", ("2026-04-21", "without end")),
        ("gpt-4.1-nano", "2026-10-23", ("2025-04-14", "2026-10-23")),
        ("gpt-5.6-sol", "2026-11-22", ("2026-08-21", "2026-11-22")),
    ],
)
def test_a_day_outside_a_life_is_refused_with_the_dates(
    model: str, as_of: str, dates: tuple[str, str]
) -> None:
    with pytest.raises(OutsideLife) as refused:
        shipped_book().card("openai", model, date.fromisoformat(as_of))
    assert all(day in str(refused.value) for day in (*dates, as_of))


def test_a_tier_before_its_first_day_or_without_rates_has_no_price() -> None:
    book = shipped_book()
    with pytest.raises(OutsideLife, match="2026-02-10"):
        book.card("openai", "gpt-image-1", date(2026, 2, 9), "batch")
    for model in ("gpt-image-2.5-flare", "gpt-image-2.6-flare"):
        with pytest.raises(UnknownPrice, match="no batch rates"):
            book.card("openai", model, TODAY, "batch")


def test_long_context_rates_hold_only_above_the_threshold() -> None:
    card = shipped_book().card("openai", "gpt-5.4", TODAY)
    output = TokenClass.MAINLINE_OUTPUT
    assert usd_text(card.rate(output, 272_000).usd) == "15"
    assert usd_text(card.rate(output, 272_001).usd) == "22.5"


def test_unknown_models_and_vendors_are_named() -> None:
    with pytest.raises(UnknownModel, match="gpt-image-9"):
        shipped_book().card("openai", "gpt-image-9", TODAY)
    with pytest.raises(UnknownModel, match="fal, google, launch-2025, meta, openai"):
        shipped_book().card("acme", "gpt-image-2", TODAY)


def test_the_guides_list_holds_for_any_model_without_end() -> None:
    card = shipped_book().card("launch-2025", "anything", date(2099, 1, 1))
    prices = {price.quality: usd_text(price.rate.usd) for price in card.images}
    assert prices == {"low": "0.02", "medium": "0.07", "high": "0.19"}


def test_a_card_survives_being_frozen_as_json() -> None:
    for card in shipped_book().cards:
        text = json.dumps(card.to_json())
        assert RateCard.from_json(json.loads(text)) == card


@pytest.mark.parametrize(
    ("key", "value"),
    [("tier", "gold"), ("rates", {"x": {}}), ("valid_from", 5), ("images", [{}])],
)
def test_a_damaged_frozen_card_is_refused(key: str, value: object) -> None:
    frozen = shipped_book().card("openai", "gpt-image-2", TODAY).to_json()
    with pytest.raises(BadForm):
        RateCard.from_json(frozen | {key: value})


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"30.00"', "30.00", "output_image"),
        ('"30.00"', '"0.00003"', "check the unit"),
        ('"30.00"', '"30000"', "check the unit"),
        ('"30.00"', '"-30"', "check the unit"),
        ('"1.25"', '"6.00"', "costs more than"),
        ('confidence = "high"', 'confidence = "low"', "'low'"),
        ('source = "page"', 'source = "pgae"', "'pgae'"),
        ('source = "page"\n', "", "needs source"),
        ("checked_on = 2026-11-21\n", "", "checked_on"),
        ("output_image", "image_output", "image_output"),
        ('tier = "standard"', 'tier = "gold"', "gold"),
        ('tier = "standard"', 'tier = "standard"\nprize = 1', "prize"),
        ('tier = "standard"', 'tier = "standard"\nvalid_from = 2025-12-31', "life"),
        ('tier = "standard"', 'tier = "standard"\nvalid_until = 2026-12-02', "life"),
        ('tier = "standard"', 'tier = "standard"\nvalid_until = 2026-01-01', "before"),
        ("[[model]]", "[[model]", "TOML"),
        ("[[model]]", "[aliases]\nx = 'y'\n[[model]]", "leads nowhere"),
        ("[[model]]", "[aliases]\nm = 'm'\n[[model]]", "leads nowhere"),
        (
            "[[model]]",
            "[[model]]\nname = 'm'\nreleased = 2026-01-01\n[[model]]",
            "stands twice",
        ),
        (
            'output_image = "30.00"\n',
            (
                'output_image = "30.00"\n[[model.card]]\ntier = "standard"\n'
                'valid_from = 2026-11-30\nrates = {output_image = "20"}\n'
            ),
            "overlap",
        ),
    ],
)
def test_a_book_that_contradicts_itself_is_refused_by_name(
    old: str, new: str, fault: str
) -> None:
    assert old in BOOK
    with pytest.raises(BadBook, match=fault):
        PriceBook.from_texts({"shop.toml": BOOK.replace(old, new, 1)})


def test_a_comment_does_not_change_the_digest_but_a_rate_does() -> None:
    def digest(text: str) -> str:
        return PriceBook.from_texts({"shop.toml": text}).digest

    assert digest(BOOK) == digest(f"# a remark\n{BOOK}")
    assert digest(BOOK) != digest(BOOK.replace('"30.00"', '"31.00"'))
