"""Documents: checked reading of the JSON that tests send to steer us."""

import math
from collections.abc import Iterable
from typing import cast


class BadDocumentError(Exception):
    """Names the key and the value that are not understood, in one sentence."""


def read_object(where: str, value: object, known: Iterable[str]) -> dict[str, object]:
    """Return an object that has no other keys than `known`.

    Raises:
        BadDocumentError: it is no object, or has another key.
    """
    if not isinstance(value, dict):
        raise BadDocumentError(f"{where} must be an object, not {value!r}")
    found = cast("dict[object, object]", value)
    names = tuple(known)
    for key in found:
        if key not in names:
            raise BadDocumentError(
                f"{where} has no key {key!r}; it knows {', '.join(names)}"
            )
    return cast("dict[str, object]", found)


def read_list(where: str, value: object) -> list[object]:
    """Return a list.

    Raises:
        BadDocumentError: it is none.
    """
    if not isinstance(value, list):
        raise BadDocumentError(f"{where} must be a list, not {value!r}")
    return cast("list[object]", value)


def read_number(where: str, value: object, high: float = math.inf) -> float:
    """Return a finite number from 0 to `high`.

    Raises:
        BadDocumentError: it is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and 0 <= number <= high:
            return number
    limit = "" if math.isinf(high) else f" and at most {high:g}"
    raise BadDocumentError(
        f"{where} must be a number of at least 0{limit}, not {value!r}"
    )


def read_whole(where: str, value: object, low: int | None = None) -> int:
    """Return a whole number, of at least `low` where given.

    Raises:
        BadDocumentError: it is none.
    """
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and (low is None or value >= low)
    ):
        return value
    limit = "" if low is None else f" of at least {low}"
    raise BadDocumentError(f"{where} must be a whole number{limit}, not {value!r}")


def read_flag(where: str, value: object) -> bool:
    """Return true or false.

    Raises:
        BadDocumentError: it is neither.
    """
    if not isinstance(value, bool):
        raise BadDocumentError(f"{where} must be true or false, not {value!r}")
    return value


def read_one_of(where: str, value: object, known: tuple[str, ...]) -> str:
    """Return a word of a closed list.

    Raises:
        BadDocumentError: it is none of them.
    """
    if not isinstance(value, str) or value not in known:
        names = ", ".join(known)
        raise BadDocumentError(f"{where} must be one of {names}, not {value!r}")
    return value
