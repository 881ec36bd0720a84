"""Reprice in SQL, for any quantities, rates and schemes: what `pricing` charges."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.attempt import Cell
from bench.store.index import write_index
from bench.store.price_rows import Place
from bench.store.queries import Row
from bench.store.reprice import Repriced, TooLargeForSql
from bench.studies.asked_price import AskedPrice, Wanted
from bench.studies.asked_prices import AskedPrices
from bench.studies.judged import Misjudged, attempt_groups, judge, known_sum
from bench.studies.price_change import why_of
from pricing.book import shipped_book
from pricing.rates import Confidence, ImagePrice, Rate, RateCard, Tier, TokenClass
from pricing.scheme import parse_scheme

DAY = date(2026, 11, 1)
IMAGE_COUNTS = (
    *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
    *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
)
MAINLINE_COUNTS = (
    *("mainline_input_tokens", "mainline_cached_tokens"),
    *("mainline_cache_write_tokens", "mainline_output_tokens"),
)
AUTHOR_COUNTS = ("svg_input_tokens", "svg_output_tokens")
COUNTS = (*IMAGE_COUNTS, *MAINLINE_COUNTS, *AUTHOR_COUNTS)
IMAGE_CLASSES = [name for name in TokenClass if not name.startswith("mainline")]
TEXT_CLASSES = [name for name in TokenClass if name.startswith("mainline")]
SOURCE = "SELECT * FROM told"
few = st.integers(0, 12)
counts = st.none() | few | few | st.integers(0, 10_000)
amounts = st.decimals(0, 200, places=9).map(lambda amount: format(amount, "f"))
factors = st.sampled_from(["0.5", "1.1", "0.333333", "0.0000001", "0"]) | amounts


def rate(usd: str, per: int = 1_000_000) -> Rate:
    return Rate(
        usd=Decimal(usd),
        per=per,
        source="a test",
        checked_on=DAY,
        confidence=Confidence.HIGH,
    )


def card(**parts: Any) -> RateCard:
    """A card of `model`; without rates or images it prices nothing."""
    empty: dict[TokenClass, Rate] = {}
    own: dict[str, Any] = {"rates": empty, "tier": Tier.STANDARD, **parts}
    return RateCard(
        vendor="shop",
        model="model",
        valid_from=DAY,
        valid_until=None,
        source="a test",
        checked_on=DAY,
        **own,
    )


def cell(api: str = "images", **sent: str | int) -> Cell:
    return Cell(
        endpoint="one",
        api=api,
        operation="generate",
        model="model",
        parameters=tuple(sorted(sent.items())),
    )


def rates_of(classes: Sequence[TokenClass]) -> st.SearchStrategy[dict[Any, Rate]]:
    some = st.builds(rate, amounts, st.sampled_from([1, 7, 1000, 1_000_000]))
    return st.dictionaries(st.sampled_from(classes), some, min_size=len(classes) - 1)


steps = st.one_of(
    factors.map(lambda f: {"kind": "multiplier", "factor": f}),
    factors.map(lambda f: {"kind": "region", "factor": f}),
    amounts.map(lambda usd: {"kind": "flat_per_call", "usd": usd}),
    st.sampled_from(["0.01", "0.000003", "7"]).map(
        lambda usd: {"kind": "round_up", "to_usd": usd}
    ),
    st.sampled_from(["211", "7.13", "0.07"]).map(
        lambda per: {"kind": "credits", "per_usd": per}
    ),
    factors.map(lambda share: {"kind": "fee", "share": share, "minimum_usd": "1"}),
)
own_rates = st.dictionaries(
    st.sampled_from([*TokenClass, "image"]), amounts, min_size=1, max_size=3
).map(lambda rates: {"kind": "per_class", "rates": rates})
schemes = st.none() | st.tuples(
    st.lists(own_rates, max_size=2), st.lists(steps, max_size=3)
).map(lambda both: [*both[0], *both[1]] or None)


@st.composite
def prices(draw: st.DrawFn) -> AskedPrice:
    written = draw(schemes)
    scheme = None if written is None else parse_scheme(written)
    kind = draw(st.sampled_from(["tokens", "picture", "responses"]))
    if kind == "picture":
        price = ImagePrice(quality="low", size=None, rate=rate(draw(amounts), 1))
        inputs = IMAGE_CLASSES[:4]
        return AskedPrice(
            cell=cell(quality="low", size="1024x1024", n=draw(st.integers(1, 10))),
            card=card(
                images=(price,),
                rates=draw(st.just({}) | rates_of(inputs)),
                round_up_usd=draw(st.sampled_from([None, Decimal("0.01")])),
            ),
            scheme=scheme,
        )
    text = None
    if kind == "responses":
        text = card(
            rates=draw(rates_of(TEXT_CLASSES)),
            long_above_tokens=draw(st.sampled_from([None, 6])),
            long_rates=draw(rates_of(TEXT_CLASSES)),
        )
    return AskedPrice(
        cell=cell("responses" if text else "images"),
        card=card(rates=draw(rates_of(IMAGE_CLASSES))),
        mainline=text,
        scheme=scheme,
    )


attempts = st.fixed_dictionaries(
    {
        **dict.fromkeys(COUNTS, counts),
        "billing": st.sampled_from(
            ["billed", "billed", "billed_unusable", "unbilled", "possibly_billed"]
        ),
        "charge_usd": st.sampled_from([None, Decimal(1)]),
        "outcome": st.sampled_from(["ok", "ok", "unusable"]),
        "images": st.integers(0, 4),
        "flags": st.sampled_from([[], [], ["service_tier_unpriced"]]),
    }
)


@pytest.fixture(scope="module")
def con(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("sql") / "index.duckdb"
    with write_index(path) as found:
        yield found


SHAPE = {
    **dict.fromkeys(("attempt_id", "run_id", "billing", "usage_source"), "VARCHAR"),
    "cell_index": "INTEGER",
    "started_at": "TIMESTAMP",
    "outcome": "VARCHAR",
    "images": "INTEGER",
    "flags": ["VARCHAR"],
    "charge_usd": "DECIMAL(38,12)",
    "possibly_billed_usd": "DECIMAL(38,12)",
    **dict.fromkeys(COUNTS, "BIGINT"),
}
Told = Sequence[tuple[int, dict[str, Any]]]


def tell(con: duckdb.DuckDBPyConnection, told: Told) -> None:
    """Attempts by the number of their price, as the index would hold them."""
    rows = [
        {
            "attempt_id": str(number),
            "run_id": "r",
            "cell_index": price_id,
            "started_at": "2026-11-01 13:00:00",
            "billing": "billed",
            "usage_source": "reported",
            **attempt,
        }
        for number, (price_id, attempt) in enumerate(told)
    ]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE told AS SELECT unnest("
        f"from_json($rows::JSON, '{json.dumps([SHAPE])}'), max_depth := 2)",
        {"rows": json.dumps(rows, default=str)},
    )


def by_pricing(price: AskedPrice, one: dict[str, Any]) -> Decimal | None:
    """What `pricing` charges for an attempt as it is told."""
    n_came = one["images"] if one["outcome"] == "ok" and one["images"] else None
    row = one | {"n_came": n_came, "is_other_tier": bool(one["flags"])}
    return price.usd(row)


def asked(prices: Sequence[AskedPrice]) -> tuple[list[Place], AskedPrices]:
    """A place for each price, all on one day."""
    found = AskedPrices(shipped_book(), Wanted())
    found.found.extend(prices)
    return [
        Place(place_id=n, run_id="r", cell_index=n, day=DAY, price_id=n)
        for n in range(len(prices))
    ], found


def in_sql(
    con: duckdb.DuckDBPyConnection, prices: Sequence[AskedPrice], told: Told
) -> dict[str, Row]:
    """What SQL says of each attempt, by its number; none that Python must price."""
    tell(con, told)
    places, found = asked(prices)
    repriced = Repriced(con, places, found.rows(all_for_python=False), SOURCE)
    return {row["attempt_id"]: row for row in repriced.sample(1)}


@settings(
    max_examples=12,
    # The row that differs is told; to make it smaller takes minutes of SQL.
    phases=(Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(prices(), min_size=1, max_size=5), st.lists(attempts, min_size=20))
def test_sql_charges_what_pricing_charges_to_the_twelfth_decimal(
    con: duckdb.DuckDBPyConnection,
    some_prices: list[AskedPrice],
    some_attempts: list[dict[str, Any]],
) -> None:
    n = len(some_prices)
    told = [(number % n, one) for number, one in enumerate(some_attempts)]
    rows = in_sql(con, some_prices, told)
    for row in rows.values():
        assert row["repriced_usd"] == some_prices[row["place_id"]].usd(row), row
    places, found = asked(some_prices)
    groups, _ = attempt_groups(con, places, found, SOURCE)
    assert sum(group["requests"] for group in groups) == len(told)
    for number, price in enumerate(some_prices):
        by_python = [by_pricing(price, one) for n, one in told if n == number]
        by_groups = [g["repriced_usd"] for g in groups if g["place_id"] == number]
        assert known_sum(by_groups) == known_sum(by_python)


def test_a_tie_goes_to_the_even_neighbour_where_a_cast_of_duckdb_goes_up(
    con: duckdb.DuckDBPyConnection,
) -> None:
    price = AskedPrice(
        cell=cell(), card=card(rates={TokenClass.OUTPUT_IMAGE: rate("0.0000005")})
    )
    told = [(0, {"output_image_tokens": tokens}) for tokens in (1, 2, 3, 5, 7)]
    rows = in_sql(con, [price], told)
    found = [row["repriced_usd"] for _, row in sorted(rows.items())]
    step = Decimal("0.000000000001")
    assert found == [step * whole for whole in (0, 1, 2, 2, 4)]
    cast = con.execute("SELECT 0.0000000000025::DECIMAL(38,12)").fetchall()
    assert cast == [(step * 3,)]


def test_every_class_has_its_own_rate_batch_cached_written_and_long(
    con: duckdb.DuckDBPyConnection,
) -> None:
    book, day = shipped_book(), date(2026, 11, 21)
    batch = AskedPrice(
        cell=cell(), card=book.card("openai", "gpt-image-1.5", day, "batch")
    )
    long = AskedPrice(
        cell=cell("responses"),
        card=book.card("openai", "gpt-image-2", day),
        mainline=book.card("openai", "gpt-5.6-sol", day),
    )
    tokens = dict.fromkeys(IMAGE_COUNTS, 1000) | {
        "cached_text_tokens": 10,
        "cached_image_tokens": 100,
        "output_text_tokens": 0,
    }
    text = {
        "mainline_cached_tokens": 1000,
        "mainline_cache_write_tokens": 500,
        "mainline_output_tokens": 300,
    }
    told = [
        (0, {**tokens, "output_text_tokens": 7}),
        (1, {**tokens, **text, "mainline_input_tokens": 272_000}),
        (1, {**tokens, **text, "mainline_input_tokens": 272_001}),
        (1, {**text, "mainline_input_tokens": 272_000}),
    ]
    rows = in_sql(con, [batch, long], told)
    found = [row["repriced_usd"] for _, row in sorted(rows.items())]
    assert found == [
        # 990 x 2.5 + 10 x 0.63 + 900 x 4 + 100 x 1 + 1000 x 16 + 7 x 5, a million
        Decimal("0.0222163"),
        # 270,500 x 4 + 1000 x 0.4 + 500 x 5 + 300 x 20; the tool 42,362.5
        Decimal("1.1332625"),
        # 270,501 x 8 + 1000 x 0.8 + 500 x 10 + 300 x 30; the tool 42,362.5
        Decimal("2.2211705"),
        # Without usage of the tool nobody knows.
        None,
    ]


# 100 text tokens at 5 and 1,000 of pictures at 30 USD a million: 0.0305.
BY_SCHEME: tuple[tuple[list[dict[str, Any]], str], ...] = (
    ([{"kind": "multiplier", "factor": "0.5"}], "0.01525"),
    ([{"kind": "region", "factor": "1.1"}], "0.03355"),
    ([{"kind": "flat_per_call", "usd": "0.03"}], "0.03"),
    ([{"kind": "per_class", "rates": {"output_image": "24"}}], "0.0245"),
    (
        [
            {"kind": "per_class", "rates": {"output_image": "24"}},
            {"kind": "multiplier", "factor": "0.5"},
        ],
        "0.01225",
    ),
    ([{"kind": "round_up", "to_usd": "0.01"}], "0.04"),
    ([{"kind": "credits", "per_usd": "2"}], "0.01525"),
    # 0.0305 / 7.1 = 0.00429577464788...
    (
        [{"kind": "currency", "code": "CNY", "per_usd": "7.1", "as_of": "2026-11-01"}],
        "0.004295774648",
    ),
    ([{"kind": "fee", "share": "0.055"}], "0.0321775"),
    # What changes the call comes first: 0.04, then 5 % on it.
    (
        [{"kind": "fee", "share": "0.05"}, {"kind": "round_up", "to_usd": "0.01"}],
        "0.042",
    ),
)


def test_each_kind_of_scheme_is_priced_as_by_hand(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rates = {TokenClass.INPUT_TEXT: rate("5"), TokenClass.OUTPUT_IMAGE: rate("30")}
    prices = [
        AskedPrice(cell=cell(), card=card(rates=rates), scheme=parse_scheme(written))
        for written, _ in BY_SCHEME
    ]
    used = {"input_text_tokens": 100, "output_image_tokens": 1000}
    rows = in_sql(con, prices, [(number, used) for number in range(len(prices))])
    assert len(rows) == len(prices)
    for number, (written, usd) in enumerate(BY_SCHEME):
        assert rows[str(number)]["repriced_usd"] == Decimal(usd), written


def test_several_sets_of_own_rates_are_left_to_python(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rates = {TokenClass.INPUT_TEXT: rate("5"), TokenClass.OUTPUT_IMAGE: rate("30")}
    own = [{"output_image": "24"}, {"input_text": "10"}]
    scheme = parse_scheme([{"kind": "per_class", "rates": one} for one in own])
    price = AskedPrice(cell=cell(), card=card(rates=rates), scheme=scheme)
    used = {"input_text_tokens": 100, "output_image_tokens": 1000}
    assert in_sql(con, [price], [(0, used)]) == {}
    places, known = asked([price])
    ((group,), _) = attempt_groups(con, places, known, SOURCE)
    # 0.0305, 0.006 less by the one, 0.0005 more by the other.
    assert group["repriced_usd"] == Decimal("0.025")


def test_the_author_of_an_svg_is_priced_as_by_hand_and_unknown_where_untold(
    con: duckdb.DuckDBPyConnection,
) -> None:
    read, written = TokenClass.MAINLINE_INPUT, TokenClass.MAINLINE_OUTPUT
    short = {read: rate("1"), written: rate("3")}
    long = {read: rate("4"), written: rate("9")}
    price = AskedPrice(
        cell=cell(output_format="svg", svg_model="author"),
        card=card(rates={TokenClass.OUTPUT_IMAGE: rate("30")}),
        author=card(rates=short, long_above_tokens=1000, long_rates=long),
        scheme=parse_scheme({"kind": "multiplier", "factor": "0.5"}),
    )
    picture = {"output_image_tokens": 100}
    told = [
        (0, picture | {"svg_input_tokens": 1000, "svg_output_tokens": 2000}),
        (0, picture | {"svg_input_tokens": 1001, "svg_output_tokens": 2000}),
        (0, picture | {"usage_source": "absent", "charge_usd": None}),
    ]
    tell(con, told)
    places, known = asked([price])
    groups, _ = attempt_groups(con, places, known, SOURCE)
    # Half of 0.003 + 0.001 + 0.006, and half of 0.003 + 0.004004 + 0.018.
    (priced,) = [group for group in groups if group["why"] == "priced"]
    assert priced["repriced_usd"] == Decimal("0.005") + Decimal("0.012502")
    (untold,) = [group for group in groups if group["why"] != "priced"]
    assert (untold["why"], untold["repriced_usd"]) == ("no_usage", None)


def test_what_another_tier_served_has_no_price_of_the_usual_one(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rates = {TokenClass.OUTPUT_IMAGE: rate("30")}
    by_sql = AskedPrice(cell=cell(), card=card(rates=rates))
    own = [{"kind": "per_class", "rates": {"output_image": "24"}}] * 2
    by_python = AskedPrice(
        cell=cell(), card=card(rates=rates), scheme=parse_scheme(own)
    )
    told = {"output_image_tokens": 100, "flags": ["service_tier_unpriced"]}
    places, known = asked([by_sql, by_python])
    tell(con, [(0, told), (1, told), (1, told | {"billing": "unbilled"})])
    groups, _ = attempt_groups(con, places, known, SOURCE)
    *dear, free = sorted(groups, key=lambda group: group["repriced_usd"] is not None)
    assert [(g["mark"], g["why"], g["repriced_usd"]) for g in dear] == [
        ("?", "other_tier", None)
    ] * 2
    assert free["repriced_usd"] == 0
    said = why_of(dear[0], "?", by_sql, ()).sentences
    assert said == ("served in a service tier of which the book has no rates",)


def test_whole_pictures_are_priced_by_those_that_came(
    con: duckdb.DuckDBPyConnection,
) -> None:
    picture = ImagePrice(quality="low", size=None, rate=rate("0.02", 1))
    price = AskedPrice(cell=cell(quality="low", n=4), card=card(images=(picture,)))
    told = [
        (0, {"outcome": "ok", "images": 4}),
        (0, {"outcome": "ok", "images": 2}),
        (0, {"outcome": "unusable", "images": 1}),
    ]
    tell(con, told)
    places, known = asked([price])
    groups, _ = attempt_groups(con, places, known, SOURCE)
    # Where an answer is cut off nobody knows how many were made.
    assert known_sum(group["repriced_usd"] for group in groups) == Decimal("0.20")


def test_whole_pictures_are_priced_as_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    picture = ImagePrice(quality="low", size=None, rate=rate("0.02", 1))
    asked_for = cell(quality="low", size="1536x1024", n=3)
    plain = card(images=(picture,))
    rounding = card(
        images=(picture,),
        rates={TokenClass.INPUT_TEXT: rate("5")},
        round_up_usd=Decimal("0.01"),
    )
    own = [{"kind": "per_class", "rates": {"image": "0.011"}}]
    begun = {"kind": "round_up", "to_megapixel": "1"}
    prices = [
        AskedPrice(cell=asked_for, card=plain),
        AskedPrice(cell=asked_for, card=plain, scheme=parse_scheme(own)),
        AskedPrice(cell=asked_for, card=plain, scheme=parse_scheme(begun)),
        AskedPrice(cell=asked_for, card=rounding),
        # Its rounding stays that of the direct rates: left to Python.
        AskedPrice(cell=asked_for, card=rounding, scheme=parse_scheme(own)),
    ]
    told = [(number, {"input_text_tokens": 100}) for number in range(len(prices))]
    rows = in_sql(con, prices, told)
    found = [row["repriced_usd"] for _, row in sorted(rows.items())]
    # 3 x 0.02; 3 x 0.011; 1.5 megapixels are 2; 0.06 + 0.0005 up to a cent.
    assert found == [Decimal(usd) for usd in ("0.06", "0.033", "0.12", "0.07")]
    places, known = asked(prices)
    groups, _ = attempt_groups(con, places, known, SOURCE)
    # 0.033 + 0.0005, and the 0.0095 by which 0.0605 was rounded up.
    assert groups[-1]["repriced_usd"] == Decimal("0.043")


@pytest.mark.parametrize(
    "wrong",
    [
        {"output_image_tokens": None},
        {"output_image_tokens": -1},
        {"output_text_tokens": 10**12 + 1},
        {"cached_text_tokens": 11},
        {"input_image_tokens": None, "cached_image_tokens": 1},
        {"mainline_input_tokens": None},
        {"mainline_output_tokens": None},
        {"mainline_cached_tokens": 6, "mainline_cache_write_tokens": 5},
        {"billing": "possibly_billed"},
    ],
)
def test_what_pricing_refuses_has_no_price_in_sql(
    con: duckdb.DuckDBPyConnection, wrong: dict[str, Any]
) -> None:
    every = {name: rate("1") for name in TokenClass}
    price = AskedPrice(
        cell=cell("responses"), card=card(rates=every), mainline=card(rates=every)
    )
    right = dict.fromkeys(COUNTS, 10) | {
        "mainline_cached_tokens": 4,
        "mainline_cache_write_tokens": 6,
    }
    rows = in_sql(con, [price], [(0, right), (0, right | wrong)])
    found = [row["repriced_usd"] for _, row in sorted(rows.items())]
    assert found == [Decimal("0.00006"), None]
    assert [price.usd(row) for _, row in sorted(rows.items())] == found


def test_what_passes_64_bits_takes_128_and_what_passes_these_is_left_to_python(
    con: duckdb.DuckDBPyConnection,
) -> None:
    most = {"output_image_tokens": 10**12}
    dear = AskedPrice(
        cell=cell(), card=card(rates={TokenClass.OUTPUT_IMAGE: rate("9999999")})
    )
    rows = in_sql(con, [dear], [(0, most)])
    assert rows["0"]["repriced_usd"] == Decimal(9999999000000)
    dearer = AskedPrice(
        cell=cell(),
        card=card(rates={TokenClass.OUTPUT_IMAGE: rate("123456789012.5", 1)}),
    )
    tell(con, [(0, most)])
    places, found = asked([dearer])
    with pytest.raises(TooLargeForSql):
        Repriced(con, places, found.rows(all_for_python=False), SOURCE).groups()
    ((group,), _) = attempt_groups(con, places, found, SOURCE)
    assert group["repriced_usd"] == Decimal(123456789012500000000000)


def test_a_price_that_sql_gets_wrong_is_not_told(
    con: duckdb.DuckDBPyConnection,
) -> None:
    price = AskedPrice(
        cell=cell(), card=card(rates={TokenClass.OUTPUT_IMAGE: rate("30")})
    )
    (row,) = in_sql(con, [price], [(0, {"output_image_tokens": 196})]).values()
    places, found = asked([price])
    assert judge([row], places, found) == 1
    row["repriced_usd"] += Decimal("0.000000000001")
    with pytest.raises(Misjudged):
        judge([row], places, found)
