"""Modes: streams, text models and conversations, from records to what is shown."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.attempt import Cell
from bench.commands import reprice
from bench.folder import DataFolder
from bench.plan.prices import PricedModel
from bench.store.index import open_index
from bench.store.ingest import checksum, rebuild, refresh
from pricing.book import shipped_book
from pricing.scheme import parse_scheme

Make = Callable[..., Any]
Tell = Callable[..., Result]
DAY = date(2026, 11, 21)
HALF = {"kind": "multiplier", "factor": "0.5"}
BOOK = shipped_book()
# Above 272,000 tokens of input its rates are others.
LONG = "gpt-5.6-sol"
USED = {
    "input_text_tokens": 10,
    "cached_text_tokens": 0,
    "input_image_tokens": 256,
    "cached_image_tokens": 0,
    "output_image_tokens": 196,
    "output_text_tokens": 0,
    "mainline_input_tokens": 2_001,
    "mainline_cached_tokens": 1_000,
    "mainline_cache_write_tokens": 0,
    "mainline_output_tokens": 97,
}


def talks(synthetic_run: Make, n_turns: int = 2) -> Any:
    """A run of one conversation, twice, at two endpoints; nothing is sent yet."""
    run = synthetic_run(n_prompts=n_turns, repeats=2)
    for cell in run.plan["cells"]:
        cell |= {"api": "responses", "operation": "converse", "mainline_model": LONG}
    for number, prompt in enumerate(run.plan["prompts"], 1):
        prompt |= {"id": f"logo/{number}", "conversation": "logo", "turn": number}
    run.plan["prompts"][0]["inputs"] = [{"file": "a.png", "sha256": "ab" * 32}]
    run.plan["endpoints"][1]["prices"] = {"of": "openai", "scheme": HALF}
    run.plan["cards"] = [
        {
            "endpoint": name,
            "model": model,
            "card": BOOK.card("openai", model, DAY).to_json(),
            "scheme": None if name == "openai" else HALF,
        }
        for name in ("openai", "halfprice")
        for model in ("gpt-image-2", LONG)
    ]
    run.freeze()
    return run


def charged(run: Any, trial: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a request used, and what it costs by the plan's prices."""
    counts = USED | changes
    scheme = None if run.endpoint_of(trial) == "openai" else parse_scheme(HALF)
    priced = PricedModel(
        card=BOOK.card("openai", "gpt-image-2", DAY),
        scheme=scheme,
        mainline=BOOK.card("openai", LONG, DAY),
    )
    cell = Cell(
        endpoint="e",
        api="responses",
        operation="converse",
        model="gpt-image-2",
        parameters=(),
    )
    found = priced.charges(counts, cell)
    money = {"charge_usd": str(found.endpoint.usd), "list_usd": str(found.direct.usd)}
    return {**counts, **money}


def rows(folder: DataFolder, query: str) -> list[tuple[Any, ...]]:
    refresh(folder)
    with open_index(folder) as con:
        return con.execute(query).fetchall()


def test_a_conversation_has_the_time_and_money_of_its_turns(
    synthetic_run: Make, data_folder: DataFolder, tell: Tell
) -> None:
    run = talks(synthetic_run)

    def turn(trial: dict[str, Any]) -> dict[str, Any]:
        is_second, is_lost = trial["prompt"] == 1, trial["repeat"] == 2
        cut = {"outcome": "server_error", "images": 0} if is_second and is_lost else {}
        times = {"service_s": 3.0 if is_second else 8.0, "response_id": "resp_1"}
        return {**charged(run, trial), **times, **cut}

    run.settle_all(turn)
    found = rows(
        data_folder,
        "SELECT endpoint, repeat, n_turns, n_ok, charge_usd, service_s, total_s "
        "FROM v_conversation ORDER BY ALL",
    )
    # 10 x 5 + 256 x 8 + 196 x 30, and 1001 x 4 + 1000 x 0.4 + 97 x 20, a million.
    each = Decimal("0.007978") + Decimal("0.006344")
    assert found == [
        ("halfprice", 1, 2, 2, each, 11.0, 16.2),
        ("halfprice", 2, 2, 1, each, 11.0, 16.2),
        ("openai", 1, 2, 2, each * 2, 11.0, 16.2),
        ("openai", 2, 2, 1, each * 2, 11.0, 16.2),
    ]
    shown = json.loads(tell("show", run.run.run_id, "--json").stdout)
    talk = shown["conversations"][0]
    assert (talk["conversation"], talk["n_turns"], talk["n"]) == ("logo", 2, 2)
    assert (talk["n_whole"], talk["service_p50_s"]) == (1, 11.0)
    assert [(t["turn"], t["n_ok"], t["service_p50_s"]) for t in talk["turns"]] == [
        (1, 2, 8.0),
        (2, 1, 3.0),
    ]
    said = tell("show", run.run.run_id).stdout
    assert f"gpt-image-2 converse Responses API with {LONG}" in said
    assert "logo           all  1/2" in said


