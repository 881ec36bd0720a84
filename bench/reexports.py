"""Re-exports: packages of names, each loaded when it is asked for.

A generated library may gather hundreds of classes in the `__init__` of a package,
so that importing one of them imports all. Where such a file holds nothing but
`from .module import Name`, we answer for it with PEP 562's `__getattr__`: the same
names, the same objects, each from its module at first use. A file that does
anything else is carried out as it is written.
"""

import ast
import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

# From the name that a package offers to its module and the name there.
Offered = dict[str, tuple[str, str]]


def load_late(package: str) -> None:
    """From now on load a package's re-exports, and its packages', by name.

    What is imported already stays as it is.
    """
    sys.meta_path.insert(0, _Finder(package))


class _Finder:
    """Finds the packages below one as Python does, to load them our way."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != self._package and not fullname.startswith(f"{self._package}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.submodule_search_locations is None:
            return spec
        if type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Loads a package of names by name; any other as it is written."""

    def exec_module(self, module: ModuleType) -> None:
        offered = offers(self.get_data(self.path))
        if offered is None:
            super().exec_module(module)
            return
        modules = {place.partition(".")[0] for place, _ in offered.values()}

        def ask(name: str) -> Any:  # noqa: ANN401  each its own type
            if name in modules:
                # The file would have loaded it.
                return importlib.import_module(f".{name}", module.__name__)
            if name not in offered:
                sentence = f"module '{module.__name__}' has no attribute '{name}'"
                raise AttributeError(sentence)
            place, there = offered[name]
            found = getattr(
                importlib.import_module(f".{place}", module.__name__), there
            )
            setattr(module, name, found)
            return found

        vars(module)["__getattr__"] = ask
        vars(module)["__dir__"] = lambda: sorted({*vars(module), *offered})
        # Else `import *` would find what was asked for before, and no more.
        vars(module)["__all__"] = [n for n in offered if not n.startswith("_")]


def offers(source: bytes) -> Offered | None:
    """The names that a package's file imports from its modules.

    None when it does more than that, or when a name is also that of a module:
    loading the module would put it in the name's place.
    """
    offered: Offered = {}
    for statement in ast.parse(source).body:
        if _is_no_more_than_words(statement):
            continue
        if not isinstance(statement, ast.ImportFrom) or statement.level != 1:
            return None
        place = statement.module or ""
        for name in statement.names:
            offered[name.asname or name.name] = (place, name.name)
    modules = {place.partition(".")[0] for place, _ in offered.values()}
    is_plain = "*" not in offered and "" not in modules and not modules & set(offered)
    return offered if is_plain else None


def _is_no_more_than_words(statement: ast.stmt) -> bool:
    """Whether it is a docstring, or `from __future__`."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
