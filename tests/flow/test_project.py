"""Project: months of money from a real run, recomputed here by hand."""

import json
import shutil
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.errors import BadInput
from pixelmeter import SyncMeter, command_line

STEP = Decimal("0.000000000001")
PROMPTS = [(f"p{i}", f"A still life of {i} pears" + " on linen" * i) for i in range(7)]
ROOT = Path(__file__).parents[2]


def _told(desk: Any, *options: object) -> str:
    """What the command answers on the data of a desk, in this process."""
    asked = ["project", *map(str, options), "--data", str(desk.data)]
    result = CliRunner().invoke(command_line(), asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _project(desk: Any, *options: object) -> dict[str, Any]:
    answer = json.loads(_told(desk, *options, "--json"))
    assert answer["schema"] == "pixelmeter.project/1"
    return answer


def _refused(desk: Any, *options: object) -> str:
    with pytest.raises(BadInput) as refusal:
        _told(desk, *options)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    return sentence


def _by_hand(desk: Any) -> dict[tuple[str, str], tuple[Decimal, int]]:
    """Money and usable pictures by endpoint and quality, from the journal alone."""
    plan = desk.plan
    cells = {
        trial["trial_id"]: plan["cells"][trial["cell"]] for trial in plan["trials"]
    }
    sums: dict[tuple[str, str], tuple[Decimal, int]] = defaultdict(
        lambda: (Decimal(0), 0)
    )
    for record in desk.outcomes.values():
        cell = cells[record["trial_id"]]
        key = (cell["endpoint"], cell["parameters"]["quality"])
        usd, images = sums[key]
        usable = record["images"] if record["outcome"] == "ok" else 0
        sums[key] = (usd + Decimal(record["charge_usd"] or 0), images + usable)
    return sums


@pytest.fixture
def measured(
    desk: Any, direct: Any, gateway: Any, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A run of seven prompts, with a spoilt picture, a retry and a lost answer.

    It is sent once; every test gets a copy of its data.
    """
    kept = tmp_path_factory.getbasetemp() / "projected-data"
    if kept.exists():
        shutil.copytree(kept, desk.data)
        return desk
    desk.suite(
        prompts=desk.csv(PROMPTS),
        axes={"model": ["gpt-image-2"], "quality": ["low", "medium"]},
    )
    desk.two_endpoints(direct, gateway)
    direct.faults(
        {"scenario": "corrupt_image_200", "times": 1},
        {"scenario": "rate_limited", "times": 1, "retry_after_s": 0.01},
    )
    gateway.fault("server_error", times=1)
    both = ("--endpoint", "direct", "--endpoint", "half")
    ended = desk.run(*both, "--yes", "--seed", 5)
    assert ended.code == 0, ended
    shutil.copytree(desk.data, kept)
    return desk


def test_costs_and_savings_of_a_run_are_those_of_its_journal(measured: Any) -> None:
    by_hand = _by_hand(measured)
    volume = 12_345
    answer = _project(measured, "--from-run", "latest", "--images-per-month", volume)
    assert answer["simulated"] is True
    assert answer["name"] == f"run {measured.latest.name}"
    found: dict[tuple[str, str], Decimal] = {}
    for one in answer["alternatives"]:
        (basis,) = one["measured"]
        key = (basis["endpoint"], basis["quality"])
        usd, images = by_hand[key]
        unit = (usd / images).quantize(STEP, ROUND_HALF_EVEN)
        assert Decimal(basis["charge_usd"]) == usd
        assert (basis["n_images"], basis["n_prompts"]) == (images, 7)
        assert Decimal(one["usd_per_image"]) == unit
        assert [Decimal(usd) for usd in one["costs_usd"]] == [unit * volume] * 12
        assert Decimal(one["first_year_usd"]) == unit * volume * 12
        low, high = map(Decimal, one["band_usd_per_image"])
        assert low <= Decimal(one["median_usd_per_image"]) <= high
        assert low <= unit <= high
        found[key] = unit
    assert len(found) == 4
    for saving in answer["savings"]:
        quality = saving["alternative"].split()[1]
        step = found["direct", quality] - found["half", quality]
        assert Decimal(saving["month_usd"]) == step * volume
        assert Decimal(saving["first_year_usd"]) == step * volume * 12
        low, high = map(Decimal, saving["month_band_usd"])
        assert low <= step * volume <= high


def test_failures_are_in_the_cost_and_lost_money_is_named_beside(
    measured: Any,
) -> None:
    outcomes = [record["outcome"] for record in measured.outcomes.values()]
    assert {"unusable", "rate_limited", "server_error"} <= set(outcomes)
    answer = _project(measured, "--from-run", "latest")
    bases = [one["measured"][0] for one in answer["alternatives"]]
    spoilt = [b for b in bases if b["endpoint"] == "direct" and b["n_images"] < 7]
    assert len(spoilt) == 1
    lost = [b for b in bases if b["n_charge_unknown"]]
    assert [(b["endpoint"], b["n_charge_unknown"]) for b in lost] == [("half", 1)]
    bound = sum(
        Decimal(record["possibly_billed_usd"]) for record in measured.outcomes.values()
    )
    assert Decimal(lost[0]["possibly_billed_usd"]) == bound > 0
    beside = [a for a in answer["assumptions"] if "money of unknown amount" in a]
    assert len(beside) == 1


def test_every_way_to_ask_for_a_variant_gives_the_same_figures(measured: Any) -> None:
    low = ("--model", "gpt-image-2", "--quality", "low", "--size", "1024x1024")
    whole = _project(measured, "--from-run", measured.latest.name)
    one = _project(measured, "--from-run", "latest", *low)
    scenario = measured.folder / "mine.yaml"
    scenario.write_text(
        "name: mine\nimages_per_month: 10000\nbaseline: d\n"
        "mix: [{share: 1, quality: low}]\nalternatives:\n"
        "- {name: d, from_run: {run: latest, route: direct}}\n"
        "- {name: g, from_run: {run: latest, endpoint: half}}\n"
    )
    file = _project(measured, scenario)
    assert [a["name"] for a in one["alternatives"]] == ["direct", "half"]
    figures = ("month_usd", "month_band_usd", "first_year_usd", "total_band_usd")
    found = [
        [saving[key] for key in figures]
        for answer in (one, file, whole)
        for saving in answer["savings"]
        if saving["alternative"].split(",")[0] != "gpt-image-2 medium 1024x1024"
    ]
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


def test_a_mix_costs_what_its_parts_cost(measured: Any) -> None:
    scenario = measured.folder / "mine.yaml"
    scenario.write_text(
        "name: mine\nimages_per_month: [1000, 3000]\nbaseline: d\n"
        "mix: [{share: 0.75, quality: low}, {share: 0.25, quality: medium}]\n"
        "alternatives:\n"
        "- {name: d, from_run: {run: latest, route: direct}}\n"
        "- {name: g, from_run: {run: latest, route: gateway}, monthly_fee_usd: 4,\n"
        "   setup_usd: 10}\n"
    )
    answer = _project(measured, scenario)
    costs: dict[str, Decimal] = {}
    for endpoint in ("direct", "half"):
        parts = [
            (usd / images).quantize(STEP, ROUND_HALF_EVEN)
            for usd, images in (
                _by_hand(measured)[endpoint, quality] for quality in ("low", "medium")
            )
        ]
        costs[endpoint] = parts[0] * Decimal("0.75") + parts[1] * Decimal("0.25")
    direct, gateway = answer["alternatives"]
    assert [Decimal(usd) for usd in direct["costs_usd"]] == [
        costs["direct"] * 1000,
        costs["direct"] * 3000,
    ]
    assert [Decimal(usd) for usd in gateway["costs_usd"]] == [
        costs["half"] * 1000 + 14,
        costs["half"] * 3000 + 4,
    ]
    assert direct["first_year_usd"] is None


def test_words_name_the_sign_the_band_the_prices_and_what_is_assumed(
    measured: Any,
) -> None:
    told = _told(measured, "--from-run", "latest", "--quality", "low")
    for words in (
        "10,000 images a month, 12 months",
        "simulated: what is marked so comes from an emulator",
        "half (simulated)",
        "half costs US$",
        "less a month than direct (90% band US$",
        "so far",
        "whole prompts",
        "openai book, rates valid from",
    ):
        assert words in told


def test_what_a_run_can_not_answer_is_refused_with_what_there_is(
    measured: Any,
) -> None:
    said = _refused(measured, "--from-run", "latest", "--quality", "high")
    assert "no variant 'high'" in said
    assert "gpt-image-2 low 1024x1024, gpt-image-2 medium 1024x1024" in said
    said = _refused(measured, "--from-run", "20200101-000000-000000")
    assert f"the last one is {measured.latest.name}" in said
    said = _refused(measured, "--from-run", "latest", "--multiplier", "0.5")
    assert "--multiplier: --from-run measures the prices" in said
    scenario = measured.folder / "mine.yaml"
    scenario.write_text(
        "name: mine\nimages_per_month: 1\nbaseline: d\n"
        "alternatives: [{name: d, from_run: {run: latest, endpoint: nobody}}]\n"
    )
    said = _refused(measured, scenario)
    assert "'d': endpoint 'nobody' is not in run" in said
    assert "which has direct, half" in said
    scenario.write_text(scenario.read_text().replace("nobody", "direct"))
    assert "several variants at all: gpt-image-2 low" in _refused(measured, scenario)


def test_few_prompts_have_a_cost_but_no_band_and_it_says_why(
    desk: Any, direct: Any, gateway: Any
) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    assert desk.run("--endpoint", "direct", "--endpoint", "half").code == 0
    answer = _project(desk, "--from-run", "latest")
    for one in answer["alternatives"]:
        assert one["band_usd_per_image"] is None
        assert one["why_no_band"] == "n=3 prompts; a band needs 6"
    (saving,) = answer["savings"]
    assert (saving["month_band_usd"], saving["verdict"]) == (None, "less")
    told = _told(desk, "--from-run", "latest")
    assert "than direct (no 90% band: n=3 prompts; a band needs 6)" in told


def test_a_run_at_one_route_names_the_one_that_is_missing(
    desk: Any, direct: Any
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run().code == 0
    said = _refused(desk, "--from-run", "latest")
    assert "has no gateway endpoint, only direct (direct)" in said


def test_the_calls_of_a_program_are_projected_like_any_run(
    desk: Any, direct: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.two_endpoints(direct, gateway)
    monkeypatch.setenv("PX_KEY", desk.key)
    names = ("direct", "half")
    with SyncMeter(names, endpoints_file=desk.endpoints, data=desk.data) as meter:
        for _, text in PROMPTS:
            for name in names:
                meter.generate(text, quality="low", size="1024x1024", endpoint=name)
        assert "is still under way" in _refused(desk, "--from-run", "latest")
    answer = _project(desk, "--from-run", "latest")
    for one, double in zip(answer["alternatives"], (direct, gateway), strict=True):
        (basis,) = one["measured"]
        assert Decimal(basis["charge_usd"]) == double.total_usd
        assert (basis["n_images"], basis["n_prompts"]) == (7, 7)
        assert one["books"][0]["vendor"] == "openai"


def test_the_guides_example_comes_out_exactly_in_a_foreign_folder(desk: Any) -> None:
    for name in ("guides-2025", ROOT / "data" / "scenarios" / "guides-2025.yaml"):
        answer = _project(desk, name)
        assert answer["images"] == [10_000] * 12
        assert answer["simulated"] is False
        months = {a["name"]: a["month_usd"] for a in answer["alternatives"]}
        assert months == {
            "direct": "700",
            "gateway": "350",
            "direct by tokens": "422.4",
            "gateway by tokens": "211.2",
        }
        savings = [
            (s["alternative"], s["against"], s["month_usd"], s["first_year_usd"])
            for s in answer["savings"]
        ]
        assert savings == [
            ("gateway", "direct", "350", "4200"),
            ("gateway by tokens", "direct by tokens", "211.2", "2534.4"),
        ]
    ended = desk.pixelmeter("project", "guides-2025")
    assert (ended.code, ended.err) == (0, "")
    told = ended.out
    assert "gateway costs US$350.00 less a month than direct" in told
    assert "gateway costs US$4,200.00 less in the first year than direct" in told


def test_prices_from_options_need_no_file_and_no_run(desk: Any) -> None:
    answer = _project(
        desk, "--direct-usd", "0.07", "--gateway-usd", "0.035", "--growth", "5%/month"
    )
    volumes = [10_000, 10_500, 11_025, 11_576]
    assert answer["images"][:4] == volumes
    (saving,) = answer["savings"]
    assert saving["savings_usd"][:4] == ["350", "367.5", "385.875", "405.16"]
    launch = ("--provider", "launch-2025", "--quality", "medium")
    answer = _project(desk, *launch, "--multiplier", "0.5")
    assert answer["savings"][0]["first_year_usd"] == "4200"
    tokens = ("--model", "gpt-image-2", "--quality", "medium", "--size", "1024x1024")
    answer = _project(desk, *tokens, "--input-text-tokens", "100")
    # 1,756 image tokens at 30 USD and 100 text tokens at 5 USD a million.
    assert answer["alternatives"][0]["usd_per_image"] == "0.05318"
    assert answer["savings"] == []


def test_a_dearer_gateway_is_told_so(desk: Any) -> None:
    dear = ("--direct-usd", "0.00588", "--gateway-usd", "0.03")
    told = _told(desk, *dear, "--images-per-month", 1000)
    assert "gateway costs US$24.12 more a month than direct" in told
    assert "−$24.12" in told
    (saving,) = _project(desk, *dear, "--images-per-month", 1000)["savings"]
    assert (saving["month_usd"], saving["verdict"]) == ("-24.12", "more")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "there is no direct price"),
        (("--gateway-usd", "1"), "there is no direct price"),
        (("--direct-usd", "-1"), "--direct-usd: '-1' should be an amount"),
        (("--direct-usd", "1", "--growth", "5"), "--growth: should read like 5%"),
        (("--direct-usd", "1", "--provider", "openai"), "--provider: --direct-usd is"),
        (("--direct-usd", "1", "--model", ""), "mix.0.model: "),
        (
            ("--direct-usd", "1", "--growth", "900%", "--months", "60"),
            "growth brings month 10 above",
        ),
        (
            (
                "--model",
                "gpt-image-2.6-flare",
                "--quality",
                "low",
                "--size",
                "1024x1024",
            ),
            "output_image_tokens of gpt-image-2.6-flare has no published rule",
        ),
        (
            ("--model", "gpt-image-2", "--quality", "auto", "--size", "1024x1024"),
            "between US$0.00588 and US$0.21072",
        ),
        (("--provider", "nobody", "--quality", "low"), "no price book of provider"),
        (("--from-run", "latest"), "run 'latest' is not in"),
        (("gone.yaml",), "gone.yaml: can't be read"),
        (("gone",), "gone: there is no such scenario file; shipped is guides-2025"),
        (("guides-2025", "--model", "x"), "--model: a scenario file holds the prices"),
        (("guides-2025", "--from-run", "x"), "--from-run: a scenario file names"),
    ],
)
def test_what_can_not_be_projected_is_refused_in_a_sentence(
    desk: Any, options: tuple[str, ...], sentence: str
) -> None:
    assert sentence in _refused(desk, *options)


def test_a_refusal_ends_with_2_and_says_nothing_on_stdout(desk: Any) -> None:
    ended = desk.pixelmeter("project", "--direct-usd", "1", "--growth", "5")
    assert (ended.code, ended.out) == (2, "")
    assert ended.said == [
        "error: --growth: should read like 5%/month, above -100%, not '5'"
    ]
    assert desk.pixelmeter("project", "--images-per-month", "-1").code == 2
