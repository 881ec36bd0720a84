"""Price command: one question from options, or one a line."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.commands import price

FLAT = '{"id": %d, "mode": "flat", "flat_price": "0.03"}'


def _run(*arguments: str, given: bytes | None = None) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    price.register(app)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["price", *arguments], input=given)


def _answers(found: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.stdout.splitlines()]


ESTIMATE = (
    *("--model", "gpt-image-2", "--mode", "estimate", "--as-of", "2026-11-21"),
    *("--quality", "medium", "--size", "1024x1024", "--requests", "10000"),
)


def test_json_answers_with_exactly_one_object() -> None:
    found = _run(*ESTIMATE, "--input-text-tokens", "60", "--json")
    (answer,) = _answers(found)
    assert found.exit_code == 0
    assert (answer["schema"], answer["usd"]) == ("pixelmeter.price/1", "529.8")


def test_a_table_is_for_people() -> None:
    found = _run(*ESTIMATE, "--multiplier", "0.5")
    assert found.exit_code == 0
    assert "output_image  17,560,000" in found.stdout
    assert found.stdout.splitlines()[3].split() == ["total", "263.4"]
    assert "rates: openai, from 2026-04-21" in found.stdout
    assert "note: an input class was not given" in found.stdout


def test_a_refusal_is_an_answer() -> None:
    found = _run("--model", "gpt-image-9")
    assert found.exit_code == 0
    assert found.stdout.startswith("no price: ")
    ranged = _run(*ESTIMATE, "--quality", "auto")
    assert "between 58.8 and 2107.2 USD" in ranged.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--n", "two"),
        ("--input", "no-such-file"),
        ("--model", "gpt-image-2", "--input", "-"),
        ("--model", "gpt-image-2", "--input-image", "big"),
    ],
)
def test_bad_options_end_in_exit_2_with_one_word_on_stderr(
    arguments: tuple[str, ...],
) -> None:
    found = _run(*arguments, given=b"")
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.strip()


def test_an_input_picture_is_read_from_its_size_and_fidelity() -> None:
    found = _run(
        *("--model", "gpt-image-1", "--as-of", "2026-06-01", "--mode", "estimate"),
        *("--quality", "low", "--size", "1024x1024", "--input-text-tokens", "0"),
        *("--input-image", "1024x1024:high", "--input-image", "1024x1024", "--json"),
    )
    (answer,) = _answers(found)
    assert answer["lines"][0]["quantity"] == 4354 + 194


def test_lines_that_are_no_questions_are_told_and_the_others_answered(
    tmp_path: Path,
) -> None:
    file = tmp_path / "questions.jsonl"
    bad = [b"not json", b'{"n": 1, "n": 2}', b'{"id": NaN}', b"\xff", b"[" * 10_000]
    bad += [b'{"requests": ' + b"9" * 5000 + b"}", b'{"colour": 1}', b"[]"]
    lines = [b"\xef\xbb\xbf" + (FLAT % 1).encode(), b"", *bad, (FLAT % 2).encode()]
    file.write_bytes(b"\n".join(lines))
    found = _run("--input", str(file))
    assert found.exit_code == 2
    assert [answer["id"] for answer in _answers(found)] == [1, 2]
    told = found.stderr.splitlines()
    assert len(told) == len(bad)
    for number, line in enumerate(told, start=3):
        assert f"line {number}:" in line


def test_a_mark_before_an_empty_first_line_is_no_question() -> None:
    found = _run("--input", "-", given=b"\xef\xbb\xbf\n" + (FLAT % 1).encode())
    assert (found.exit_code, found.stderr) == (0, "")


def test_questions_in_another_encoding_are_told_how_to_mend_it(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(FLAT % 1, encoding="utf-16")
    found = _run("--input", str(file))
    assert (found.exit_code, found.stdout) == (2, "")
    assert f"{file}: line 1: not UTF-8; save the file as UTF-8" in found.stderr


def test_what_a_line_holds_can_not_steer_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b'{"\\u001b[31m\\nprice": 1}\n')
    found = _run("--input", str(file))
    assert found.exit_code == 2
    (told,) = found.stderr.splitlines()
    assert "'\\x1b[31m\\nprice'" in told


def test_refusals_among_lines_do_not_change_the_exit_code() -> None:
    given = f'{{"model": "nope"}}\n{FLAT % 3}\n'.encode()
    found = _run("--input", "-", given=given)
    assert found.exit_code == 0
    assert [answer["usd"] for answer in _answers(found)] == [None, "0.03"]
    assert {answer["schema"] for answer in _answers(found)} == {"pixelmeter.price/1"}
