"""Charge, for any usage: exact sums, additive, monotone."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from pricing.book import shipped_book
from pricing.charge import Charge, charge
from pricing.money import line_usd, total
from pricing.scheme import Scheme
from pricing.steps import Multiplier
from pricing.usage import Usage

CARD = shipped_book().card("openai", "gpt-image-1.5", date(2026, 10, 1))
COUNTS = st.integers(0, 10**9)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    text, image = draw(COUNTS), draw(COUNTS)
    return Usage(
        input_text_tokens=text,
        cached_text_tokens=draw(st.none() | st.integers(0, text)),
        input_image_tokens=image,
        cached_image_tokens=draw(st.none() | st.integers(0, image)),
        output_image_tokens=draw(COUNTS),
        output_text_tokens=draw(COUNTS),
    )


FACTORS = st.decimals(0, 100, places=6).map(
    lambda factor: Scheme(steps=(Multiplier(factor=factor),))
)


def _is_exact(found: Charge) -> bool:
    exponents = [line.usd.as_tuple().exponent for line in found.lines]
    return found.usd == total(line.usd for line in found.lines) and all(
        isinstance(exponent, int) and exponent >= -12 for exponent in exponents
    )


@given(usages(), st.none() | FACTORS, st.integers(1, 10**6))
def test_a_charge_is_the_sum_of_its_lines_and_each_line_is_its_product(
    usage: Usage, scheme: Scheme | None, calls: int
) -> None:
    one = charge(usage, CARD)
    one = scheme.per_call(one) if scheme else one
    assert _is_exact(one)
    for line in one.lines:
        assert line.usd == line_usd(line.quantity, line.rate_usd, line.per)
    many = one.times(calls)
    assert _is_exact(many)
    assert many.usd == one.usd * calls


@given(usages(), usages())
def test_charges_add_up(first: Usage, second: Usage) -> None:
    def added(name: str) -> int:
        return (getattr(first, name) or 0) + (getattr(second, name) or 0)

    both = charge(Usage(**{name: added(name) for name in Usage.__slots__}), CARD)
    apart = charge(first, CARD).plus(charge(second, CARD))
    assert apart.usd == both.usd


@given(
    usages(), st.sampled_from(sorted(Usage.__slots__)), st.integers(1, 10**6), FACTORS
)
def test_more_tokens_never_cost_less_and_cached_ones_never_more(
    usage: Usage, name: str, more: int, scheme: Scheme
) -> None:
    tokens = {field: getattr(usage, field) or 0 for field in Usage.__slots__}
    before = scheme.apply(charge(Usage(**tokens), CARD)).usd
    tokens[name] += more
    cheaper = name.startswith("cached")
    if cheaper and tokens[name] > tokens[name.replace("cached", "input")]:
        return
    after = scheme.apply(charge(Usage(**tokens), CARD)).usd
    assert after <= before if cheaper else after >= before
