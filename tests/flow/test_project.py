"""Project: months of money from a real run, recomputed here by hand."""

import json
import re
import shutil
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
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
        mixed = parts[0] * Decimal("0.75") + parts[1] * Decimal("0.25")
        costs[endpoint] = mixed.quantize(STEP, ROUND_HALF_EVEN)
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
    assert "several variants: gpt-image-2 low" in _refused(measured, scenario)


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
        (("--tier", "batch", "--model", "gpt-image-2.5-flare"), "batch"),
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
        (("gone",), "gone: there is no such scenario file; shipped is after-gpt-im"),
        (("guides-2025", "--model", "x"), "--model: a scenario file holds the prices"),
        (("guides-2025", "--from-run", "x"), "--from-run: a scenario file names"),
        (("guides-2025", "--cache-hit-share", "2"), "--cache-hit-share: should be a"),
        (("guides-2025", "--start", "May"), "--start: should be a month such as"),
        (("guides-2025", "--batch-share", "0.5"), "'direct': batch_share: the launch"),
        (("guides-2025", "--refused-share", "0.95"), "of the requests may fail"),
        (("--direct-usd", "1", "--setup-usd", "5"), "--setup-usd: it is the gateway's"),
        (("--from-usage", "gone.csv"), "gone.csv: can't be read"),
        (("guides-2025", "--chart", "a.gif"), "ends with .html or .png"),
        (("guides-2025", "--csv", "nowhere/a.csv"), "there is no folder"),
    ],
)
def test_what_can_not_be_projected_is_refused_in_a_sentence(
    desk: Any, options: tuple[str, ...], sentence: str
) -> None:
    assert sentence in _refused(desk, *options)


def test_failures_and_mix_of_a_run_price_a_book_and_stand_with_their_n(
    measured: Any,
) -> None:
    scenario = measured.folder / "mine.yaml"
    scenario.write_text(
        "name: mine\nimages_per_month: 1000\nbaseline: d\n"
        "mix: {from_run: latest}\nfailures: {from_run: latest, route: direct}\n"
        "alternatives:\n- {name: d, book: {as_of: 2026-11-21}}\n"
        "- {name: r, from_run: {run: latest, route: gateway}, monthly_fee_usd: 3}\n"
    )
    answer = _project(measured, scenario)
    cells = measured.plan["cells"]
    asked = {t["trial_id"]: cells[t["cell"]] for t in measured.plan["trials"]}
    sent = [
        record
        for record in measured.outcomes.values()
        if asked[record["trial_id"]]["endpoint"] == "direct"
        and record["billing"] not in {"not_sent", "possibly_billed"}
    ]
    ends = {
        "requests that give an unusable image": "unusable",
        "requests that fail and are sent again": "rate_limited",
    }
    rates = {one["what"]: one for one in answer["assumed"]}
    for what, outcome in ends.items():
        n = sum(record["outcome"] == outcome for record in sent)
        assert n == 1
        share = (Decimal(n) / len(sent)).quantize(STEP, ROUND_HALF_EVEN)
        assert Decimal(rates[what]["value"]) == share
        assert f"n={len(sent)} requests of 7 prompts" in rates[what]["source"]
        assert rates[what]["range"] == "90% band"
    direct, measured_one = answer["alternatives"]
    assert Decimal(direct["usd_per_image"]) > Decimal(direct["usd_per_image_made"])
    assert direct["band_usd_per_image"] is not None
    assert direct["simulated"] is True
    # A cost that was measured holds its failures already.
    assert "what failed is in its measured cost" in " ".join(answer["assumptions"])
    shares = [Decimal(part["share"]) for part in measured_one["mix"]]
    assert len(shares) == 2
    assert sum(shares) == 1
    (saving,) = answer["savings"]
    assert saving["break_even"]["cheaper"] == "from"
    assert len(saving["break_even"]["band"]) == 2
    assert saving["sensitivity"][0]["range"] in {"90% band", "±10%"}


def test_files_are_written_whole_and_never_over_others(desk: Any) -> None:
    names = {"--csv": "a.csv", "--xlsx": "a.xlsx", "--chart": "a.html"}
    options = [part for o, n in names.items() for part in (o, desk.folder / n)]
    answer = _project(desk, "quality-mix", *options)
    written = [desk.folder / name for name in names.values()]
    assert answer["files"] == [str(path) for path in written]
    csv, xlsx, page = (path.read_bytes() for path in written)
    assert csv.startswith(b"month,starts_on,images,alternative,")
    assert xlsx.startswith(b"PK")
    text = page.decode()
    programs = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(programs) == 2
    # Plotly's own script names addresses that it does not ask.
    assert not re.search(r"https?://", text.replace(max(programs, key=len), ""))
    for words in ("drafts first against today&#39;s mix", "break-even: drafts first"):
        assert words in text
    assert "it is there already; --force" in _refused(desk, "quality-mix", *options)
    _told(desk, "guides-2025", *options, "--force")
    assert b"launch-2025" in written[2].read_bytes()


def test_a_chart_is_drawn_as_a_picture_without_a_browser(desk: Any) -> None:
    path = desk.folder / "a.png"
    scenario = desk.folder / "mine.yaml"
    scenario.write_text(
        "name: $一$\nimages_per_month: 5\nbaseline: 直连\nalternatives:\n"
        "- {name: 直连, usd_per_image: 1}\n- {name: _b$x$, usd_per_image: 2}\n"
    )
    _told(desk, scenario, "--chart", path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        width, height = picture.size
        assert width > height > 500
        colours = picture.convert("RGB").getcolors(width * height)
    assert colours
    assert len(colours) > 20


def test_options_change_the_terms_of_a_shipped_scenario(desk: Any) -> None:
    plain = _project(desk, "guides-2025")
    less = ("--cache-hit-share", "0.2", "--unusable-share", "0.2", "--start", "2027-03")
    answer = _project(desk, "guides-2025", *less)
    # A fifth less to make, and five billed for four usable: the same again.
    for one, other in zip(plain["alternatives"], answer["alternatives"], strict=True):
        assert one["usd_per_image"] == other["usd_per_image"]
        assert one["month_usd"] == other["month_usd"]
    assert answer["months"][0] == "2027-03"
    assert answer["savings"][0]["break_even"]["cheaper"] == "always"


def test_usage_of_the_past_is_a_mix(desk: Any) -> None:
    usage = desk.folder / "usage.csv"
    usage.write_text(
        "model,quality,size,images\ngpt-image-2,low,1024x1024,3\n"
        "gpt-image-2,medium,1024x1024,1\n"
    )
    fees = ("--multiplier", "0.5", "--monthly-fee-usd", "9", "--setup-usd", "12")
    answer = _project(desk, "--from-usage", usage, "--as-of", "2026-11-21", *fees)
    direct, _ = answer["alternatives"]
    # Three times 0.00588 and once 0.05268, over four.
    assert direct["usd_per_image"] == "0.01758"
    (saving,) = answer["savings"]
    # 9 a month over 0.00879 an image is 1,023.9; with 1 of the set-up 1,137.7.
    assert saving["break_even"]["images_per_month"] == 1024
    assert saving["break_even_with_setup"]["images_per_month"] == 1138


def test_a_refusal_ends_with_2_and_says_nothing_on_stdout(desk: Any) -> None:
    ended = desk.pixelmeter("project", "--direct-usd", "1", "--growth", "5")
    assert (ended.code, ended.out) == (2, "")
    assert ended.said == [
        "error: --growth: should read like 5%/month, above -100%, not '5'"
    ]
    assert desk.pixelmeter("project", "--images-per-month", "-1").code == 2
