"""Program: Python and the libraries against what Pixelmeter needs."""

import operator
import platform
import re
from collections.abc import Callable
from importlib import metadata
from itertools import takewhile
from typing import Any

from bench.checkup.check import Check, ok, problem, warning

_NAME = "pixelmeter"
_NEED = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*])?(?P<bounds>[^;]*)(;(?P<if>.*))?"
)
_BOUND = re.compile(r"\s*(?P<sign>[<>=!]=|[<>])\s*(?P<version>\S+)\s*")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_MEND = "install Pixelmeter anew, in an environment of its own"


def check_program() -> tuple[Check, ...]:
    """Versions of Python and of every library that is needed."""
    try:
        needed = metadata.requires(_NAME) or []
        python = metadata.metadata(_NAME)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return (warning("libraries", f"{_NAME} is not installed; {_MEND}"),)
    return (_check_python(python), *_check_libraries(needed))


def _check_python(bounds: str) -> Check:
    version = platform.python_version()
    if fits(version, bounds):
        return ok("python", f"{version}, {bounds} is needed")
    return problem("python", f"{version}, but {bounds} is needed; {_MEND} with that")


def _check_libraries(needed: list[str]) -> tuple[Check, ...]:
    found = [_library(need) for need in needed]
    wrong = tuple(check for check in found if check is not None)
    return wrong or (ok("libraries", f"all {len(needed)} are as needed"),)


def _library(need: str) -> Check | None:
    """What is wrong with a library, None when nothing is."""
    parts = _NEED.fullmatch(need)
    if parts is None or parts["if"]:
        # What is only needed sometimes says so itself when it is missing.
        return None
    name, bounds = parts["name"], parts["bounds"].strip()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return problem("libraries", f"{name} is missing; {_MEND}")
    if fits(version, bounds):
        return None
    return problem("libraries", f"{name} {version}, but {bounds} is needed; {_MEND}")


def fits(version: str, bounds: str) -> bool:
    """Whether a version lies within bounds such as `<4,>=3.54`.

    Releases are compared, so a preview counts as what it leads to.
    """
    return all(
        _SIGNS[bound["sign"]](_release(version), _release(bound["version"]))
        for bound in map(_BOUND.fullmatch, bounds.split(","))
        if bound is not None
    )


def _release(version: str) -> tuple[int, ...]:
    numbers = [re.match(r"\d+", part) for part in version.split(".")]
    release = [int(number[0]) for number in takewhile(bool, numbers) if number]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release)
