"""Order: randomised complete blocks, the same for the same seed."""

from collections import Counter
from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.attempt import Cell
from bench.plan.order import Place, order, trial_id, variant_of
from bench.prompt import Prompt

SHAPES = st.tuples(
    st.integers(1, 5), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)
)


def _cells(n_variants: int, n_endpoints: int) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            endpoint=f"endpoint-{e}",
            api="images",
            operation="generate",
            model="gpt-image-2",
            parameters=(("n", v + 1),),
        )
        for v in range(n_variants)
        for e in range(n_endpoints)
    )


def _placed(shape: tuple[int, int, int, int], seed: int) -> tuple[Place, ...]:
    n_variants, n_endpoints, n_prompts, repeats = shape
    singles = tuple((index,) for index in range(n_prompts))
    return order(_cells(n_variants, n_endpoints), singles, repeats, seed)


@given(SHAPES, st.integers(0, 2**31))
def test_every_cell_meets_every_prompt_and_repeat_once(
    shape: tuple[int, int, int, int], seed: int
) -> None:
    n_variants, n_endpoints, n_prompts, repeats = shape
    met = Counter((p.cell, p.prompt, p.repeat) for p in _placed(shape, seed))
    assert set(met.values()) == {1}
    assert set(met) == {
        (cell, prompt, repeat)
        for cell in range(n_variants * n_endpoints)
        for prompt in range(n_prompts)
        for repeat in range(1, repeats + 1)
    }


@given(SHAPES, st.integers(0, 2**31))
def test_a_block_is_one_prompt_and_repeat_and_blocks_follow_each_other(
    shape: tuple[int, int, int, int], seed: int
) -> None:
    places = _placed(shape, seed)
    blocks = [list(group) for _, group in groupby(places, key=lambda p: p.block)]
    assert [block[0].block for block in blocks] == list(range(len(blocks)))
    for block in blocks:
        assert len({(p.prompt, p.repeat) for p in block}) == 1
        assert len(block) == shape[0] * shape[1]


@given(SHAPES, st.integers(0, 2**31))
def test_the_endpoints_of_a_variant_follow_each_other_directly(
    shape: tuple[int, int, int, int], seed: int
) -> None:
    cells = _cells(shape[0], shape[1])
    sent = [(p.block, variant_of(cells[p.cell])) for p in _placed(shape, seed)]
    n_changes = sum(left != right for left, right in pairwise(sent))
    assert n_changes == len(set(sent)) - 1


@given(SHAPES, st.integers(0, 2**31))
def test_the_same_seed_gives_the_same_order(
    shape: tuple[int, int, int, int], seed: int
) -> None:
    assert _placed(shape, seed) == _placed(shape, seed)


def test_blocks_variants_and_endpoints_are_all_shuffled() -> None:
    shape = (3, 2, 4, 2)
    orders = [_placed(shape, seed) for seed in range(40)]
    assert len(set(orders)) == 40
    assert len({tuple((p.prompt, p.repeat) for p in o[::6]) for o in orders}) > 30
    first_cells = {o[0].cell for o in orders}
    assert first_cells == set(range(6))


def test_each_endpoint_goes_first_about_as_often() -> None:
    firsts = Counter(
        place.cell % 2
        for seed in range(100)
        for place in _placed((1, 2, 5, 2), seed)[::2]
    )
    # 1,000 fair throws: 400 to 600 is more than six standard deviations wide.
    assert 400 < firsts[0] < 600


def test_nothing_to_send_makes_an_empty_order() -> None:
    assert order((), ((0,), (1,)), 2, 1) == order(_cells(1, 1), (), 2, 1) == ()


def test_a_trial_is_named_by_all_that_is_measured_and_by_nothing_else() -> None:
    cells = _cells(2, 2)
    prompts = (Prompt(id="a", text="x"), Prompt(id="b", text="x"))
    names = {
        trial_id(run, cell, prompt, repeat)
        for run in ("r1", "r2")
        for cell in cells
        for prompt in prompts
        for repeat in (1, 2)
    }
    assert len(names) == 2 * 4 * 2 * 2
    again = trial_id("r1", cells[0], Prompt(id="a", text="x"), 1)
    assert again in names
