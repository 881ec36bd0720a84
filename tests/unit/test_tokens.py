"""Tokens: published figures, size rule, input pictures, bounds."""

from datetime import date

import pytest

from pricing.book import shipped_book
from pricing.errors import BadVariant, UnknownQuantity
from pricing.tokens import OutputGrid
from pricing.variant import InputImage, Size, parse_size

AS_OF = date(2026, 11, 21)
FIXED = {
    ("low", "1024x1024"): 272,
    ("low", "1024x1536"): 408,
    ("low", "1536x1024"): 400,
    ("medium", "1024x1024"): 1056,
    ("medium", "1024x1536"): 1584,
    ("medium", "1536x1024"): 1568,
    ("high", "1024x1024"): 4160,
    ("high", "1024x1536"): 6240,
    ("high", "1536x1024"): 6208,
}
FIXED_MODELS = (
    *("gpt-image-1", "gpt-image-1-mini"),
    *("gpt-image-1.5", "chatgpt-image-latest"),
)


@pytest.mark.parametrize("model", FIXED_MODELS)
def test_models_before_gpt_image_2_hold_the_published_table(model: str) -> None:
    rules = shipped_book().rules(model)
    found = {
        (quality, size): rules.output_tokens(quality, Size.parse(size))
        for quality, size in FIXED
    }
    assert found == FIXED


@pytest.mark.parametrize(
    ("model", "quality", "size", "tokens"),
    [
        ("gpt-image-2", "low", "1024x1024", 196),
        ("gpt-image-2", "medium", "1024x1024", 1756),
        ("gpt-image-2", "high", "1024x1024", 7024),
        ("gpt-image-2.5-flare", "low", "1024x1024", 196),
        ("gpt-image-2.5-flare", "medium", "1024x1024", 439),
        ("gpt-image-2.5-flare", "high", "1024x1024", 1756),
        ("gpt-image-2.5-sunburst", "xhigh", "1024x1024", 3122),
        ("gpt-image-2.5-sunburst", "max", "1024x1024", 7024),
        ("gpt-image-2", "high", "2048x2048", 14272),
        ("gpt-image-2", "high", "3840x2160", 13342),
        ("gpt-image-2", "high", "2160x3840", 13342),
        ("gpt-image-2", "high", "3072x1024", 3952),
        ("gpt-image-2", "low", "1536x864", 120),
        ("gpt-image-2.5-flare", "low", "1536x1024", 158),
        ("gpt-image-2.5-flare", "high", "1536x1024", 1372),
        ("gpt-image-2.5-flare", "high", "3840x2160", 3336),
    ],
)
def test_free_sizes_follow_the_grid_formula(
    model: str, quality: str, size: str, tokens: int
) -> None:
    rules = shipped_book().rules(model)
    assert rules.output_tokens(quality, Size.parse(size)) == tokens


@pytest.mark.parametrize(
    ("size", "broken"),
    [
        ("1024x640", None),
        ("2880x2880", None),
        ("3840x2160", None),
        ("3840x1280", None),
        ("1792x944", None),
        ("1008x640", "area"),
        ("1792x936", "multiples of 16"),
        ("3840x1264", "3 times"),
        ("3856x1296", "3840"),
        ("3840x2176", "area"),
    ],
)
def test_the_size_rule_names_what_a_size_breaks(size: str, broken: str | None) -> None:
    rules = shipped_book().rules("gpt-image-2")
    if broken is None:
        assert rules.output_tokens("low", Size.parse(size)) > 0
        return
    with pytest.raises(BadVariant, match=broken):
        rules.output_tokens("low", Size.parse(size))


@pytest.mark.parametrize(
    ("model", "quality", "size"),
    [
        ("gpt-image-1", "low", "1792x1024"),
        ("gpt-image-1", "xhigh", "1024x1024"),
        ("gpt-image-2", "xhigh", "1024x1024"),
        ("gpt-image-2", "hd", "1024x1024"),
        ("gpt-image-2", "", "1024x1024"),
        ("gpt-image-2.6-flare", "standard", "auto"),
    ],
)
def test_what_a_model_does_not_take_is_refused_even_as_a_bound(
    model: str, quality: str, size: str
) -> None:
    rules = shipped_book().rules(model)
    with pytest.raises(BadVariant):
        rules.output_tokens(quality, parse_size(size))
    with pytest.raises(BadVariant):
        rules.output_tokens_bound(quality, parse_size(size))


@pytest.mark.parametrize(
    "text", ["", "1024", "1024X1024", "0x16", "16x0", "-16x16", "1024x1024 ", "１x１"]
)
def test_a_size_is_two_positive_edges(text: str) -> None:
    with pytest.raises(BadVariant):
        Size.parse(text)


