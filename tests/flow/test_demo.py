"""Demo: the main job with no key, as a stranger runs it."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index
from bench.words.limited import limited_sentence

WITHOUT_KEYS = {k: v for k, v in os.environ.items() if "KEY" not in k}


def _demo(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pixelmeter", "demo", "--data", str(folder), *options],
        capture_output=True,
        text=True,
        env=WITHOUT_KEYS,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_demo_charges_what_both_emulators_counted_to_the_last_digit(
    tmp_path: Path,
) -> None:
    done = _demo(tmp_path / "data", "--limit", "2", "--json", "--seed", "7")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["trials"]["done"] == answer["trials"]["planned"] == 48
    assert answer["simulated"] is True
    levels = {
        level["name"]: Decimal(level["charge_usd"])
        for level in answer["comparison"]["levels"]
    }
    counted = {
        name: Decimal(usd) for name, usd in answer["counted_by_emulators_usd"].items()
    }
    assert levels == counted
    page = Path(answer["report"]).read_text("utf-8")
    assert f'"charge_usd":"{answer["charge_usd"]}"' in page
    assert answer["projection"]
    for line in answer["projection"]:
        assert Decimal(line["saving_usd"]) * 12 == Decimal(line["saving_year_usd"])
        assert Decimal(line["gateway_usd"]) * 2 == Decimal(line["direct_usd"])


@pytest.mark.slow
def test_demo_says_that_it_is_simulated_and_what_to_do_next(tmp_path: Path) -> None:
    done = _demo(tmp_path / "data", "--limit", "1")
    assert done.returncode == 0, done.stderr
    for words in (
        "no key is used and nothing is paid",
        "(simulated)",
        "too few prompts",
        "equal to the last digit",
        "report, opens offline: ",
        "with your key",
    ):
        assert words in done.stdout
    assert "DIFFERENT" not in done.stdout
    with open_index(DataFolder(tmp_path / "data")) as con:
        (run,) = queries.runs(con)
    said = limited_sentence(run)
    assert (said or "") in done.stdout
    assert ("client-limited" in done.stdout) == (said is not None)
    assert "Traceback" not in done.stderr
