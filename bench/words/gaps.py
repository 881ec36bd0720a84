"""Gaps: tokens and costs that were told otherwise, as sentences."""

from decimal import Decimal

from bench.words.figures import dollars, signed_dollars, so_many


def token_gap_sentence(
    endpoint: str,
    n_compared: int,
    n_off: int,
    example: tuple[int, int],
    charge_usd: Decimal | None,
) -> str:
    """How an endpoint's token counts differ from the published rule.

    Args:
        endpoint: Who reported them.
        n_compared: Answers that a rule covers.
        n_off: Those that report something else.
        example: Tokens by the rule, and as reported, of the most frequent kind.
        charge_usd: Dollars that the gaps made, above 0 where more was charged.
    """
    by_rule, reported = example
    answers = f"{n_off:,} of {so_many(n_compared, 'answer')}"
    told = (
        f"{endpoint} reports other image tokens than the published rule in {answers}, "
        f"such as {reported:,} where the rule says {by_rule:,}"
    )
    if charge_usd is None:
        return f"{told}; what that makes in dollars is not known"
    if not charge_usd:
        return f"{told}; that changes no charge"
    side = "more" if charge_usd > 0 else "less"
    return f"{told}; that makes {dollars(abs(charge_usd))} {side} in charges"


def cost_gap_sentences(
    endpoint: str,
    source: str,
    *,
    n_told: int,
    n_otherwise: int,
    n_without_price: int,
    step_usd: Decimal | None,
) -> tuple[str, ...]:
    """How the cost that an endpoint tells differs from our charge.

    Args:
        endpoint: Who tells it.
        source: The header or the member of the body where it stands.
        n_told: Answers that tell a cost.
        n_otherwise: Those whose cost is not our charge.
        n_without_price: Those of them that we know no price of.
        step_usd: Dollars that the others tell above ours; None without others.
    """
    found: list[str] = []
    if step_usd is not None:
        answers = f"{n_otherwise - n_without_price:,} of {so_many(n_told, 'answer')}"
        found.append(
            f"{endpoint} ({source}) tells another cost than our charge in {answers}: "
            f"{signed_dollars(step_usd)} against ours in all"
        )
    if n_without_price:
        answers = so_many(n_without_price, "answer")
        found.append(
            f"{endpoint} ({source}) tells a cost in {answers} that we know no price of"
        )
    return tuple(found)
    unpriced = (
        f"{endpoint} ({source}) tells a cost in {so_many(n_without_price, 'answer')}"
    )
    without = f"{unpriced} that we know no price of"
    return (without,) if n_without_price == n_otherwise else (found, without)
