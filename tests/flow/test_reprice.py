"""Reprice: another price beside what was charged, and why."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.commands import reprice
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.store.index import open_index, write_index
from bench.store.ingest import checksum, refresh
from pricing.book import shipped_book
from tests.conftest import Desk, Double

Make = Callable[..., Any]
Tell = Callable[..., Result]
HALF = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
CARD = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21))
# 100 x 5 + 1000 x 30 USD a million.
USAGE = {
    "input_text_tokens": 100,
    "cached_text_tokens": 0,
    "input_image_tokens": 0,
    "cached_image_tokens": None,
    "output_image_tokens": 1000,
    "output_text_tokens": 0,
}
CHARGE = {"openai": "0.0305", "halfprice": "0.01525"}
CHEAPER = """
vendor = "openai"
kind = "image"
checked_on = 2026-11-22
source = "letter"
confidence = "high"
[sources]
letter = "OpenAI's letter of 2026-11-22"
[[model]]
name = "gpt-image-2"
released = 2026-04-21
[[model.card]]
tier = "standard"
rates = { input_text = "5.00", cached_text = "1.25", output_image = "24.00" }
"""


@pytest.fixture
def ask(data_folder: DataFolder) -> Tell:
    """Run `reprice` on the data folder."""
    app = typer.Typer(pretty_exceptions_enable=False)
    reprice.register(app)

    def run(*arguments: str) -> Result:
        given = [*arguments, "--data", str(data_folder.root)]
        return CliRunner().invoke(app, given, catch_exceptions=False)

    return run


def settled(synthetic_run: Make, run_id: str = "20261121-130000-000001") -> Any:
    """A run of two endpoints whose plan holds prices, and cards of today."""
    run = synthetic_run(run_id)
    freeze(run)
    run.settle_all(lambda trial: charged(run, trial))
    return run


def freeze(run: Any) -> None:
    run.plan["endpoints"][1]["prices"] = HALF
    run.plan["cards"] = [
        {
            "endpoint": endpoint,
            "model": "gpt-image-2",
            "card": CARD.to_json(),
            "scheme": None if endpoint == "openai" else HALF["scheme"],
        }
        for endpoint in CHARGE
    ]
    run.freeze()


def charged(run: Any, trial: dict[str, Any]) -> dict[str, Any]:
    return {**USAGE, "charge_usd": CHARGE[run.endpoint_of(trial)]}


def answered(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def own_book(folder: DataFolder, text: str = CHEAPER) -> None:
    path = folder.root / "books"
    path.mkdir(exist_ok=True)
    (path / "mine.toml").write_text(text)


def money(found: dict[str, Any]) -> tuple[str | None, ...]:
    return found["charge_usd"], found["repriced_usd"], found["difference_usd"]


def test_a_corrected_price_stands_beside_the_charge_and_changes_no_record(
    synthetic_run: Make, data_folder: DataFolder, ask: Tell
) -> None:
    run = settled(synthetic_run)
    before = {path: path.read_bytes() for path in run.run.path.rglob("*.json*")}
    assert money(answered(ask("latest", "--json"))) == ("0.183", "0.183", "0")
    with open_index(data_folder) as con:
        rows = checksum(con)
    own_book(data_folder)
    found = answered(ask("latest", "--json"))
    # 4 direct at 0.0245 and 4 at half of it.
    assert money(found) == ("0.183", "0.147", "-0.036")
    direct, half = found["runs"][0]["cells"]
    assert money(direct) == ("0.122", "0.098", "-0.024")
    assert money(half) == ("0.061", "0.049", "-0.012")
    (change,) = half["changes"]
    assert (change["mark"], change["requests"]) == ("~", 4)
    assert change["rates"] == [
        {
            "class": "output_image",
            "before_usd": "30",
            "after_usd": "24",
            "per": 1_000_000,
        }
    ]
    assert change["before"][0]["source"] == CARD.source
    assert change["after"]["source"] == "OpenAI's letter of 2026-11-22"
    assert change["flags"] == ["own_book"]
    shown = ask("latest").stdout
    assert "output_image: 30 USD -> 24 USD per 1,000,000" in shown
    assert "your own openai card of gpt-image-2 from 2026-04-21" in shown
    assert "$0.1830 -> $0.1470 (−$0.0360)" in shown
    assert ": by each endpoint's book, on the day of each request" in shown
    with open_index(data_folder) as con:
        assert checksum(con) == rows
    assert {path: path.read_bytes() for path in before} == before


def test_marks_count_what_is_new_gone_another_the_same_and_unknown(
    synthetic_run: Make, ask: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=8, endpoints=(("openai", "direct"),))
    run.plan["cards"] = []
    run.freeze()
    nothing: dict[str, Any] = {**dict.fromkeys(USAGE), "usage_source": "absent"}
    cases: list[dict[str, Any]] = [
        {**USAGE, "charge_usd": "0.0305"},
        {**USAGE, "charge_usd": "0.04", "usage_source": "estimated"},
        {**USAGE, "charge_usd": None},
        {**nothing, "charge_usd": None, "possibly_billed_usd": "0.21"},
        {**USAGE, "charge_usd": "0.05", "output_text_tokens": 9},
        {**nothing, "charge_usd": "0", "billing": "unbilled", "outcome": "refused"},
        {**nothing, "charge_usd": None, "billing": "not_sent", "outcome": "timed_out"},
    ]
    records = [run.session()]
    for trial, members in zip(run.trials, cases, strict=False):
        records += [run.intent(trial), run.outcome(trial, **members)]
    # The last one is lost: its process is gone.
    run.journal([*records, run.intent(run.trials[-1])])
    found = answered(ask("latest", "--json"))
    assert found["requests"] == {
        "all": 8,
        "new": 1,
        "gone": 1,
        "changed": 1,
        "same": 3,
        "unknown": 2,
        "estimated": 1,
    }
    assert money(found) == ("0.1205", "0.0915", "-0.0095")
    (cell,) = found["runs"][0]["cells"]
    why = {change["mark"]: change["why"] for change in cell["changes"]}
    assert "no rate for output_text tokens" in why["-"][0]
    assert "no usage is known" in why["?"][0]
    unknown = next(c for c in cell["changes"] if c["mark"] == "?")
    assert (unknown["repriced_usd"], unknown["possibly_billed_usd"]) == (None, "0.42")
    shown = ask("latest").stdout
    assert "? 2 requests: no price, then or now, up to $0.4200 possibly" in shown
    assert "1 of them by estimated tokens" in shown
    assert "$0.1205 + 3 unknown" in shown


def test_each_request_has_the_price_of_its_own_day_unless_one_is_named(
    synthetic_run: Make, data_folder: DataFolder, ask: Tell
) -> None:
    run = synthetic_run(n_prompts=1, endpoints=(("openai", "direct"),))
    days = iter(["2026-11-21T23:59:59.900000Z", "2026-11-22T00:00:00.100000Z"])
    run.settle_all(
        lambda _: {**USAGE, "charge_usd": "0.0305", "started_at": next(days)}
    )
    own_book(data_folder, CHEAPER.replace("2026-04-21", "2026-11-22"))
    found = answered(ask("latest", "--json"))
    assert money(found) == ("0.061", "0.055", "-0.006")
    assert found["requests"]["same"] == 1
    named = answered(ask("latest", "--json", "--as-of", "2026-11-22"))
    assert money(named) == ("0.061", "0.049", "-0.012")
    assert money(answered(ask("--all", "--json", "--as-of", "2026-11-21"))) == (
        *("0.061", "0.061", "0"),
    )


def test_another_book_prices_whole_pictures_and_gateways_keep_their_schemes(
    synthetic_run: Make, ask: Tell
) -> None:
    settled(synthetic_run)
    settled(synthetic_run, "20261121-140000-000002")
    found = answered(ask("--all", "--book", "launch-2025", "--json"))
    assert [money(run) for run in found["runs"]] == [("0.183", "0.12", "-0.063")] * 2
    direct, half = found["runs"][1]["cells"]
    assert (direct["repriced_usd"], half["repriced_usd"]) == ("0.08", "0.04")
    shown = ask("--all", "--book", "launch-2025").stdout
    assert "by the picture, 0.02 USD each, instead of by tokens" in shown
    assert "gateways through their own schemes" in shown


def test_a_metered_run_says_what_it_was_charged_by(
    synthetic_run: Make, data_folder: DataFolder, ask: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1, endpoints=(("openai", "direct"),))
    (cell,) = run.plan["cells"]
    trial = run.trials[0]
    run.plan["kind"] = "metered"
    card = {"kind": "card", "v": 1, "endpoint": "openai", "model": "gpt-image-2"}
    card |= {"card": CARD.to_json(), "scheme": None}
    told = [
        run.session(),
        {"kind": "cell", "v": 1, "cell_index": 0, **cell},
        {"kind": "prompt", "v": 1, "prompt_index": 0, "id": "p0", "text": "a kite"},
        card,
        {"kind": "trial", "v": 1, "bound_usd": "1", "expected": None, **trial},
        run.intent(trial),
        run.outcome(trial, **USAGE | {"charge_usd": "0.0305"}),
    ]
    run.journal([*told, run.end()])
    run.plan |= {"cells": [], "trials": [], "prompts": []}
    run.freeze()
    # A journal that was copied tells its card twice.
    (path,) = run.run.journals()
    (path.parent / "copy-1-00000001.jsonl").write_bytes(path.read_bytes())
    own_book(data_folder)
    (change,) = answered(ask("latest", "--json"))["runs"][0]["cells"][0]["changes"]
    assert (change["mark"], len(change["before"])) == ("~", 1)
    assert change["rates"][0]["before_usd"] == "30"
    with open_index(data_folder) as con:
        assert con.execute("SELECT count(*) FROM card").fetchall() == [(1,)]


def test_a_run_that_goes_on_is_priced_so_far_and_says_so(
    synthetic_run: Make, ask: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=2, endpoints=(("openai", "direct"),))
    first, second = run.trials
    with run.run.hold():
        run.journal(
            [
                *(run.session(), run.intent(first)),
                run.outcome(first, **USAGE | {"charge_usd": "0.0305"}),
                run.intent(second),
            ]
        )
        result = ask("latest", "--json")
    assert answered(result)["requests"]["all"] == 1
    assert "goes on; these are its requests so far" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody"], "run 'nobody' is not in"),
        ([], "name a run, or latest, or take --all"),
        (["latest", "--all"], "--all takes all runs"),
        (["latest", "--book", "nobody"], "--book: no price book of 'nobody'"),
        (["latest", "--as-of", "soon"], "--as-of: 'soon' should be a date"),
        (["latest", "--tier", "cheap"], "--tier: 'cheap' should be"),
        (["latest", "--as-of", "2020-01-01"], "--as-of 2020-01-01: nothing of these"),
        (["latest", "--book", "xai"], "nothing of these runs has such a price"),
        (["latest", "--books", "/nowhere"], "price books:"),
    ],
)
def test_what_can_not_be_priced_is_refused_in_one_sentence(
    synthetic_run: Make, ask: Tell, arguments: list[str], sentence: str
) -> None:
    settled(synthetic_run)
    with pytest.raises(BadInput, match=sentence) as told:
        ask(*arguments)
    assert "\n" not in str(told.value)


def test_no_runs_a_newer_index_and_an_unknown_plan_are_refused(
    synthetic_run: Make, data_folder: DataFolder, ask: Tell
) -> None:
    with pytest.raises(BadInput, match="no runs in"):
        ask("--all")
    run = settled(synthetic_run)
    run.plan["schema"] = "pixelmeter.plan-file/0"
    run.freeze()
    with pytest.raises(BadInput, match="can't be repriced: its plan can't be read"):
        ask("latest")
    refresh(data_folder)
    with write_index(data_folder.index) as con:
        con.execute("UPDATE index_version SET version = 99")
    with pytest.raises(BadInput, match="version 99 is newer"):
        ask("latest")


def test_a_run_repriced_at_its_own_prices_costs_what_the_doubles_counted(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["low", "high"]})
    desk.two_endpoints(direct, gateway)
    ended = desk.run("--endpoint", "direct", "--endpoint", "half", "--yes")
    assert ended.code == 0, ended
    found = desk.pixelmeter("reprice", "latest", "--json").answer
    counted = direct.total_usd + gateway.total_usd
    assert Decimal(found["repriced_usd"]) == Decimal(found["charge_usd"]) == counted
    assert found["requests"]["same"] == found["judged"] == 12
    assert found["runs"][0]["simulated"] is True
    refused = desk.pixelmeter("reprice", "latest", "--as-of", "2020-01-01")
    assert (refused.code, refused.out, len(refused.said)) == (2, "", 1)
    Path(desk.data / "pixelmeter.duckdb").unlink()
    again = desk.pixelmeter("reprice", "--all", "--tier", "batch", "--json").answer
    assert Decimal(again["repriced_usd"]) == counted / 2


def test_a_difference_that_leaves_requests_out_says_so(
    synthetic_run: Make, ask: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=2, endpoints=(("openai", "direct"),))
    unpriced = {**USAGE, "charge_usd": None}
    fates = [{**USAGE, "charge_usd": "0.0305"}, unpriced]
    run.settle_all(lambda trial: fates[trial["repeat"] - 1])
    assert money(answered(ask("latest", "--json"))) == ("0.0305", "0.061", "0")
    shown = ask("latest").stdout
    assert "difference: of the requests that have a price both times" in shown


def test_money_that_nobody_spent_is_never_in_one_sum_with_money_spent(
    synthetic_run: Make, data_folder: DataFolder, ask: Tell
) -> None:
    settled(synthetic_run)
    emulated = synthetic_run("20261121-140000-000002")
    freeze(emulated)
    emulated.settle_all(lambda trial: {**charged(emulated, trial), "simulated": True})
    own_book(data_folder)
    found = answered(ask("--all", "--json"))
    assert money(found) == ("0.366", "0.294", "-0.072")
    assert money(found["of_it_simulated"]) == ("0.183", "0.147", "-0.036")
    shown = ask("--all").stdout
    sums = [line for line in shown.splitlines() if line.startswith("together")]
    assert [line.split("  ")[0] for line in sums] == [
        "together, real",
        "together, simulated",
    ]
    assert "$0.3660" not in shown
