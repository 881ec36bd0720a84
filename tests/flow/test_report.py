"""Report: the page of a run, read back as a program and a browser would."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from bench.commands import compare, ingest, runs
from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from dashboards.commands import report
from dashboards.report import pictures
from dashboards.report.facts import read_facts
from dashboards.report.pictures import read_gallery
from tests.drawings import FOLDER
from tests.machine import write_protected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double

    Make = Callable[..., Any]
    Tell = Callable[..., str]

EVIL = (
    "</script><script>document.title='owned'</script><!--<script>"
    "<img src=//evil.example/i.png onerror=alert(1)> javascript:alert(1) {{ 7*7 }} ]]>"
)
_ADDRESSES = ("src", "href", "srcset", "action", "poster", "data", "xlink:href")


class Page(HTMLParser):
    """A report, taken apart."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._within: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._within.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.words.append(data)
        elif self._within[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    @property
    def text(self) -> str:
        """What a reader sees, spaces made one."""
        return " ".join(" ".join(self.words).split())

    @property
    def programs(self) -> list[str]:
        """Scripts that a browser would run."""
        return [text for attributes, text in self.scripts if "type" not in attributes]

    def content(self, name: str) -> Any:
        """A JSON block."""
        (found,) = [text for about, text in self.scripts if about.get("id") == name]
        return json.loads(found)

    @property
    def figures(self) -> dict[str, Any]:
        return self.content("figures")

    @property
    def charts(self) -> dict[str, Any]:
        ends = "-content"
        names = [about.get("id") or "" for about, _ in self.scripts]
        return {
            n.removesuffix(ends): self.content(n) for n in names if n.endswith(ends)
        }

    @property
    def policy(self) -> str:
        (found,) = [
            attributes["content"] or ""
            for tag, attributes in self.tags
            if tag == "meta"
            and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return found


@pytest.fixture
def tell(data_folder: DataFolder) -> Tell:
    """Run a command on the data folder; its stdout."""
    app = typer.Typer(pretty_exceptions_enable=False)
    for group in (compare, ingest, runs, report):
        group.register(app)

    def run(*arguments: str) -> str:
        given = [*arguments, "--data", str(data_folder.root)]
        result = CliRunner().invoke(app, given, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture
def whole_run(synthetic_run: Make) -> Make:
    """A synthetic run whose plan has every member of a frozen one."""
    bounds = {"bound_usd": "0.21", "expected": None, "why_bounded": []}

    def make(**plan: Any) -> Any:
        run = synthetic_run(**plan)
        for trial in run.trials:
            trial.update(bounds)
        run.freeze()
        return run

    return make


@pytest.fixture
def page_of(tell: Tell) -> Callable[..., Page]:
    """Write the report of the latest run and take it apart."""

    def write(*options: str) -> Page:
        answer = json.loads(tell("report", "latest", "--json", *options))
        path = Path(answer["path"])
        assert path.stat().st_size == answer["n_bytes"] < 8_000_000
        return Page(path)

    return write


def odd_charges(run: Any) -> Callable[[Any], dict[str, Any]]:
    """Charges whose sums need every digit, a gateway that is slower."""

    def members(trial: dict[str, Any]) -> dict[str, Any]:
        usd = Decimal(trial["position"] * 7919 + 423_000_001).scaleb(-12)
        is_direct = run.endpoint_of(trial) == "openai"
        return {
            "charge_usd": f"{usd:f}",
            "list_usd": f"{usd * 2:f}",
            "service_s": (5.0 + trial["prompt"]) * (1 if is_direct else 1.2),
        }

    return members


def test_figures_equal_show_and_compare_and_own_sums_to_the_last_digit(
    whole_run: Make, tell: Tell, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=7, qualities=("low", "high"))
    members = odd_charges(run)
    run.settle_all(members)
    page = page_of()
    figures = page.figures
    assert figures["show"] | {"schema": "pixelmeter.show/1"} == json.loads(
        tell("show", "latest", "--json")
    )
    own = sum(Decimal(members(trial)["charge_usd"]) for trial in run.trials)
    assert Decimal(figures["show"]["charge_usd"]) == own
    assert figures["show"]["charge_usd"] in page.text
    by_endpoint, by_quality = figures["comparisons"]
    compared = json.loads(tell("compare", "latest", "--by", "endpoint", "--json"))
    assert by_endpoint == {key: compared[key] for key in by_endpoint}
    assert by_quality["by"] == "quality"
    for sentence in tell("compare", "latest").splitlines():
        if sentence.startswith("  "):
            assert " ".join(sentence.split()) in page.text.replace("\u2060", "")
    assert "n=7 prompts" in page.text


def test_charts_draw_what_was_measured(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=8, models=("gpt-image-2", "gpt-image-1.5"))
    run.settle_all(odd_charges(run))
    page = page_of()
    charts = page.charts
    assert set(charts) == {
        *("chart-pairs-0", "chart-months", "chart-cost", "chart-cost-against-latency"),
        *("chart-curves", "chart-intervals", "chart-parts", "chart-course"),
    }
    dots = next(t for t in charts["chart-pairs-0"]["data"] if t["name"] == "one prompt")
    assert dots["x"] == pytest.approx([1.2] * 8)
    names = {t["name"] for t in charts["chart-curves"]["data"]}
    assert {"openai (n=32)", "halfprice (n=32)"} <= names
    drawn = [a["id"] for t, a in page.tags if t == "div" and a.get("class") == "chart"]
    assert set(drawn) == set(charts)
    assert page.text.count("The same as a table") >= 5
    assert "simulated" not in page.text.lower()


def test_levels_stand_in_the_order_of_the_plan(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(qualities=("low", "medium", "high"))
    run.plan["trials"].reverse()
    for position, trial in enumerate(run.trials):
        trial["position"] = position
    run.freeze()
    run.settle_all()
    after = page_of().text.split("By quality, all trials")[1]
    places = [after.index(f"{name} 8 100.0%") for name in ("low", "medium", "high")]
    assert places == sorted(places)


def test_nothing_is_fetched_and_only_our_scripts_run(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    whole_run(n_prompts=6).settle_all()
    page = page_of()
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in _ADDRESSES:
                assert re.match(r"data:|#", value or ""), (tag, name, value)
            assert "url(" not in (value or "")
    assert not {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "base"}
    style = page.source.split("<style>")[1].split("</style>")[0]
    assert not re.search(r"url\(|@import|//", style)
    # Beside plotly's own script no address stands in the page but the run's own.
    rest = page.source.replace(max(page.programs, key=len), "")
    assert set(re.findall(r"https?://[^\s\"'<]+", rest)) == {"http://127.0.0.1:1/v1"}
    assert len(page.programs) == 2


def test_the_policy_allows_two_scripts_by_their_digest_and_nothing_else(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    whole_run().settle_all()
    page = page_of()
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    digests = [hashlib.sha256(text.encode()).digest() for text in page.programs]
    allowed = {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules["script-src"].split()) == allowed
    assert rules["img-src"] == "data: blob:"
    assert set(rules) == {
        *("default-src", "script-src", "style-src", "img-src", "base-uri"),
        "form-action",
    }


def test_hostile_text_is_shown_and_does_nothing(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=6, endpoints=(("openai", "direct"), ("g", "gateway")))
    run.plan["suite"]["name"] = run.plan["note"] = EVIL
    run.plan["tags"] = {"t": EVIL}
    for i, prompt in enumerate(run.plan["prompts"]):
        prompt |= {"id": f"{i} {EVIL}", "text": EVIL, "category": EVIL}
    run.freeze()

    def members(trial: dict[str, Any]) -> dict[str, Any]:
        evil = {"revised_prompt": EVIL, "request_id": EVIL, "served_model": EVIL}
        if trial["prompt"]:
            return evil
        failed = {"outcome": "server_error", "billing": "possibly_billed"}
        error = {"error_message": EVIL, "error_code": EVIL, "charge_usd": None}
        return {**evil, **failed, **error, "possibly_billed_usd": "0.21"}

    run.settle_all(members)
    page = page_of()
    assert len(page.programs) == 2
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]
    assert "img" not in {tag for tag, _ in page.tags}
    assert page.figures["show"]["suite"] == EVIL
    assert page.figures["show"]["errors"][0]["error_message"] == EVIL
    assert page.text.count("{{ 7*7 }}") > 10
    assert "49" not in page.text.replace("49 ", "")[:400]
    for chart in page.charts.values():
        assert "<img" not in json.dumps(chart)
        assert "<script" not in json.dumps(chart)


def test_possibly_billed_requests_are_listed_one_by_one(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=3, repeats=1)
    lost, failed, *others = run.trials
    records = [run.session(), run.intent(lost), run.intent(failed)]
    gone = {"outcome": "timed_out", "billing": "possibly_billed", "charge_usd": None}
    records.append(run.outcome(failed, **gone, possibly_billed_usd="0.21"))
    for trial in others:
        records += [run.intent(trial), run.outcome(trial)]
    run.journal([*records, run.end()])
    page = page_of()
    rows = page.figures["show"]["possibly_billed"]
    assert {row["trial_id"] for row in rows} == {lost["trial_id"], failed["trial_id"]}
    for trial in (lost, failed):
        assert f"{trial['trial_id']}.1" in page.text
    assert "Up to $0.4200 may have been billed" in page.text
    assert page.figures["show"]["possibly_billed_usd"] == "0.42"
    assert "possibly_billed_usd 0.42" in page.text


def test_an_unfinished_run_says_what_was_never_sent(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=4)
    done, *_ = run.trials
    run.journal([run.session(), run.intent(done), run.outcome(done)])
    page = page_of()
    assert "interrupted" in page.text
    assert "15 of 16 trials were never sent" in page.text
    assert f"pixelmeter resume {run.run.run_id}" in page.text
    assert "1 done, 15 not sent of 16" in page.text


def test_a_run_of_which_nothing_was_sent_has_a_page(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    whole_run()
    page = page_of()
    assert "Nothing was sent, so nothing was measured." in page.text
    assert page.charts == {}
    assert page.figures["comparisons"] == []
    assert page.figures["show"]["charge_usd"] == "0"


def test_a_single_cell_has_nothing_to_compare_and_a_page(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    whole_run(endpoints=(("openai", "direct"),), n_prompts=6).settle_all()
    page = page_of()
    assert page.figures["comparisons"] == []
    assert page.figures["savings"] == []
    assert "chart-curves" in page.charts
    assert "chart-cost-against-latency" not in page.charts


def test_many_cells_are_drawn_in_part_and_all_stand_in_the_table(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    names = tuple(f"q{i}" for i in range(70))
    run = whole_run(qualities=names, endpoints=(("openai", "direct"),), n_prompts=1)
    for i, cell in enumerate(run.plan["cells"]):
        cell["parameters"] = {"quality": "low", "output_compression": i}
    run.freeze()
    run.settle_all()
    page = page_of()
    (bars, _) = page.charts["chart-cost"]["data"]
    assert len(bars["y"]) == 60
    assert "The first 60 of 70 cells are drawn" in page.text
    for i in range(70):
        assert re.search(rf"low output_compression={i} 2 100", page.text)


def test_many_measurements_are_drawn_in_bins_of_the_same_counts(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run(n_prompts=30, repeats=20, endpoints=(("openai", "direct"),))
    run.settle_all(lambda t: {"service_s": 5.0 + t["position"] / 100})
    (curve, _) = page_of().charts["chart-curves"]["data"]
    assert curve["name"] == "openai (n=600)"
    assert len(curve["x"]) < 200
    assert curve["y"][-1] == 1


def test_a_report_is_for_its_owner_and_replaces_nothing_unasked(
    whole_run: Make, tell: Tell, data_folder: DataFolder
) -> None:
    run = whole_run()
    run.settle_all()
    path = data_folder.root / "reports" / f"{run.run.run_id}.html"
    said = tell("report")
    assert str(path) in said
    assert f"run {run.run.run_id}" in said
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_text("mine")
    with pytest.raises(BadInput, match="exists already; --force replaces it"):
        tell("report")
    assert path.read_text() == "mine"
    tell("report", "--force")
    assert "<!doctype html>" in path.read_text("utf-8")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_output_names_another_file_and_says_what_it_can_not_be(
    whole_run: Make, tell: Tell, tmp_path: Path
) -> None:
    whole_run().settle_all()
    wanted = tmp_path / "new" / "my report.html"
    assert str(wanted) in tell("report", "latest", "--output", str(wanted))
    assert wanted.is_file()
    with pytest.raises(BadInput, match="this is a folder"):
        tell("report", "--output", str(tmp_path))
    with pytest.raises(BadInput, match="is no folder"):
        tell("report", "--output", str(wanted / "x.html"))
    with pytest.raises(StorageFailed, match="--output"):
        tell("report", "--output", "/proc/report.html")
    with pytest.raises(BadInput, match="is not in"):
        tell("report", "20200101-000000-000000")


def test_a_purged_or_never_kept_picture_is_said_to_be_missing(
    whole_run: Make, page_of: Callable[..., Page]
) -> None:
    run = whole_run()
    run.settle_all()
    assert "were not kept (--images hash)" in page_of().text
    run.plan["options"]["images"] = "keep"
    run.freeze()
    page = page_of("--force")
    assert "The pictures of this run are not kept any more." in page.text
    assert "img" not in {tag for tag, _ in page.tags}


@pytest.mark.slow
def test_a_real_run_shows_its_pictures_prices_and_mark(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite(repeats=2)
    desk.two_endpoints(direct, gateway)
    assert desk.run("--endpoint", "direct", "--endpoint", "half", "--yes").code == 0
    ended = desk.pixelmeter("report", "--json")
    assert ended.code == 0, ended
    assert ended.answer["simulated"] is True
    page = Page(Path(ended.answer["path"]))
    pictures = [a["src"] or "" for tag, a in page.tags if tag == "img"]
    assert len(pictures) == 6
    for address in pictures:
        kind, _, content = address.partition(";base64,")
        assert kind == "data:image/webp"
        assert base64.b64decode(content)[8:12] == b"WEBP"
    assert "Simulated." in page.text
    assert "direct (simulated)" in page.text
    titles = [c["layout"]["title"]["subtitle"]["text"] for c in page.charts.values()]
    assert all("simulated" in title for title in titles)
    for card in desk.plan["cards"]:
        assert card["card"]["source"] in page.text
        assert card["card"]["valid_from"] in page.text
        assert card["card"]["checked_on"] in page.text
    assert "$PX_KEY" in page.text
    assert "multiplier factor 0.5" in page.text
    total = direct.total_usd + gateway.total_usd
    assert Decimal(page.figures["show"]["charge_usd"]) == total
    for path in desk.pictures():
        path.write_bytes(b"something else")
    assert desk.pixelmeter("report", "--force").code == 0
    assert "img" not in {t for t, _ in Page(Path(ended.answer["path"])).tags}


@pytest.mark.slow
def test_a_report_of_edits_shows_what_was_edited_from_the_runs_own_copy(
    desk: Desk, direct: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, mask = desk.folder / "room.png", desk.folder / "mask.png"
    picture.write_bytes((FOLDER / "room.png").read_bytes())
    mask.write_bytes((FOLDER / "room-mask.png").read_bytes())
    desk.suite(
        operation="inpaint",
        prompts=[{"id": "vase", "text": "A vase"}],
        inputs=["room.png"],
        mask="mask.png",
    )
    desk.endpoint(direct.url)
    assert desk.run("--yes").code == 0
    picture.unlink()
    ended = desk.pixelmeter("report", "--json")
    page = Page(Path(ended.answer["path"]))
    shown = {a["alt"]: a["src"] or "" for tag, a in page.tags if tag == "img"}
    assert len(shown) == 3, shown
    assert all(one.startswith("data:image/webp;base64,") for one in shown.values())
    assert {"vase: sent along, room.png", "vase: sent along, mask mask.png"} < {*shown}
    assert "room.png (256x256, png," in page.text
    assert "operation: inpaint" in page.text
    data = DataFolder(desk.data)
    facts = read_facts(data, ended.answer["run_id"])
    ((_, sent, (shot,)),) = read_gallery(facts, data).rows
    room = len(base64.b64decode((shot.address or "").partition(",")[2]))
    assert all(one.address for one in sent)
    monkeypatch.setattr(pictures, "MOST_BYTES", room)
    ((_, sent, (left,)),) = read_gallery(facts, data).rows
    assert left.address == shot.address
    # What was sent along takes of the same room as what came.
    assert {one.missing for one in sent} == {"left out, to keep this page small"}
    for path in (desk.data / "inputs").rglob("*.png"):
        path.write_bytes(b"something else")
    assert desk.pixelmeter("report", "--force").code == 0
    page = Page(Path(ended.answer["path"]))
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert "not kept any more" in page.text


@pytest.mark.slow
def test_a_metered_run_has_a_page_with_its_prices(desk: Desk, direct: Double) -> None:
    desk.endpoint(direct.url)
    asked = ("generate", EVIL[:80], "--endpoints", desk.endpoints, "--yes")
    assert desk.pixelmeter(*asked, "--endpoint", "direct").code == 0
    ended = desk.pixelmeter("report", "--json")
    page = Page(Path(ended.answer["path"]))
    assert "one by one from a program" in page.text
    assert "Nothing was asked" not in page.text
    assert "openai gpt-image-2" in page.text
    assert Decimal(page.figures["show"]["charge_usd"]) == direct.total_usd
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1


@pytest.mark.slow
def test_a_read_only_data_folder_ends_in_one_sentence(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1, "--yes").code == 0
    elsewhere = desk.folder / "report.html"
    with write_protected(desk, desk.data):
        ended = desk.pixelmeter("report")
        there = desk.pixelmeter("report", "--output", elsewhere)
    assert (ended.code, ended.out) == (6, ""), ended
    assert str(desk.data / "reports") in ended.said[-1]
    assert there.code == 0
    assert "1 done" in Page(elsewhere).text
