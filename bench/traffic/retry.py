"""Retry: how long to wait before a rate-limited trial is sent again."""

import random

MOST_ATTEMPTS = 3
FIRST_WAIT_S = 1.0
LONGEST_BACKOFF_S = 60.0
LONGEST_ASKED_S = 300.0


def wait_s(
    attempt_no: int, asked_s: float | None, chance: random.Random
) -> float | None:
    """Seconds to wait after attempt `attempt_no`, None to give up.

    An answer that asks for more than `LONGEST_ASKED_S` is not waited out: the
    trial stays rate limited, and `resume` sends it again. Without a wish the
    wait doubles from one second on, with full jitter on its upper half.
    """
    if attempt_no >= MOST_ATTEMPTS:
        return None
    backoff_s = min(FIRST_WAIT_S * 2 ** (attempt_no - 1), LONGEST_BACKOFF_S)
    jittered_s = backoff_s * (0.5 + 0.5 * chance.random())
    if not asked_s:
        return jittered_s
    if asked_s > LONGEST_ASKED_S:
        return None
    # A little after the asked instant, and not all at once.
    return asked_s + 0.1 * jittered_s
