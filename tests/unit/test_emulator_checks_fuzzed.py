"""Whatever is asked of the emulator, it is answered or refused by name."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.emulator.catalogue import served
from bench.emulator.checks import checked, edges_px
from bench.emulator.documents import BadDocumentError
from bench.emulator.faults import FaultPlan, parsed
from bench.emulator.options import Profile
from bench.emulator.profile import RunProfile, changed
from bench.emulator.refusals import RefusedError
from bench.emulator.service_time import draw_s
from bench.emulator.settle import list_price_usd, settled, work_of
from bench.emulator.values import RULES

MODELS = served(Profile.LEGACY)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
LIKELY = st.sampled_from(
    [
        *("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"),
        *("1024x1024", "1536x1024", "1024x640", "3840x1280", "256x256", "16x16"),
        *("png", "jpeg", "webp", "transparent", "opaque", "url", "b64_json", "vivid"),
        *(0, 1, 2, 10, 11, 100, 101, True, False, None),
    ]
)
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from([*MODELS]) | JSON, "prompt": st.text(min_size=1) | JSON},
    optional=dict.fromkeys(RULES, LIKELY | JSON) | {"other": JSON},
)


@settings(deadline=None, max_examples=400)
@given(BODIES)
def test_a_body_is_accepted_whole_or_refused_by_name(body: dict[str, Any]) -> None:
    try:
        wanted = checked(body, MODELS)
    except RefusedError as refused:
        refusal = refused.refusal
        assert refusal.status in (400, 404)
        assert refusal.param in {*body, "model", "prompt"}
        assert refusal.code is not None
        assert refusal.body().startswith(b'{\n  "error": {')
        return
    plan = settled(wanted, key="k", request_id="req_1", fault=None, substitutes=False)
    assert "auto" not in (plan.told_quality, plan.told_size)
    assert min(edges_px(plan.drawn_size)) >= 256
    assert list_price_usd(plan) > 0
    assert draw_s(work_of(plan), None, "k") > 0


KEYS = ("scenario", "times", "share", "when", "retry_after_s")
PLANS = st.fixed_dictionaries(
    {},
    optional={
        "seed": JSON,
        "faults": st.lists(
            st.fixed_dictionaries(
                {"scenario": st.sampled_from(["overloaded", "explode"])},
                optional=dict.fromkeys(KEYS[1:], LIKELY | JSON),
            ),
            max_size=2,
        )
        | JSON,
    },
)


@settings(deadline=None)
@given(PLANS | JSON)
def test_a_fault_plan_is_read_or_refused_in_words(document: Any) -> None:
    with suppress(BadDocumentError):
        assert isinstance(parsed(document), FaultPlan)


PROFILE_KEYS = RunProfile().as_json()


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(PROFILE_KEYS, LIKELY | JSON))
    | JSON
)
def test_a_profile_is_read_or_refused_in_words(document: Any) -> None:
    with suppress(BadDocumentError):
        assert changed(RunProfile(), document).as_json().keys() == PROFILE_KEYS.keys()
