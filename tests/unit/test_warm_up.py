"""Which trials are warm-up."""

from bench.load.warmup import marks, n_warmup


def _places(n_each: int, *endpoints: str) -> list[tuple[str, int]]:
    return [(name, cell) for _ in range(n_each) for cell, name in enumerate(endpoints)]


def test_small_cells_have_no_warm_up() -> None:
    assert n_warmup(_places(19, "direct", "half"), 4) == 0


def test_as_many_as_in_flight_are_warm_up_but_no_more_than_one_in_twenty() -> None:
    assert n_warmup(_places(200, "direct", "half"), 4) == 4
    assert n_warmup(_places(40, "direct", "half"), 1000) == 2


def test_the_smallest_endpoint_decides_for_all() -> None:
    places = _places(100, "direct", "half") + [("direct", 0)] * 900
    assert n_warmup(places, 50) == 5


def test_the_first_trials_of_each_endpoint_are_marked_wherever_they_stand() -> None:
    endpoints = ["a", "b", "b", "a", "a", "b"]
    assert marks(endpoints, 2) == [True, True, True, True, False, False]


def test_nothing_planned_has_no_warm_up() -> None:
    assert n_warmup([], 4) == 0
