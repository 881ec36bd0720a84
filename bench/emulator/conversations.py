"""Conversations: responses that are kept, and the pictures in them."""

import base64
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

RESPONSES_KEPT = 500
BYTES_KEPT = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One response: its body, and what a next turn goes on from.

    `n_tokens` are those of the conversation so far, instructions left out.
    """

    id: str
    body: bytes = field(repr=False)
    n_tokens: int
    item_id: str | None = None
    previous_id: str | None = None

    def picture(self) -> bytes | None:
        """Return its picture, encoded; None where it has none (slow)."""
        told = cast("dict[str, Any]", orjson.loads(self.body))
        for item in told["output"]:
            if item["type"] == "image_generation_call":
                return base64.b64decode(item["result"])
        return None


@dataclass(slots=True)
class Conversations:
    """The responses by id; the oldest make room for new ones."""

    _kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict[str, Kept])
    _items: dict[str, str] = field(default_factory=dict[str, str])
    _n_bytes: int = 0

    def keep(self, response: Kept) -> None:
        """Keep a response, and its picture under the id of its item."""
        self._kept[response.id] = response
        if response.item_id is not None:
            self._items[response.item_id] = response.id
        self._n_bytes += len(response.body)
        while len(self._kept) > RESPONSES_KEPT or (
            self._n_bytes > BYTES_KEPT and len(self._kept) > 1
        ):
            self.forget(next(iter(self._kept)))

    def get(self, response_id: str) -> Kept | None:
        """Return a response, None when there is none."""
        return self._kept.get(response_id)

    def of_item(self, item_id: str) -> Kept | None:
        """Return the response that an item is of, None when there is none."""
        return self._kept.get(self._items.get(item_id, ""))

    def forget(self, response_id: str) -> bool:
        """Forget a response; say whether it was there."""
        kept = self._kept.pop(response_id, None)
        if kept is None:
            return False
        self._n_bytes -= len(kept.body)
        if kept.item_id is not None:
            self._items.pop(kept.item_id, None)
        return True
