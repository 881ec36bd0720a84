"""Batched: what no job of the Batch API can hold, told before."""

from collections.abc import Iterable

from bench.attempt import Cell
from bench.errors import BadInput
from bench.prompt import Prompt

_CURE = "leave --batch out"


def check_batch(
    cells: Iterable[Cell], prompts: Iterable[Prompt], n_warmup: int | None
) -> None:
    """See that a job can hold the requests of some cells.

    Args:
        cells: Where it is asked.
        prompts: What is asked.
        n_warmup: Trials that are to be warm-up, None where nobody says.

    Raises:
        BadInput: It can't; says which parameter, and the cure.
    """
    if n_warmup:
        raise BadInput(
            f"--warm-up {n_warmup}: jobs have no latency to warm up for; leave it out, "
            "or --batch"
        )
    if any(prompt.markup is not None for prompt in prompts):
        raise BadInput(
            "markup: goes in a form alone, and a job takes no forms; take it away, or "
            f"{_CURE}"
        )
    for cell in cells:
        if cell.is_stream or cell.count("partial_images", 0):
            what = "stream" if cell.is_stream else "partial_images"
            raise BadInput(
                f"{what}: a job of the Batch API answers in one piece; leave {what} "
                f"out of the suite, or {_CURE}"
            )
        if cell.operation == "converse":
            raise BadInput(
                "operation converse: a turn needs the answer to the one before, and a "
                f"job answers all at once; {_CURE}"
            )
        if cell.operation == "variation":
            raise BadInput(
                "operation variation: the Batch API has no path for variations; "
                f"{_CURE}"
            )