def test_mainline_models_are_told_apart_from_pictures_and_add_up_to_the_digit(
    synthetic_run: Make, data_folder: DataFolder, tell: Tell
) -> None:
    run = talks(synthetic_run)

    def turn(trial: dict[str, Any]) -> dict[str, Any]:
        if trial["repeat"] == 2:
            return charged(run, trial, mainline_input_tokens=300_001)
        flags = ["tool_usage_absent"] if trial["prompt"] == 1 else []
        if not flags:
            return charged(run, trial)
        nothing = dict.fromkeys(name for name in USED if not name.startswith("main"))
        unknown = {"charge_usd": None, "list_usd": None, "usage_source": "absent"}
        return {**USED, **nothing, **unknown, "flags": flags}

    run.settle_all(turn)
    shown = json.loads(tell("show", run.run.run_id, "--json").stdout)
    for model in shown["mainline_models"]:
        assert model["mainline_model"] == LONG
        # The one whose charge nobody knows is in no sum.
        assert model["input_tokens"] == 2_001 + 2 * 300_001
        assert model["tool_usage"] == {"reported": 3, "zero": 0, "absent": 1}
        pictures = 3 * Decimal("0.007978")
        assert Decimal(model["list_usd"]) == pictures + Decimal(model["usd_at_list"])
    ((n_known,),) = rows(
        data_folder,
        "SELECT count(mainline_output_tokens) FROM v_trial WHERE charge_usd IS NULL",
    )
    assert n_known == 2
    assert "3 of 4, 1 absent" in tell("show", run.run.run_id).stdout


@pytest.fixture
def ask(data_folder: DataFolder) -> Tell:
    """Run `reprice` on the data folder."""
    app = typer.Typer(pretty_exceptions_enable=False)
    reprice.register(app)

    def run(*arguments: str) -> Result:
        given = [*arguments, "--data", str(data_folder.root)]
        return CliRunner().invoke(app, given, catch_exceptions=False)

    return run


def test_responses_repriced_at_their_own_book_cost_the_same_to_the_digit(
    synthetic_run: Make, ask: Tell
) -> None:
    run = talks(synthetic_run)
    total_usd = Decimal(0)

    def turn(trial: dict[str, Any]) -> dict[str, Any]:
        nonlocal total_usd
        n_input = 272_000 + trial["repeat"] - 1
        said = charged(run, trial, mainline_input_tokens=n_input)
        total_usd += Decimal(said["charge_usd"])
        return said

    run.settle_all(turn)
    found = json.loads(ask("latest", "--json").stdout)
    assert Decimal(found["charge_usd"]) == Decimal(found["repriced_usd"]) == total_usd
    assert Decimal(found["difference_usd"]) == 0


def test_a_response_without_the_tools_usage_is_not_repriced_as_if_it_cost_nothing(
    synthetic_run: Make, ask: Tell
) -> None:
    run = talks(synthetic_run)
    nothing = dict.fromkeys(name for name in USED if not name.startswith("main"))
    unknown = {"charge_usd": None, "list_usd": None, "usage_source": "absent"}
    run.settle_all(lambda _: {**USED, **nothing, **unknown})
    found = json.loads(ask("latest", "--json").stdout)
    assert (found["charge_usd"], found["repriced_usd"]) == (None, None)


def test_streams_tell_partials_asked_and_come_and_the_first_ones_time(
    synthetic_run: Make, data_folder: DataFolder, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=4, endpoints=(("openai", "direct"),))
    run.plan["cells"][0]["parameters"] |= {"stream": True, "partial_images": 2}
    run.freeze()
    firsts_s = iter((1.0, 2.0, 3.0, 4.0))

    def stream(trial: dict[str, Any]) -> dict[str, Any]:
        first_s = next(firsts_s)
        came = [first_s, 5.0] if trial["repeat"] < 3 else [first_s]
        cut = {"outcome": "unusable", "images": 0} if trial["repeat"] == 4 else {}
        return {"first_partial_s": first_s, "partials_s": came, **cut}

    run.settle_all(stream)
    found = rows(data_folder, "SELECT partials, partial_images FROM v_trial ORDER BY 1")
    assert found == [(1, 2), (1, 2), (2, 2), (2, 2)]
    (told,) = json.loads(tell("show", run.run.run_id, "--json").stdout)["streams"]
    assert (told["n_ok"], told["partials_asked"], told["partials_came"]) == (3, 6, 5)
    assert (told["first_partial_p50_s"], told["first_partial_max_s"]) == (2.0, 3.0)
    said = tell("show", run.run.run_id).stdout
    (line,) = (line for line in said.splitlines() if "5 of 6" in line)
    assert "partial_images=2" in line, "two cells that stream must not look alike"
    exported = tell("export", run.run.run_id, "--format", "csv").stdout
    (first, *_) = csv.DictReader(io.StringIO(exported))
    assert {"partials", "conversation", "turn", "n_inputs", "response_id"} <= set(first)
    assert {"mainline_input_tokens", "mainline_cache_write_tokens"} <= set(first)


def test_a_journal_of_before_has_none_of_these_and_is_read_the_same(
    synthetic_run: Make, data_folder: DataFolder, tell: Tell
) -> None:
    run = synthetic_run()
    run.settle_all()
    shown = json.loads(tell("show", run.run.run_id, "--json").stdout)
    assert [shown[n] for n in ("streams", "mainline_models", "conversations")] == 3 * [
        []
    ]
    query = "SELECT DISTINCT partials, conversation, n_inputs, response_id FROM v_trial"
    assert rows(data_folder, query) == [(None, None, 0, None)]
    with open_index(data_folder) as con:
        grown = checksum(con)
    rebuild(data_folder)
    with open_index(data_folder) as con:
        assert checksum(con) == grown
