"""Products: quantities times rates as SQL, in 10^-12 US dollars."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from bench.store.price_rows import FLAT, IMAGE_CLASSES, MAINLINE_CLASSES, SCALED
from pricing.usage import LARGEST_QUANTITY, MainlineUsage, Usage

# What stands in the way of a price, by its number in SQL: as a text it would be
# the dearest column.
WHYS = (
    *("priced", "for_python", "request_unknown", "no_usage", "no_price", "no_rate"),
    "other_tier",
)
FOR_PYTHON = WHYS.index("for_python")
FREE = "billing IN ('not_sent', 'unbilled')"
COUNTS = tuple(member.name for member in fields(Usage))
AUTHOR_COUNTS = ("svg_input_tokens", "svg_output_tokens")
MAINLINE_COUNTS = tuple(f"mainline_{member.name}" for member in fields(MainlineUsage))
_INPUT_CLASSES = IMAGE_CLASSES[:4]
# What a request used of each class: input totals include their cached part.
_QUANTITIES: Mapping[str, str] = {
    "input_text": "coalesce(input_text_tokens, 0) - coalesce(cached_text_tokens, 0)",
    "cached_text": "coalesce(cached_text_tokens, 0)",
    "input_image": "coalesce(input_image_tokens, 0) - coalesce(cached_image_tokens, 0)",
    "cached_image": "coalesce(cached_image_tokens, 0)",
    "output_image": "output_image_tokens",
    "output_text": "coalesce(output_text_tokens, 0)",
    "mainline_input": (
        "mainline_input_tokens - coalesce(mainline_cached_tokens, 0) "
        "- coalesce(mainline_cache_write_tokens, 0)"
    ),
    "mainline_cached": "coalesce(mainline_cached_tokens, 0)",
    "mainline_cache_write": "coalesce(mainline_cache_write_tokens, 0)",
    "mainline_output": "mainline_output_tokens",
}


def priced_attempts(source: str, n_steps: int, *, has_mainline: bool) -> str:
    """CTEs that end in `repriced`: attempts with `repriced_usd` and `why`.

    Each line is rounded once, half-even, to 12 decimals, and so is each step, as
    pricing.charge and pricing.steps do; whole numbers leave nothing else to round.
    What overflows is an error of DuckDB, never a wrong figure.

    Args:
        source: Attempts, one a row: their names, billing, counts, charge.
        n_steps: Steps of the longest scheme.
        has_mainline: Whether some price has rates for a mainline model.
    """
    classes = (*IMAGE_CLASSES, *(MAINLINE_CLASSES if has_mainline else ()))
    quantities = ", ".join(f"{_QUANTITIES[name]} AS {name}" for name in classes)
    steps = "".join(_step(number) for number in range(n_steps))
    return f"""
    counted AS (
        SELECT
            attempt_id, run_id, cell_index, started_at::DATE AS day, billing,
            usage_source, charge_usd, possibly_billed_usd,
            CASE WHEN outcome = 'ok' AND images > 0 THEN images END AS n_came,
            coalesce(list_contains(flags, 'service_tier_unpriced'), false)
                AS is_other_tier,
            {", ".join((*COUNTS, *MAINLINE_COUNTS, *AUTHOR_COUNTS))}, {quantities}
        FROM ({source})
    ), placed AS (
        SELECT c.*, m.place_id, p.* EXCLUDE (is_long, is_for_python), coalesce(
            p.is_for_python OR c.n_came <> p.n_pictures, p.is_for_python, false
        ) AS is_for_python
        FROM counted AS c
        JOIN reprice_place AS m USING (run_id, cell_index, day)
        LEFT JOIN reprice_price AS p ON p.price_id = m.price_id AND p.is_long
            = coalesce(c.mainline_input_tokens > p.long_above_tokens, false)
    ), direct AS (
        SELECT *, CASE
            WHEN has_price AND NOT is_other_tier
                AND billing IN ('billed', 'billed_unusable')
            THEN {_tool()} + {_mainline() if has_mainline else "0"}
        END AS total_0
        FROM placed
    ){steps}, totalled AS (
        SELECT * EXCLUDE (one), CASE WHEN {FREE} THEN 0 ELSE total_{n_steps} END
            ::DECIMAL(26,0) * 0.000000000001::DECIMAL(12,12) AS repriced_usd
        FROM {f"stepped_{n_steps}" if n_steps else "direct"}, {_ONCE}
    ), repriced AS (
        SELECT * EXCLUDE (one), {_WHY} AS why FROM totalled, {_ONCE}
    )
    """  # noqa: S608  own names


# DuckDB computes an expression anew wherever a later one names it, unless a join
# stands between: this one adds a column to no row more.
_ONCE = "reprice_one"
_WHY = """CASE
    WHEN is_for_python THEN 1
    WHEN repriced_usd IS NOT NULL THEN 0
    WHEN has_price IS NULL THEN 2
    WHEN is_other_tier THEN 6
    WHEN billing = 'possibly_billed' OR (charge_usd IS NULL AND usage_source = 'absent')
        THEN 3
    WHEN NOT has_price THEN 4
    WHEN picture_e12 IS NULL AND output_image_tokens IS NULL THEN 3
    ELSE 5
