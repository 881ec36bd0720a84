"""Golden prices: each answer as its written arithmetic says, to the last digit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pricing.book import shipped_book
from pricing.question import answer

HERE = Path(__file__).parent
CASES = [
    json.loads(line) for line in (HERE / "prices.jsonl").read_text("utf-8").splitlines()
]
PRICED = [case for case in CASES if "usd" in case]
REFUSED = [case for case in CASES if "refused" in case]


def _name(case: dict[str, Any]) -> str:
    return case["id"]


@pytest.mark.parametrize("case", PRICED, ids=_name)
def test_an_answer_is_what_its_written_arithmetic_gives(case: dict[str, Any]) -> None:
    found = answer(case["question"])
    assert (found["usd"], found["error"]) == (case["usd"], None)
    assert found["flags"] == case["flags"]


@pytest.mark.parametrize("case", REFUSED, ids=_name)
def test_a_question_without_an_answer_is_refused_with_its_reason(
    case: dict[str, Any],
) -> None:
    found = answer(case["question"])
    assert found["usd"] is None
    assert case["refused"] in str(found["error"])


def _recompute(cases: Path) -> subprocess.CompletedProcess[str]:
    # Isolated: neither this folder nor the working folder can be imported from.
    command = [sys.executable, "-I", "-S", str(HERE / "recompute.py"), str(cases)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_program_without_any_of_ours_comes_to_the_same_sums() -> None:
    found = _recompute(HERE / "prices.jsonl")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"{len(PRICED)} sums carried out, 0 wrong" in found.stdout


def test_that_program_tells_a_wrong_digit(tmp_path: Path) -> None:
    case = PRICED[0] | {"usd": PRICED[0]["usd"] + "1"}
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps(case) + "\n", "utf-8")
    found = _recompute(wrong)
    assert found.returncode == 1
    assert PRICED[0]["id"] in found.stdout


def test_every_vendor_has_golden_cases() -> None:
    asked = {case["question"].get("provider", "openai") for case in PRICED}
    assert set(shipped_book().vendors) <= asked


def test_there_are_150_sums_and_no_name_twice() -> None:
    assert len(PRICED) >= 150
    assert len({case["id"] for case in CASES}) == len(CASES)