def test_no_free_size_lies_outside_the_cheapest_and_the_dearest() -> None:
    output = shipped_book().rules("gpt-image-2").output
    assert isinstance(output, OutputGrid)
    cheapest = output.count("low", output.size_rule.cheapest)
    dearest = output.count("high", output.size_rule.dearest)
    edges = range(16, 3841, 48)
    for width in (*edges, 2880):
        for height in (*edges, 2880):
            size = Size(width_px=width, height_px=height)
            try:
                output.check(size)
            except BadVariant:
                continue
            assert output.count("low", size) >= cheapest
            assert output.count("high", size) <= dearest


@pytest.mark.parametrize(
    ("quality", "size", "measured"),
    [
        ("low", "1536x1024", 664),
        ("high", "1536x1024", 1353),
        ("high", "3840x2160", 3337),
    ],
)
def test_the_bound_of_2_6_is_at_least_three_times_what_was_measured(
    quality: str, size: str, measured: int
) -> None:
    rules = shipped_book().rules("gpt-image-2.6-sunburst")
    assert rules.output_tokens_bound(quality, Size.parse(size)) >= 3 * measured
    with pytest.raises(UnknownQuantity) as refused:
        rules.output_tokens(quality, Size.parse(size))
    assert refused.value.quantity == "output_image_tokens"


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-1", "gpt-image-2.5-flare"])
def test_auto_is_unknown_and_bound_by_the_dearest(model: str) -> None:
    rules = shipped_book().rules(model)
    size = Size.parse("1024x1024")
    for quality, at in (("auto", size), ("low", None), ("auto", None)):
        with pytest.raises(UnknownQuantity):
            rules.output_tokens(quality, at)
    counts = [rules.output_tokens(q, size) for q in rules.output.qualities]
    assert rules.output_tokens_bound("auto", size) == max(counts)
    assert rules.output_tokens_bound("auto", None) >= max(counts)


def _picture(width: int, height: int, fidelity: str = "low") -> InputImage:
    return InputImage(width_px=width, height_px=height, fidelity=fidelity)


@pytest.mark.parametrize(
    ("picture", "tokens"),
    [
        (_picture(1024, 1024), 194),
        (_picture(128, 128), 194),
        (_picture(512, 512), 194),
        (_picture(1024, 1536), 323),
        (_picture(1536, 1024), 323),
        (_picture(4096, 1024), 65 + 4 * 129),
        (_picture(513, 512), 323),
        (_picture(1024, 1024, "high"), 4354),
        (_picture(1024, 1536, "high"), 6563),
        (_picture(1536, 1024, "high"), 6563),
        (_picture(1000, 1100, "high"), 65 + 2 * 129 + 4160),
    ],
)
def test_an_input_picture_of_gpt_image_1_is_counted_in_tiles(
    picture: InputImage, tokens: int
) -> None:
    rules = shipped_book().rules("gpt-image-1")
    assert rules.picture_tokens([picture], AS_OF) == tokens
    assert rules.picture_tokens([picture, picture], AS_OF) == 2 * tokens
    assert rules.picture_tokens_bound([picture], AS_OF) == tokens
    assert tokens < rules.bounds.picture_tokens


@pytest.mark.parametrize(
    ("model", "picture", "as_of"),
    [
        ("gpt-image-1", _picture(1200, 1000, "high"), AS_OF),
        ("gpt-image-1", _picture(1000, 1250, "high"), AS_OF),
        ("gpt-image-1.5", _picture(1024, 1024, "high"), AS_OF),
        ("gpt-image-1.5", _picture(1024, 1024), date(2026, 1, 8)),
        ("gpt-image-1-mini", _picture(1024, 1024), AS_OF),
        ("gpt-image-2", _picture(1024, 1024), AS_OF),
        ("gpt-image-2.6-flare", _picture(1024, 1024, "high"), AS_OF),
    ],
)
def test_a_picture_without_published_rule_is_unknown_but_bound(
    model: str, picture: InputImage, as_of: date
) -> None:
    rules = shipped_book().rules(model)
    with pytest.raises(UnknownQuantity) as refused:
        rules.picture_tokens([picture], as_of)
    assert refused.value.quantity == "input_image_tokens"
    assert rules.picture_tokens_bound([picture], as_of) == rules.bounds.picture_tokens


def test_gpt_image_1_5_counts_tiles_since_its_fidelity_was_mended() -> None:
    rules = shipped_book().rules("gpt-image-1.5")
    assert rules.picture_tokens([_picture(1024, 1536)], date(2026, 1, 9)) == 323


def test_mini_takes_no_high_fidelity() -> None:
    rules = shipped_book().rules("gpt-image-1-mini")
    with pytest.raises(BadVariant, match="high"):
        rules.picture_tokens([_picture(1024, 1024, "high")], AS_OF)
