"""Lines: a journal's bytes, checked block by block, sorted by kind."""

from collections.abc import Generator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import orjson

from bench.journal import is_whole

_BLOCK_BYTES = 1 << 20
_EDGE_BYTES = 4096
_OUTCOME = b'{"kind":"outcome",'
_INTENT = b'{"kind":"intent",'
_ID = b'"attempt_id":"'


@dataclass(slots=True)
class Block:
    """Whole lines of one journal, in their order.

    Attributes:
        outcomes: Lines of kind `outcome`, without newline.
        settled: The attempts that they settle.
        intents: Lines of kind `intent` by attempt, as far as no outcome of
            this block settles them.
        others: All other records, parsed.
        damaged: Line numbers, counted from 1 at the beginning of the file.
        end_offset: Bytes of the file read so far.
        n_lines: Lines of the file read so far.
    """

    end_offset: int
    n_lines: int
    outcomes: list[bytes] = field(default_factory=list[bytes])
    settled: list[str] = field(default_factory=list[str])
    intents: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    others: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    damaged: list[int] = field(default_factory=list[int])


def read_blocks(path: Path, offset: int, n_lines: int) -> Generator[Block]:
    """The whole lines of a journal from a byte offset on.

    A last line without a newline is left for the next time; one whose newline
    alone was changed is damaged.
    """
    size = _BLOCK_BYTES
    with path.open("rb", buffering=0) as file:
        while True:
            file.seek(offset)
            content = file.read(size)
            end = content.rfind(b"\n") + 1
            if end:
                block = _sort(content[:end], Block(offset + end, n_lines))
                offset, n_lines = block.end_offset, block.n_lines
                yield block
            elif len(content) < size:
                if is_whole(content[:-1]):
                    # Nothing but its newline is wrong: this line was written whole.
                    number = n_lines + 1
                    yield Block(offset + len(content), number, damaged=[number])
                return
            else:
                size *= 2


def _sort(content: bytes, block: Block) -> Block:
    number = block.n_lines
    for number, line in enumerate(content.split(b"\n")[:-1], block.n_lines + 1):
        if not is_whole(line):
            block.damaged.append(number)
        elif line.startswith(_OUTCOME):
            block.outcomes.append(line)
            attempt_id = _attempt_id(line)
            if block.intents.pop(attempt_id, None) is None:
                block.settled.append(attempt_id.decode())
        elif line.startswith(_INTENT):
            block.intents[_attempt_id(line)] = line
        else:
            block.others.append(cast("dict[str, Any]", orjson.loads(line)))
    block.n_lines = number
    return block


def _attempt_id(line: bytes) -> bytes:
    start = line.index(_ID) + len(_ID)
    return line[start : line.index(b'"', start)]


def edge_digest(path: Path, n_bytes: int) -> str:
    """SHA-256 of the first and last 4096 bytes of the first `n_bytes`.

    Every journal begins with its own session, so a file put in the place of
    another shows, without reading all of it again.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(min(n_bytes, _EDGE_BYTES))
        file.seek(max(0, n_bytes - _EDGE_BYTES))
        tail = file.read(min(n_bytes, _EDGE_BYTES))
    return sha256(head + tail).hexdigest()
