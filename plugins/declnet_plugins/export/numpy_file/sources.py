"""The source text of functions with all that they use, for a self-contained file."""

from __future__ import annotations

import ast
import builtins
import inspect
import pprint
import re
import sys
from collections.abc import Callable, Iterator
from keyword import iskeyword
from types import ModuleType
from typing import Any

FIXED_NAMES = (
    *("Array", "CLASSES", "COLUMNS", "METADATA", "MISSING", "OUTPUTS", "W"),
    *("np", "predict", "refused", "rows", "sys"),
)
"""Names that every file has, also as the parameter of `predict`."""

LONGEST_NAME = 40
"""Characters of a variable that are made of a text, at most."""


class Sources:
    """Functions, constants and imports of a file, each once, in the order of their use.

    Attributes:
        imports: the lines that import modules, or names from modules of the standard library.
        texts: the definitions.
    """

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.texts: list[str] = []
        self._names: dict[int, str] = {}
        self._taken: set[str] = {*FIXED_NAMES, *dir(builtins)}
        self._kept: list[Any] = []

    def add(self, function: Callable[..., Any]) -> str:
        """Add a function, and what it uses; return its name in the file.

        A function uses modules, constants, and other functions of its module or imported into it.
        Those of the standard library are imported, all others are copied.

        Raises:
            TypeError: it uses something else, e.g. an object that no literal describes.
        """
        return self._named(function.__name__, function)

    def reserve(self, name: str) -> str:
        """Return a name that nothing else in the file has, like the given one."""
        word = re.sub(r"\W", "_", name, flags=re.ASCII)[:LONGEST_NAME]
        if not word.isidentifier() or iskeyword(word):
            word = f"_{word}"
        candidate, number = word, 2
        while candidate in self._taken:
            candidate, number = f"{word}_{number}", number + 1
        self._taken.add(candidate)
        return candidate

    def _named(self, name: str, value: Any) -> str:
        if id(value) in self._names:
            return self._names[id(value)]
        self._kept.append(value)  # so that no other object gets its id
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in (*sys.stdlib_module_names, "numpy"):
                raise TypeError(f"{name} is a module that the file cannot import")
            alias = "" if value.__name__ == name else f" as {name}"
            return self._imported(value, name, f"import {value.__name__}{alias}")
        home = str(getattr(value, "__module__", None)).partition(".")[0]
        if callable(value) and home in (*sys.stdlib_module_names, "numpy"):
            home = value.__module__.removeprefix("_")
            return self._imported(value, name, f"from {home} import {name}")
        unique = self.reserve(name)
        self._names[id(value)] = unique
        wrapped = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(wrapped):
            self.texts.append(self._definition(wrapped, unique))
        elif isinstance(value, re.Pattern):
            self.imports.add("import re")
            self.texts.append(f"{unique} = re.compile({value.pattern!r}, {int(value.flags)})")
        elif isinstance(value, int | float | str | bytes | tuple | list | dict | frozenset | None):
            self.texts.append(f"{unique} = {pprint.pformat(value, width=96, sort_dicts=False)}")
        else:
            raise TypeError(f"{name} is {value!r:.60}, which a self-contained file cannot hold")
        return unique

    def _imported(self, value: Any, name: str, line: str) -> str:
        self.imports.add(line)
        self._names[id(value)] = name
        self._taken.add(name)
        return name

    def _definition(self, function: Any, unique: str) -> str:
        """Return the text of a function, after the definitions of what it uses."""
        text = inspect.getsource(function)
        try:
            (tree,) = ast.parse(text).body
        except SyntaxError:
            tree = None
        if not isinstance(tree, ast.FunctionDef):
            raise TypeError(
                f"{unique} is not written as a function of its module; define it with def, "
                "outside of classes and functions"
            )
        renamed = {} if unique == function.__name__ else {function.__name__: unique}
        for name in dict.fromkeys(_globals_in(tree)):
            if name in function.__globals__ and name != function.__name__:
                used = self._named(name, function.__globals__[name])
                if used != name:
                    renamed[name] = used
        if not renamed:
            return text.rstrip()
        tree = _Renaming(renamed).visit(tree)
        return ast.unparse(tree)


def _globals_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a function reads, except in annotations."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.AST):
                yield from _globals_in(node)


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names_of = names

    def visit_Name(self, node: ast.Name) -> ast.Name:  # as ast calls it
        return ast.Name(self._names_of.get(node.id, node.id), node.ctx)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names_of.get(node.name, node.name)
        return self.generic_visit(node)
