"""Form: typed reading of plain data (JSON, TOML), strict about keys."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

from pricing.errors import BadAmount, BadForm
from pricing.money import usd

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
# fromisoformat alone would take 20261121 and 2026-W47-6 too.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Form:
    """A mapping whose keys and types are checked; null counts as not given.

    Without ``keys`` every key is allowed.
    """

    __slots__ = ("_values", "where")

    def __init__(
        self, value: object, where: str, keys: Iterable[str] | None = None
    ) -> None:
        if not isinstance(value, dict):
            raise BadForm(f"{where} must be an object, not {_kind(value)}")
        self.where = where
        self._values = cast("dict[object, object]", value)
        allowed = [str(key) for key in self._values] if keys is None else list(keys)
        for key in self._values:
            if key not in allowed:
                raise BadForm(
                    f"{where}: unknown key '{str(key)[:60]}'; "
                    f"it may hold {', '.join(allowed)}"
                )

    def __contains__(self, key: str) -> bool:
        """Whether the key is given and not null."""
        return self._values.get(key) is not None

    def names(self) -> tuple[str, ...]:
        """The keys that are given, in their order."""
        return tuple(str(key) for key in self._values)

    def raw(self, key: str) -> object:
        """The value as it stands; None when not given."""
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """A text, or None."""
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, "a text")

    def one_of(self, key: str, kind: type[E]) -> E:
        """A member of a closed set, which must be given."""
        value = self.need(self.text, key)
        members = {str(member): member for member in kind}
        if value not in members:
            raise self.wrong(key, f"one of {', '.join(members)}")
        return members[value]

    def whole(self, key: str) -> int | None:
        """A whole number (true and 1.0 are none), or None."""
        value = self._values.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self.wrong(key, "a whole number")

    def amount(self, key: str) -> Decimal | None:
        """An exact amount written as text, or None."""
        value = self.text(key)
        if value is None:
            return None
        try:
            return usd(value)
        except BadAmount as error:
            raise BadForm(f"{self.where}: {key}: {error}") from error

    def day(self, key: str) -> date | None:
        """A date: TOML's own, or ISO text; None when not given."""
        value = self._values.get(key)
        if value is None or type(value) is date:
            return value
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise self.wrong(key, "a date like 2026-11-21")

    def items(self, key: str) -> list[object]:
        """A list; empty when not given."""
        value = self._values.get(key)
        if value is None:
            return []
        if isinstance(value, list):
            return cast("list[object]", value)
        raise self.wrong(key, "a list")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when not given."""
        found = self.items(key)
        if all(isinstance(item, str) for item in found):
            return tuple(str(item) for item in found)
        raise self.wrong(key, "a list of texts")

    def table(self, key: str) -> dict[str, object]:
        """A mapping with free text keys; empty when not given."""
        value = self._values.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            found = cast("dict[object, object]", value)
            return {str(name): item for name, item in found.items()}
        raise self.wrong(key, "a table")

    def need(self, read: Callable[[str], T | None], key: str) -> T:
        """The value that ``read`` (a method of this form) finds; refuse its absence."""
        value = read(key)
        if value is None:
            raise BadForm(f"{self.where}: '{key}' is missing")
        return value

    def wrong(self, key: str, wanted: str) -> BadForm:
        """The refusal of a value of the wrong type."""
        found = _kind(self._values.get(key))
        return BadForm(f"{self.where}: '{key}' must be {wanted}, not {found}")


def _kind(value: object) -> str:
    """How a value is named to people."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return str(value)[:40] if not isinstance(value, str) else f"'{value[:40]}'"
