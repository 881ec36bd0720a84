"""Replays: what routing policies would have made of a run, in words."""

from decimal import Decimal

from bench.words.figures import dollars, dollars_between, seconds

_WAYS = {
    "direct": "everything direct",
    "gateway": "everything through the gateway",
}


def policy_words(kind: str, values: dict[str, float]) -> str:
    """What a policy does, in a sentence.

    Args:
        kind: direct, gateway, latency, priority or cheapest.
        values: Its settings by name.
    """
    if kind in _WAYS:
        return _WAYS[kind]
    window = (
        f"(median of the last {values['last_n']:g} that ended within "
        f"{seconds(values['window_s'])})"
    )
    if kind == "cheapest":
        return (
            f"the cheaper way whose recent latency is at most "
            f"{seconds(values['bound_s'])} {window}, else the faster one"
        )
    back_s = values["threshold_s"] * values["return_share"]
    by_latency = (
        f"through the gateway while its recent latency {window} is under "
        f"{seconds(values['threshold_s'])}, back to it under {seconds(back_s)}, "
        "else direct"
    )
    if kind == "priority":
        return f"high priority direct, batch through the gateway, the rest {by_latency}"
    return by_latency


def saving_words(
    name: str,
    against: str,
    saving_usd: Decimal | None,
    band_usd: tuple[Decimal, Decimal] | None,
    why_no_band: str | None,
) -> str:
    """What a usable picture costs less or more under a policy.

    Args:
        name: Of the policy.
        against: Of the one that it is held against.
        saving_usd: Dollars a usable picture; above 0 the policy is cheaper.
        band_usd: The 90 % band of it, low and high.
        why_no_band: Said where there is none.
    """
    if saving_usd is None:
        return "cost: not known for both"
    if band_usd is None:
        basis = f"no 90% band: {why_no_band}" if why_no_band else "no 90% band"
        return f"cost: {_step(name, against, saving_usd)} ({basis})"
    low, high = band_usd
    if low == high == 0:
        return f"cost: {_step(name, against, saving_usd)}"
    if low <= 0 <= high:
        return (
            f"cost of a usable picture: no clear difference between {against} and "
            f"{name} (measured {_signed(saving_usd)}, 90% band {_signed(low)} to "
            f"{_signed(high)})"
        )
    ends = sorted((abs(low), abs(high)))
    basis = f"90% band {dollars_between(ends[0], ends[1])}"
    return f"cost: {_step(name, against, saving_usd)} ({basis})"


def _step(name: str, against: str, saving_usd: Decimal) -> str:
    if not saving_usd:
        return f"{name} and {against} cost the same a usable picture"
    side = "less" if saving_usd > 0 else "more"
    return (
        f"{name} costs {dollars(abs(saving_usd))} {side} a usable picture than "
        f"{against}"
    )


def _signed(usd: Decimal) -> str:
    if not usd:
        return dollars(usd)
    return f"{dollars(abs(usd))} {'less' if usd > 0 else 'more'}"
