"""Prompt: one thing that is asked for, and files of them."""

import csv
import io
import re
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from bench.document import check, read_text
from bench.errors import BadInput
from bench.reference import Input, Reference

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


Text = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]


class Prompt(BaseModel):
    """One thing that is asked: a prompt of a suite, or a turn of a conversation.

    Attributes:
        id: Unique in its suite.
        text: What is sent, word for word; of a variation it is not sent.
        category: A name to group prompts by.
        expect: What a picture should show.
        inputs: Pictures that are sent along, in their order.
        mask: Says where the first of them may be changed.
        markup: Drawn over the first, to say what is to be changed.
        conversation: Whose turn it is; None where it is none.
        turn: Which one, from 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: PromptId
    text: Text
    category: str | None = None
    expect: Expectation = Expectation()
    inputs: tuple[Reference, ...] = ()
    mask: Reference | None = None
    markup: Reference | None = None
    conversation: str | None = None
    turn: Annotated[StrictInt, Field(ge=1)] | None = None

    @property
    def pictures(self) -> tuple[Reference, ...]:
        """The inputs, and behind them mask and markup where there are such."""
        others = (self.mask, self.markup)
        return (*self.inputs, *(one for one in others if one is not None))

    def to_json(self) -> dict[str, Any]:
        """Plain data; what only some prompts have is left out of the others."""
        plain = self.model_dump(mode="json", exclude=_OF_SOME)
        more = self.model_dump(mode="json", include=_OF_SOME, exclude_defaults=True)
        return {**plain, **more}


_MADE_ID = re.compile(r"p-[0-9a-f]{12}")


def made_id(digest: str) -> str:
    """The id of a prompt that nobody gave one, by the digest of what it says."""
    return f"p-{digest[:12]}"


def prompt_words(prompt_id: str) -> str:
    """A prompt by the id that its user gave it; of a made one he knows nothing."""
    return "the prompt" if _MADE_ID.fullmatch(prompt_id) else f"prompt '{prompt_id}'"


_OF_SOME = {"inputs", "mask", "markup", "conversation", "turn"}


class WrittenPrompt(BaseModel):
    """A prompt as it stands in a suite or in a file of prompts.

    Attributes:
        inputs: Pictures to start from, the suite's where it is left out.
        mask: Where the first may be changed, the suite's where it is left out.
        markup: Drawn over the first, in the same way.
        then: What is asked in the turns after the first, of a conversation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    id: PromptId
    text: Text
    category: str | None = None
    expect: Expectation = Expectation()
    inputs: tuple[Input, ...] = ()
    mask: Input | None = None
    markup: Input | None = None
    then: tuple[Text, ...] = ()

    def asked(
        self,
        inputs: tuple[Input, ...],
        mask: Input | None,
        markup: Input | None = None,
        *,
        converse: bool,
    ) -> tuple[Prompt, ...]:
        """What is asked: the prompt itself, or the turns of its conversation.

        Args:
            inputs: Of the suite, for prompts that name none.
            mask: Of the suite, in the same way.
            markup: As well.
            converse: Whether it is a conversation, be it of one turn.
        """
        mine = self.inputs if "inputs" in self.model_fields_set else inputs
        over = self.mask if "mask" in self.model_fields_set else mask
        drawn = self.markup if "markup" in self.model_fields_set else markup
        first = Prompt(
            id=f"{self.id}/1" if converse else self.id,
            text=self.text,
            category=self.category,
            expect=self.expect,
            inputs=tuple(one.reference for one in mine),
            mask=None if over is None else over.reference,
            markup=None if drawn is None else drawn.reference,
            conversation=self.id if converse else None,
            turn=1 if converse else None,
        )
        others = tuple(
            Prompt(
                id=f"{self.id}/{turn}",
                text=text,
                category=self.category,
                expect=self.expect,
                conversation=self.id,
                turn=turn,
            )
            for turn, text in enumerate(self.then, start=2)
        )
        return (first, *others)


def read_prompts(path: Path) -> tuple[WrittenPrompt, ...]:
    """Prompts from a csv file (header `id,text[,category]`) or a jsonl file.

    In a csv file `inputs`, `then` and `expect_texts` are split at each `|`.

    Raises:
        BadInput: Names the file, line, key and value.
    """
    readers = {".csv": _from_csv, ".jsonl": _from_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"{path}: prompts are read from .csv or .jsonl files")
    return tuple(reader(path, read_text(path, MAX_PROMPT_FILE_BYTES)))


def _from_csv(path: Path, text: str) -> list[WrittenPrompt]:
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
        prompts: list[WrittenPrompt] = []
        for row in rows:
            # A row with too many fields holds a list, which no set can hold.
            kept: dict[Any, Any] = {k: v for k, v in row.items() if v not in (None, "")}
            where = _at(path, rows.line_num)
            prompts.append(check(where, _split(_named(kept)), WrittenPrompt))
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


def _split(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its lists as lists."""
    for name in ("inputs", "then"):
        if isinstance(row.get(name), str):
            row[name] = tuple(part.strip() for part in row[name].split("|"))
    texts = row.pop("expect_texts", None)
    if texts is not None:
        row["expect"] = {"texts": tuple(texts.split("|"))}
    return row


def _from_jsonl(path: Path, text: str) -> list[WrittenPrompt]:
    prompts: list[WrittenPrompt] = []
    # Not splitlines: a JSON string may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"{path}: line {number}: no JSON ({error})") from None
        prompts.append(check(_at(path, number), content, WrittenPrompt))
    return prompts


def _at(path: Path, line: int) -> Path:
    return path.with_name(f"{path.name}: line {line}")
