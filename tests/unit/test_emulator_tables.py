"""The emulator's own tables and rules, without a server."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bench.emulator.catalogue import MODELS, served
from bench.emulator.checks import checked
from bench.emulator.faults import Fault, FaultPlan, Scenario, Sighting
from bench.emulator.lettering import quoted_texts
from bench.emulator.limits import Limits, Window
from bench.emulator.options import Profile
from bench.emulator.prices import scaled, token_price_usd, usd_text
from bench.emulator.refusals import RefusedError
from bench.emulator.render import Drawing, rendered
from bench.emulator.service_time import Distribution, Work, draw_s, median_s
from bench.emulator.tokens import (
    Usage,
    image_tokens,
    picture_text_tokens,
    text_tokens,
)


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("a", 1), ("four", 1), ("fives", 2), ("每天", 2), ("x" * 32000, 8000)],
)
def test_text_tokens_are_a_quarter_of_the_bytes(prompt: Any, tokens: Any) -> None:
    assert text_tokens(prompt) == tokens


@pytest.mark.parametrize(
    ("kin", "quality", "size", "tokens"),
    [
        ("gpt-image-1", "low", (1024, 1024), 272),
        ("gpt-image-1.5", "medium", (1024, 1536), 1584),
        ("gpt-image-1-mini", "high", (1536, 1024), 6208),
        ("gpt-image-2", "low", (1024, 1024), 196),
        ("gpt-image-2", "medium", (1024, 1024), 1756),
        ("gpt-image-2", "high", (1024, 1024), 7024),
        ("gpt-image-2", "low", (1536, 864), 120),
        ("gpt-image-2", "high", (2048, 2048), 14272),
        ("gpt-image-2", "high", (3840, 2160), 13342),
        ("gpt-image-2", "high", (3072, 1024), 3952),
        ("gpt-image-2.5", "low", (1024, 1024), 196),
        ("gpt-image-2.5", "medium", (1024, 1024), 439),
        ("gpt-image-2.5", "high", (1024, 1024), 1756),
        ("gpt-image-2.5", "xhigh", (1024, 1024), 3122),
        ("gpt-image-2.5", "max", (1024, 1024), 7024),
        ("gpt-image-2.5", "high", (1536, 1024), 1372),
        ("gpt-image-2.5", "high", (3840, 2160), 3336),
    ],
)
def test_output_tokens_are_the_published_and_measured_ones(
    kin: Any, quality: Any, size: Any, tokens: Any
) -> None:
    assert image_tokens(kin, quality, *size) == tokens


def test_only_gpt_image_1_5_writes_text_tokens() -> None:
    assert 335 <= picture_text_tokens("gpt-image-1.5", "kite") < 440
    assert picture_text_tokens("gpt-image-2", "kite") == 0


def test_a_price_is_the_sum_of_its_classes() -> None:
    usage = Usage(
        input_text_tokens=17,
        input_image_tokens=194,
        output_image_tokens=272,
        output_text_tokens=400,
    )
    expected = {
        "gpt-image-1": "0.012905",
        "gpt-image-1.5": "0.014341",
        "gpt-image-2": "0.009797",
        "gpt-image-1-mini": "0.002695",
    }
    found = {kin: usd_text(token_price_usd(kin, usage)) for kin in expected}
    assert found == expected


def test_a_gateways_price_is_rounded_once_half_to_even() -> None:
    assert scaled(Decimal("0.000000000001"), Decimal("0.5")) == 0
    assert scaled(Decimal("0.000000000003"), Decimal("0.5")) == Decimal("2e-12")
    assert usd_text(scaled(Decimal("0.00588"), Decimal("0.5"))) == "0.00294"
    assert usd_text(Decimal(700)) == "700"


@pytest.mark.parametrize(
    ("day", "gone", "there"),
    [
        (date(2026, 11, 21), "gpt-image-1", "gpt-image-1.5"),
        (date(2026, 12, 1), "gpt-image-1.5", "gpt-image-2"),
        (date(2026, 9, 7), "gpt-image-2.5-flare", "gpt-image-1"),
        (date(2026, 5, 12), "dall-e-3", "gpt-image-2"),
        (date(2026, 5, 11), "gpt-image-2.5-flare", "dall-e-3"),
    ],
)
def test_the_catalogue_knows_each_models_life(day: Any, gone: Any, there: Any) -> None:
    names = served(Profile.CURRENT, day)
    assert gone not in names
    assert there in names
    assert set(served(Profile.LEGACY, day)) == {model.name for model in MODELS}


WORK = Work(quality="high", pixels=1024 * 1024, n=1, pace=1.0)


def test_gpt_image_2_draws_transparent_grounds_from_its_day_on() -> None:
    name = "gpt-image-2-2026-04-21"
    before, after = (
        served(Profile.CURRENT, date(2026, 8, day))[name].transparent
        for day in (19, 20)
    )
    assert (before, after) == (False, True)
    with pytest.raises(RefusedError) as caught:
        checked(
            {"model": name, "prompt": "A kite", "background": "transparent"},
            served(Profile.CURRENT, date(2026, 8, 19)),
        )
    refusal = caught.value.refusal
    assert (refusal.type, refusal.param) == (
        "image_generation_user_error",
        "background",
    )


def test_service_times_scatter_round_the_published_median() -> None:
    draws = sorted(draw_s(WORK, None, f"1:{at}") for at in range(801))
    assert draws[400] == pytest.approx(30.0, rel=0.05)
    assert draws == sorted(draw_s(WORK, None, f"1:{at}") for at in range(801))
    assert median_s(replace(WORK, quality="low", pace=0.6)) == pytest.approx(3.6)
    assert median_s(replace(WORK, pixels=4 * WORK.pixels)) == pytest.approx(60)


def test_a_chosen_distribution_overrides_the_table() -> None:
    constant = Distribution(kind="constant", median_s=8)
    assert draw_s(WORK, constant, "any") == 8
    wide = Distribution(median_s=8, sigma=1)
    assert draw_s(WORK, wide, "a") != draw_s(WORK, wide, "b")


def test_the_window_slides_by_real_seconds() -> None:
    window, limits = Window(), Limits(requests_per_minute=2)
    assert window.admit(limits, 1, 0.0) is None
    assert window.admit(limits, 1, 10.0) is None
    refused = window.admit(limits, 1, 20.5)
    assert refused is not None
    assert refused.retry_after_s == 40
    assert window.admit(limits, 1, 59.9) is not None
    assert window.admit(limits, 1, 60.0) is None
    assert window.admit(limits, 1, 69.9) is not None


def test_the_window_counts_images_too() -> None:
    window, limits = Window(), Limits(images_per_minute=5)
    assert window.admit(limits, 3, 0.0) is None
    assert window.admit(limits, 2, 30.0) is None
    refused = window.admit(limits, 4, 31.0)
    assert refused is not None
    assert refused.retry_after_s == 59  # three go at 60 s, but four are needed: 90 s


def test_faults_of_one_plan_fire_alike_whatever_they_skip() -> None:
    fault = Fault(scenario=Scenario.OVERLOADED, share=0.5)
    seen = Sighting(method="POST", path="/v1/x", model=None, prompt=None)
    first = FaultPlan(seed=4, faults=(fault,))
    second = FaultPlan(seed=4, faults=(fault,))
    drawn = [first.draw(seen) for _ in range(50)]
    reads = replace(seen, method="GET")
    assert second.draw(reads) is None
    assert drawn == [second.draw(seen) for _ in range(50)]
    assert first.fired == [sum(one is fault for one in drawn)]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ('A sign "OPEN" and "SHUT"', ("OPEN", "SHUT")),
        ("海报「每天营业」和『周日』", ("每天营业", "周日")),
        ("“你好” ‘hi’", ("你好", "hi")),
        ("It's 5\" wide", ()),
        ('Empty "" and " "', ()),
        ('"' + "long " * 100 + '"', (("long " * 100)[:200],)),
    ],
)
def test_quoted_texts_are_found(prompt: Any, texts: Any) -> None:
    assert quoted_texts(prompt) == texts


PLAIN = Drawing(
    prompt="nothing",
    quality="low",
    width_px=512,
    height_px=512,
    output_format="jpeg",
    compression=90,
    transparent=False,
    key="k",
    request_id="req_1",
)


def pixels(drawing: Drawing) -> np.ndarray:
    import io

    from PIL import Image

    picture = Image.open(io.BytesIO(rendered(drawing)))
    return np.asarray(picture.convert("L")).astype(int)


@pytest.mark.parametrize("quoted", ['"OPEN DAILY"', "“hello”", "「每天营业」"])
def test_quoted_text_changes_the_picture_and_nothing_else_does(quoted: Any) -> None:
    bare = pixels(PLAIN)
    assert np.array_equal(bare, pixels(PLAIN))
    lettered = pixels(replace(PLAIN, prompt=f"a sign {quoted}"))
    changed = np.abs(lettered - bare) > 30
    assert np.count_nonzero(changed) > 3000
    assert np.count_nonzero((lettered < 60) & changed) > 300


def test_different_chinese_signs_look_different() -> None:
    first, second = (
        pixels(replace(PLAIN, prompt=f"「{text}」"))
        for text in ("每天营业", "周日休息")
    )
    assert np.count_nonzero(np.abs(first - second) > 100) > 500


@pytest.mark.parametrize("text", ["W" * 200, "word " * 40, "长" * 200, "a b"])
def test_long_texts_stay_inside_the_picture(text: Any) -> None:
    lettered = pixels(replace(PLAIN, prompt=f'"{text}"'))
    bare = pixels(PLAIN)
    changed = np.abs(lettered - bare) > 40
    assert changed.any()
    edge = np.ones_like(changed)
    edge[8:-8, 8:-8] = False
    assert not (changed & edge).any()
