"""Route: the way a request goes, by policy, latency, price and priority."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.endpoint import Route
from bench.errors import BadInput
from bench.traffic.policies import (
    parse_policy,
    policy_name,
    read_policies,
    written_policy,
)
from bench.traffic.route import (
    ByLatency,
    ByPriority,
    CheapestUnder,
    Direct,
    Gateway,
    Policy,
    Priority,
    Seen,
    State,
    choose,
)

DIRECT, GATEWAY = Route.DIRECT, Route.GATEWAY
PRICES = {DIRECT: Decimal("0.04"), GATEWAY: Decimal("0.02")}


def _seen(*latencies_s: float, age_s: float = 1.0) -> tuple[Seen, ...]:
    return tuple(Seen(latency_s=one, age_s=age_s) for one in latencies_s)


def _gateway(*latencies_s: float, **more: object) -> State:
    return State(seen={GATEWAY: _seen(*latencies_s)}, **more)  # type: ignore[arg-type]


def test_everything_goes_one_way_where_the_policy_says_so() -> None:
    slow = _gateway(900.0, priority=Priority.BATCH)
    assert choose(Direct(), slow) is DIRECT
    assert choose(Gateway(), slow) is GATEWAY


@pytest.mark.parametrize(
    ("latencies_s", "route"),
    [
        ((), GATEWAY),
        ((4.9,), GATEWAY),
        ((5.0,), DIRECT),
        # The median of the last three: 9 and 2 stand aside of 4, then of 6.
        ((30.0, 30.0, 9.0, 2.0, 4.0), GATEWAY),
        ((1.0, 1.0, 9.0, 2.0, 6.0), DIRECT),
    ],
)
def test_the_gateway_is_taken_while_its_recent_latency_is_under_the_threshold(
    latencies_s: tuple[float, ...], route: Route
) -> None:
    policy = ByLatency(threshold_s=5, last_n=3)
    assert choose(policy, _gateway(*latencies_s)) is route


def test_once_away_the_gateway_must_be_clearly_faster_to_be_taken_again() -> None:
    policy = ByLatency(threshold_s=5, return_share=0.8)
    for latency_s, from_gateway, from_direct in (
        (3.9, GATEWAY, GATEWAY),
        (4.1, GATEWAY, DIRECT),
        (5.1, DIRECT, DIRECT),
    ):
        assert choose(policy, _gateway(latency_s, last=GATEWAY)) is from_gateway
        assert choose(policy, _gateway(latency_s, last=DIRECT)) is from_direct


def test_a_latency_outside_the_window_is_forgotten_and_the_gateway_tried() -> None:
    policy = ByLatency(threshold_s=5, window_s=60)
    for age_s, route in ((60.0, DIRECT), (60.1, GATEWAY)):
        seen = {GATEWAY: _seen(900.0, age_s=age_s)}
        assert choose(policy, State(seen=seen, last=DIRECT)) is route


def test_high_priority_goes_direct_batch_through_the_gateway_the_rest_by_latency() -> (
    None
):
    policy = ByPriority(otherwise=ByLatency(threshold_s=5))
    for latency_s, normal in ((1.0, GATEWAY), (9.0, DIRECT)):
        ways = [
            choose(policy, _gateway(latency_s, priority=one))
            for one in (Priority.HIGH, Priority.BATCH, Priority.NORMAL)
        ]
        assert ways == [DIRECT, GATEWAY, normal]


def _both(direct_s: float, gateway_s: float, **usd: str | None) -> State:
    prices = {
        route: None if usd.get(route) is None else Decimal(str(usd[route]))
        for route in Route
    }
    seen = {DIRECT: _seen(direct_s), GATEWAY: _seen(gateway_s)}
    return State(seen=seen, usd=prices)


@pytest.mark.parametrize(
    ("state", "route"),
    [
        (_both(1, 1, direct="0.04", gateway="0.02"), GATEWAY),
        (_both(1, 1, direct="0.02", gateway="0.03"), DIRECT),
        (_both(1, 1, direct="0.02", gateway="0.02"), DIRECT),
        # Too slow, so the dearer one; both too slow, so the faster one.
        (_both(1, 11, direct="0.04", gateway="0.02"), DIRECT),
        (_both(20, 11, direct="0.04", gateway="0.02"), GATEWAY),
        (_both(11, 20, direct="0.04", gateway="0.02"), DIRECT),
        (_both(10, 10, direct="0.04", gateway="0.02"), GATEWAY),
        # Nobody knows the price: never the cheaper one, and never free.
        (_both(1, 1, direct="0.04", gateway=None), DIRECT),
        (_both(1, 1, direct=None, gateway="0.04"), GATEWAY),
        (_both(1, 1), DIRECT),
        (State(usd=PRICES), GATEWAY),
    ],
)
def test_the_cheapest_way_within_the_bound_is_taken_else_the_faster_one(
    state: State, route: Route
) -> None:
    assert choose(CheapestUnder(bound_s=10), state) is route


_LATENCIES = st.lists(
    st.builds(Seen, latency_s=st.floats(0.001, 900), age_s=st.floats(0, 900)),
    max_size=6,
).map(tuple)
_STATES = st.builds(
    State,
    priority=st.sampled_from(Priority),
    seen=st.dictionaries(st.sampled_from(Route), _LATENCIES),
    usd=st.dictionaries(st.sampled_from(Route), st.none() | st.decimals(0, 9)),
    last=st.none() | st.sampled_from(Route),
)


@given(_STATES, st.floats(0.001, 900))
def test_a_gateway_that_gets_slower_is_never_taken_more_often(
    state: State, more_s: float
) -> None:
    slower = {
        route: tuple(
            Seen(latency_s=one.latency_s + more_s, age_s=one.age_s) for one in seen
        )
        if route is GATEWAY
        else seen
        for route, seen in state.seen.items()
    }
    after = State(priority=state.priority, seen=slower, usd=state.usd, last=state.last)
    policies: tuple[Policy, ...] = (ByLatency(), ByPriority(), CheapestUnder(bound_s=9))
    for policy in policies:
        if choose(policy, state) is DIRECT:
            assert choose(policy, after) is DIRECT


def test_a_policy_is_written_and_read_again_the_same(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(
        "policies:\n"
        "  - kind: direct\n"
        "  - {kind: latency, threshold_s: 2.5, last_n: 3}\n"
        "  - {kind: priority, threshold_s: 4}\n"
        "  - {kind: cheapest, bound_s: 10}\n"
    )
    found = read_policies(file)
    assert found == (
        Direct(),
        ByLatency(threshold_s=2.5, last_n=3),
        ByPriority(otherwise=ByLatency(threshold_s=4)),
        CheapestUnder(bound_s=10),
    )
    for policy in found:
        written = written_policy(policy)
        kind = written.pop("kind")
        options = ",".join(f"{key}={value}" for key, value in written.items())
        assert parse_policy(f"{kind}:{options}") == policy
        assert parse_policy(policy_name(policy)) == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fastest", "kind 'fastest' is no policy; there are direct, gateway"),
        ("latency:threshold=5", "latency has no key 'threshold'; it takes threshold_s"),
        ("latency:threshold_s=fast", "should be a number, not 'fast'"),
        ("latency:threshold_s=0", "threshold_s 0 must be above 0"),
        ("latency:threshold_s=nan", "threshold_s nan must be above 0"),
        ("latency:threshold_s=inf", "threshold_s inf must be above 0"),
        ("latency:return_share=1.5", "return_share 1.5 must be above 0 and at most 1"),
        ("latency:last_n=2.5", "should be a whole number, not '2.5'"),
        ("latency:last_n=0", "last_n 0 must be 1 to 100"),
        ("latency:threshold_s", "'threshold_s' is not KEY=VALUE"),
        ("latency:last_n=1,last_n=2", "last_n is given twice"),
        ("cheapest", "cheapest needs bound_s"),
        ("direct:bound_s=1", "direct has no key 'bound_s'; it takes no keys"),
    ],
)
def test_a_policy_that_can_not_be_read_says_what_and_where(
    text: str, said: str
) -> None:
    with pytest.raises(BadInput) as refused:
        parse_policy(text)
    assert f"--policy {text}" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "should hold the key policies"),
        ("policies: []", "at least one policy"),
        ("policies: [direct]", "policies.0: should be keys and values"),
        ("policies: [{kind: latency, last_n: true}]", "last_n: should be a whole"),
        ("policies: [{kind: [1]}]", "is no policy"),
        ("policy: []", "key 'policy' is not known"),
    ],
)
def test_a_file_of_policies_that_can_not_be_read_says_what_and_where(
    tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(content)
    with pytest.raises(BadInput) as refused:
        read_policies(file)
    assert str(file) in str(refused.value)
    assert said in str(refused.value)
