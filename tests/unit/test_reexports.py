"""Re-exports: the official library's packages of names, loaded by name."""

import json
import subprocess
import sys
from pathlib import Path

from bench.reexports import offers

# What the largest packages of names offer, as qualified names.
_TOLD = """
import json, sys
from importlib import import_module
{first}
import openai
n_at_start = sum(name.startswith("openai.types.") for name in sys.modules)
told = {{}}
for package in map(import_module, ("openai.types", "openai.types.responses")):
    for name in dir(package):
        thing = getattr(package, name)
        if isinstance(thing, type):
            told[package.__name__ + " " + name] = thing.__module__ + thing.__qualname__
print(json.dumps([n_at_start, told]))
"""


def _told(first: str) -> tuple[int, dict[str, str]]:
    command = [sys.executable, "-c", _TOLD.format(first=first)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)
    n_modules, told = json.loads(ended.stdout)
    return n_modules, told


def test_the_library_offers_the_same_classes_and_loads_fewer_modules() -> None:
    n_plain, plain = _told("")
    n_late, late = _told(
        "from bench.reexports import load_late; load_late('openai.types')"
    )
    assert late == plain
    assert len(plain) > 100
    assert n_late < n_plain / 2


def test_a_file_that_does_more_than_name_is_carried_out_as_written() -> None:
    names = b'"""Types."""\nfrom __future__ import annotations\nfrom .a import A as B\n'
    assert offers(names) == {"B": ("a", "A")}
    for more in (
        b"import os\n",
        b"X = 1\n",
        b"from ..up import Y\n",
        b"from os import path\n",
        b"from .b import *\n",
        b"from . import c\n",
        b"from .a import a\n",
        b"if 1:\n    from .d import D\n",
    ):
        assert offers(names + more) is None, more


def test_a_star_finds_every_name_and_a_module_is_there_without_an_import(
    tmp_path: Path,
) -> None:
    package = tmp_path / "stall"
    package.mkdir()
    (package / "__init__.py").write_text("from .pear import Pear, _Core\n")
    (package / "pear.py").write_text("class Pear: ...\nclass _Core: ...\n")
    script = (
        "from bench.reexports import load_late; load_late('stall')\n"
        "import stall; stall.pear.Pear\n"
        "from stall import *\n"
        "print(Pear is stall.Pear, '_Core' in globals())\n"
    )
    path = f"import sys; sys.path.append({str(tmp_path)!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", path + script],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.stdout == "True False\n", ended.stderr


def test_a_name_is_loaded_once_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from .till import Till as Till\n")
    (package / "till.py").write_text("print('loaded')\nclass Till: ...\n")
    script = (
        "from bench.reexports import load_late; load_late('shop')\n"
        "import shop; print('imported'); shop.Till; from shop import Till\n"
        "assert Till is shop.till.Till and 'Till' in dir(shop)\n"
        "try: shop.Nothing\n"
        "except AttributeError as error: print(error)\n"
    )
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.append({str(tmp_path)!r})\n{script}",
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert ended.stdout.splitlines() == [
        "imported",
        "loaded",
        "module 'shop' has no attribute 'Nothing'",
    ]