END::TINYINT"""


def _line(name: str) -> str:
    product = f"{name} * {name}_by"
    return (
        f"CASE WHEN {name} = 0 THEN 0 WHEN {name}_to = 1 THEN {product} "
        f"ELSE half_even({product}, {name}_to) END"
    )


def _sum(classes: Iterable[str]) -> str:
    return " + ".join(_line(name) for name in classes)


def _tool() -> str:
    """An Images call, or the image tool of a Responses call."""
    inputs, every = COUNTS[:4], COUNTS
    return f"""CASE
        WHEN picture_e12 IS NOT NULL AND NOT takes_inputs THEN picture_e12
        WHEN picture_e12 IS NOT NULL AND {_may_be(inputs)}
            THEN picture_e12 + {_sum(_INPUT_CLASSES)}
        WHEN picture_e12 IS NULL AND {_may_be(every)} THEN {_sum(IMAGE_CLASSES)}
    END"""


def _mainline() -> str:
    cached, written = "mainline_cached_tokens", "mainline_cache_write_tokens"
    return f"""CASE
        WHEN NOT has_mainline THEN 0
        WHEN {_in_range(MAINLINE_COUNTS)} AND coalesce({cached}, 0)
            + coalesce({written}, 0) <= mainline_input_tokens
        THEN {_sum(MAINLINE_CLASSES)}
    END"""


def _may_be(counts: Sequence[str]) -> str:
    """Counts that don't contradict themselves, as pricing.usage refuses them."""
    parts = " AND ".join(
        f"(coalesce({part}, 0) = 0 OR coalesce({part} <= {total}, false))"
        for part, total in (
            ("cached_text_tokens", "input_text_tokens"),
            ("cached_image_tokens", "input_image_tokens"),
        )
    )
    return f"{_in_range(counts)} AND {parts}"


def _in_range(counts: Iterable[str]) -> str:
    return " AND ".join(
        f"coalesce({name} BETWEEN 0 AND {LARGEST_QUANTITY}, true)" for name in counts
    )


def _step(number: int) -> str:
    """A further CTE: the total after a step; what has none keeps its total."""
    before = f"stepped_{number}" if number else "direct"
    total, by, to = f"total_{number}", f"step_{number}_by", f"step_{number}_to"
    steps = f"({total} * {to} + {by} - 1) // {by}"
    return f""", stepped_{number + 1} AS (
        SELECT * EXCLUDE (one), CASE
            WHEN step_{number} IS NULL OR {total} IS NULL THEN {total}
            WHEN step_{number} = '{FLAT}' THEN {by}
            WHEN step_{number} = '{SCALED}' THEN half_even({total} * {by}, {to})
            ELSE half_even({steps} * {by}, {to})
        END AS total_{number + 1}
        FROM {before}, {_ONCE}
    )"""  # noqa: S608  own names
