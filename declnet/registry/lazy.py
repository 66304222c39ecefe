"""Package attributes that are imported on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """Return a module `__getattr__` that imports a name's module on first use.

    Args:
        package: the module's `__name__`.
        homes: for each name, the submodule that defines it, relative to the package; default: the
            names that the stub of the package, `__init__.pyi`, imports.
    """
    known = names_in_stub(package) if homes is None else homes

    def imported(name: str) -> Any:
        if name == "__all__":
            return sorted(known)
        if name not in known:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{known[name]}"), name)
        vars(import_module(package))[name] = value
        return value

    return imported


def names_in_stub(package: str) -> dict[str, str]:
    """Return the names that a package's stub imports, each with its submodule."""
    with open(f"{sys.modules[package].__file__}i", encoding="utf-8") as stub:  # noqa: PTH123  # pathlib imports slowly
        return {
            words[3]: words[1].removeprefix(f"{package}.")
            for words in map(str.split, stub)
            if words[:1] == ["from"]  # from PACKAGE.MODULE import NAME as NAME
        }
