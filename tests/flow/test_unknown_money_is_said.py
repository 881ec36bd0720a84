from collections.abc import Callable
from typing import Any

import pytest

from bench.commands.ending import Told
from bench.folder import DataFolder
from bench.standing import Ending
from bench.store import queries
from bench.store.chosen import Chosen
from bench.store.figures import totals
from bench.store.index import open_index
from bench.store.ingest import refresh
from bench.store.status import run_status
from dashboards.report.prose import money_lines
from dashboards.screens.overview import _figures

Make = Callable[..., Any]
UNKNOWN = {
    "charge_usd": None,
    "list_usd": None,
    "possibly_billed_usd": "0.21",
    "usage_source": "absent",
}


@pytest.fixture
def unknown(synthetic_run: Make) -> str:
    """A run that had its pictures, and no usage with any of them."""
    run = synthetic_run(n_prompts=2, repeats=1, endpoints=(("a", "direct"),))
    run.settle_all(lambda _: UNKNOWN)
    return str(run.run.run_id)


def test_a_run_whose_prices_are_all_unknown_is_not_said_to_have_charged_nothing(
    unknown: str, data_folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(
        status=run_status(data_folder, unknown),
        ending=Ending(stopped_by=None, reason=None),
        reasons=(),
        simulated=(),
        n_left=0,
        where="",
    )
    told.print_words()
    said = capsys.readouterr().out
    assert "no charge is known, and up to $0.4200 possibly billed" in said
    assert "$0.00" not in said


def test_no_page_shows_an_unknown_charge_as_nothing(
    unknown: str, data_folder: DataFolder
) -> None:
    refresh(data_folder)
    with open_index(data_folder) as con:
        row = queries.run(con, unknown)
        cards = {name: usd for name, usd, _ in _figures(totals(con, Chosen()))}
    assert row is not None
    exact = {name: usd for name, usd, _ in money_lines(row)}
    assert exact == {
        "charge_usd": "no price",
        "list_usd": "no price",
        "possibly_billed_usd": "0.42",
        "reserved_usd": "0",
    }
    assert cards["Charged, US$"] == cards["Wasted, US$"] == "no price"
    assert cards["US$ a usable image"] == "no price"
