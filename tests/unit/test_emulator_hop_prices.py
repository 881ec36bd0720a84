"""What a gateway's account makes of an answer that it passed on."""

from typing import Any

import pytest

from bench.emulator.hop_prices import response_usd

USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 50,
}
IMAGE = {
    "input_tokens": 6,
    "input_tokens_details": {"text_tokens": 6, "image_tokens": 0},
    "output_tokens": 196,
    "total_tokens": 202,
}
AUTHOR = {"svg_usage": {"model": "gpt-5.2", "input_tokens": 9, "output_tokens": 700}}


@pytest.mark.parametrize(("more", "is_known"), [({}, True), (AUTHOR, False)])
def test_a_response_is_priced_where_every_part_of_it_can_be(
    *, more: dict[str, Any], is_known: bool
) -> None:
    told = {
        "model": "gpt-5.2",
        "usage": USAGE,
        "tool_usage": {"image_gen": IMAGE},
        "output": [{"type": "image_generation_call", **more}],
    }
    usd = response_usd({"model": "gpt-image-2.6-flare"}, told)
    assert (usd is not None) == is_known
