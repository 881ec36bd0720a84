"""Recompute: the golden prices worked out again, with nothing of ours imported.

Run `python recompute.py prices.jsonl`: each case's arithmetic is carried out as it is
written; what does not come out as the case says is told, and the exit is 1.
"""

import json
import re
import sys
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, getcontext
from pathlib import Path

STEP = Decimal("0.000000000001")
TERM = re.compile(r"([0-9]+) x ([0-9.]+)(?: / ([0-9]+))?")


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(STEP, rounding=ROUND_HALF_EVEN)


def one_call(case: dict) -> Decimal:
    """The written sum, then rounding up, then the gateway's steps on each call."""
    total = Decimal(0)
    for term in case["sum"].split(" + "):
        found = TERM.fullmatch(term)
        if not found:
            raise ValueError(f"not 'quantity x rate / per': {term}")
        quantity, rate, per = found.groups()
        total += rounded(Decimal(quantity) * Decimal(rate) / Decimal(per or "1"))
    if "round_up" in case:
        step = Decimal(case["round_up"])
        total = (total / step).to_integral_value(rounding=ROUND_CEILING) * step
    if "factor" in case:
        total = rounded(total * Decimal(case["factor"]))
    for step in case.get("per_call", []):
        total = rounded(STEPS[step[0]](total, *map(Decimal, step[1:])))
    return total


def fee(total: Decimal, share: Decimal, minimum: Decimal, purchase: Decimal) -> Decimal:
    """The larger of a share of what is bought and the minimum."""
    return total + max(share * purchase, minimum)


STEPS = {
    "times": lambda total, factor: total * factor,
    "divided": lambda total, rate: total / rate,
    "flat": lambda _, usd: usd,
    "up": lambda total, step: (total / step).to_integral_value(ROUND_CEILING) * step,
    "fee": fee,
}


def all_calls(case: dict) -> Decimal:
    """All calls together, then the gateway's steps on the total."""
    total = one_call(case) * case.get("calls", 1)
    for step in case.get("on_total", []):
        total = rounded(STEPS[step[0]](total, *map(Decimal, step[1:])))
    return total


def grid_tokens(grid: int, width: int, height: int) -> int:
    """OpenAI's calculator as it was recovered: cells of the long and short edge."""
    long_px, short_px = max(width, height), min(width, height)
    across = (2 * grid * short_px + long_px) // (2 * long_px)
    tokens = Decimal(grid * across * (2_000_000 + width * height)) / 4_000_000
    return int(tokens.to_integral_value(rounding=ROUND_CEILING))


def plain(amount: Decimal) -> str:
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def faults(case: dict) -> list[str]:
    """What does not come out as the case says."""
    if "refused" in case:
        return []
    found = []
    usd = plain(all_calls(case))
    if usd != case["usd"]:
        found.append(f"{case['id']}: {case['usd']} is written, {usd} comes out")
    if "grid" in case:
        grid, width, height, tokens = case["grid"]
        if grid_tokens(grid, width, height) != tokens:
            found.append(f"{case['id']}: the grid gives other tokens than {tokens}")
        if f"{tokens * case.get('pictures', 1)} x " not in case["sum"]:
            found.append(f"{case['id']}: the tokens do not stand in the sum")
    return found


def main() -> int:
    getcontext().prec = 60
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    told = [fault for case in cases for fault in faults(case)]
    priced = sum("usd" in case for case in cases)
    told.append(f"{priced} sums carried out, {len(told)} wrong")
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if len(told) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
