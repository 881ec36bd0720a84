"""Prompt: one thing that is asked for, and files of them."""

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bench.document import check, read_text
from bench.errors import BadInput

MAX_PROMPT_FILE_BYTES = 64_000_000
MAX_PROMPT_CHARACTERS = 32_000

PromptId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
]


class Expectation(BaseModel):
    """What a picture of a prompt should show; evaluators read it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    texts: tuple[str, ...] = ()


class Prompt(BaseModel):
    """One prompt of a suite.

    Attributes:
        id: Unique in its suite.
        text: What is sent, word for word.
        category: A name to group prompts by.
        expect: What a picture should show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    id: PromptId
    text: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    category: str | None = None
    expect: Expectation = Expectation()


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Prompts from a csv file (header `id,text[,category]`) or a jsonl file.

    Raises:
        BadInput: Names the file, line, key and value.
    """
    readers = {".csv": _from_csv, ".jsonl": _from_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"{path}: prompts are read from .csv or .jsonl files")
    return tuple(reader(path, read_text(path, MAX_PROMPT_FILE_BYTES)))


def _from_csv(path: Path, text: str) -> list[Prompt]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(rows.fieldnames or ())
        missing = {"id", "text"} - set(header)
        if missing:
            raise BadInput(
                f"{path}: the header has no column '{min(missing)}'; "
                "it should read id,text,category"
            )
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise BadInput(f"{path}: the header's column '{twice[0]}' stands twice")
        prompts: list[Prompt] = []
        for row in rows:
            # A row with too many fields holds a list, which no set can hold.
            kept: dict[Any, Any] = {k: v for k, v in row.items() if v not in (None, "")}
            texts = kept.pop("expect_texts", None)
            if texts is not None:
                kept["expect"] = {"texts": tuple(texts.split("|"))}
            prompts.append(check(_at(path, rows.line_num), _named(kept), Prompt))
    except csv.Error as error:
        # The count of `rows` itself ends before the line that can't be read.
        number = rows.reader.line_num
        raise BadInput(f"{path}: line {number}: {error}") from None
    return prompts


def _named(row: dict[Any, Any]) -> dict[str, Any]:
    # csv gives the fields past the header under the key None.
    return {
        ("(a column past the header)" if k is None else k): v for k, v in row.items()
    }


def _from_jsonl(path: Path, text: str) -> list[Prompt]:
    prompts: list[Prompt] = []
    # Not splitlines: a JSON string may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"{path}: line {number}: no JSON ({error})") from None
        prompts.append(check(_at(path, number), content, Prompt))
    return prompts


def _at(path: Path, line: int) -> Path:
    return path.with_name(f"{path.name}: line {line}")
