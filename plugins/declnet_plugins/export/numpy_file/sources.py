"""The source text of functions and components with all that they use, for a self-contained file."""

from __future__ import annotations

import ast
import builtins
import inspect
import pprint
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from keyword import iskeyword
from textwrap import dedent
from types import ModuleType
from typing import Any

from declnet import Component
from declnet_plugins.exchange import unique_name
from declnet_plugins.export.numpy_file import running

FIXED_NAMES = (
    *("Array", "CLASSES", "COLUMNS", "METADATA", "MISSING", "OUTPUTS", "W"),
    *("np", "predict", "refused", "rows", "sys"),
)
"""Names that every file has, also as the parameter of `predict`."""

LONGEST_NAME = 40
"""Maximum length of a variable name derived from a text."""

IMPORTABLE = (*sys.stdlib_module_names, "numpy")
"""Packages that a file imports; code from any other package is copied into the file."""


class Sources:
    """Functions, classes, constants and imports of a file, each once, in the order of their use.

    Of a component's class and its bases, a file has the methods whose names occur in the code that
    it has already, and the fields that these read.

    Attributes:
        imports: the lines that import modules, or names from modules of the standard library.
        texts: the definitions of functions and constants.
    """

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.texts: list[str] = []
        self._names: dict[int, str] = {}
        self._reserved: set[str] = {*FIXED_NAMES, *dir(builtins)}
        self._referenced: list[Any] = []
        self._classes: dict[type, str] = {}
        self._instances: dict[str, Component] = {}
        self._attributes: set[str] = set()

    def add(self, function: Callable[..., Any]) -> str:
        """Add a function, and what it uses; return its name in the file.

        A function uses modules, constants, and other functions of its module or imported into it.
        Those of the standard library are imported, all others are copied.

        Raises:
            TypeError: it uses something else, e.g. an object that no literal describes.
        """
        return self._named(function.__name__, function)

    def add_component(self, name: str, component: Component, method: str) -> str:
        """Add a component with one of its methods and what that uses; return its name.

        Raises:
            TypeError: the method uses something that no file can hold.
        """
        self.add_class(type(component), method)
        instance = self.reserve(name)
        self._instances[instance] = component
        return instance

    def add_class(self, cls: type[Component], method: str) -> None:
        """Add a component's class with one of its methods and what that uses."""
        code = inspect.getsource(getattr(cls, method))
        if _is_abstract(ast.parse(dedent(code)).body[0]):
            raise TypeError(f"{cls.__name__} does not implement {method}")
        self._attributes.add(method)
        self._named(cls.__name__, cls)

    def definitions(self) -> list[str]:
        """Return all definitions: functions and constants, then classes, then components.

        Raises:
            TypeError: a class uses something that no file can hold.
        """
        size, classes, instances = -1, [""], [""]
        while size < len(self._attributes) + len(self._classes):  # a method may use further ones
            size = len(self._attributes) + len(self._classes)
            classes = [self._class_text(cls, name) for cls, name in [*self._classes.items()]]
            pairs = self._instances.items()
            instances = [f"{name} = {self._instance_text(component)}" for name, component in pairs]
        return [*self.texts, *classes, *(["\n".join(instances)] if instances else [])]

    def reserve(self, name: str) -> str:
        """Return a name that nothing else in the file has, like the given one."""
        word = re.sub(r"\W", "_", name, flags=re.ASCII)[:LONGEST_NAME]
        if not word.isidentifier() or iskeyword(word):
            word = f"_{word}"
        return unique_name(word, self._reserved)

    def _named(self, name: str, value: Any) -> str:
        if id(value) in self._names:
            return self._names[id(value)]
        self._referenced.append(value)  # so that no other object gets its id
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in IMPORTABLE:
                raise TypeError(f"{name} is a module that the file cannot import")
            alias = "" if value.__name__ == name else f" as {name}"
            return self._imported(value, name, f"import {value.__name__}{alias}")
        home = str(getattr(value, "__module__", None)).partition(".")[0]
        if callable(value) and home == "builtins":
            return name
        if callable(value) and home in IMPORTABLE:
            home = value.__module__.removeprefix("_")
            return self._imported(value, name, f"from {home} import {name}")
        if value is Component:
            return self._named("Configured", running.Configured)
        unique = self.reserve(name)
        self._names[id(value)] = unique
        wrapped = inspect.unwrap(value) if callable(value) else value
        if inspect.isclass(value):
            for base in value.__bases__:
                self._named(base.__name__, base)
            self._classes[value] = unique
        elif inspect.isfunction(wrapped):
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
        self._reserved.add(name)
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
        renamed |= self._renamed(tree, function.__globals__, function.__name__)
        tree.name = unique
        return ast.unparse(_Renaming(renamed).visit(tree)) if renamed else text.rstrip()

    def _renamed(self, tree: ast.AST, known: Mapping[str, Any], name: str = "") -> dict[str, str]:
        """Define what code uses of its module; return the names that differ in the file."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                self._attributes.add(node.attr)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                module = node.names[0].name if isinstance(node, ast.Import) else str(node.module)
                if module.partition(".")[0] not in IMPORTABLE:
                    raise TypeError(f"it imports {module}, which a self-contained file cannot hold")
        used = (other for other in dict.fromkeys(_globals_in(tree)) if other in known)
        names = {other: self._named(other, known[other]) for other in used if other != name}
        return {other: in_file for other, in_file in names.items() if in_file != other}

    def _class_text(self, cls: type, unique: str) -> str:
        """Return the text of a class, after the definitions of what it uses."""
        tree: Any = ast.parse(_source_of(cls)).body[0]
        known, is_component = vars(sys.modules[cls.__module__]), issubclass(cls, Component)
        tree.body = [node for node in tree.body if self._is_used(node, is_component)]
        if is_component:
            tree.decorator_list = []
            tree.body = [_with_default(node, cls) for node in tree.body]
        tree.name, tree.keywords, tree.bases = unique, [], []
        tree.body = tree.body or [ast.Pass()]
        tree = _Renaming(self._renamed(tree, known)).visit(tree)
        bases = (self._named(base.__name__, base) for base in cls.__bases__ if base is not object)
        tree.bases = [ast.Name(base, ast.Load()) for base in bases]
        return ast.unparse(tree)

    def _is_used(self, node: ast.AST, is_component: bool) -> bool:
        """Return whether a file needs a statement of a class."""
        if isinstance(node, ast.FunctionDef):
            is_special = node.name.startswith("__") and not is_component
            return is_special or (node.name in self._attributes and not _is_abstract(node))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            return not is_component or _target_of(node) in self._attributes
        return False

    def _instance_text(self, component: Component) -> str:
        """Return the call that makes a component, with the fields that its methods read."""
        fields = {name: getattr(component, name) for name in type(component).model_fields}
        fields |= component.__pydantic_private__ or {}
        texts = []
        for name, value in fields.items():
            if name not in self._attributes:
                continue
            if isinstance(value, Component):
                self._named(type(value).__name__, type(value))
                texts.append(f"{name}={self._instance_text(value)}")
            elif is_literal(value):
                texts.append(f"{name}={value!r}")
        return f"{self._classes[type(component)]}({', '.join(texts)})"


def _is_abstract(function: Any) -> bool:
    return bool(ast.unparse(function.body[-1]) == "raise NotImplementedError")


@lru_cache(maxsize=256)
def _source_of(cls: type) -> str:
    return dedent(inspect.getsource(cls))


@lru_cache(maxsize=256)
def fault_of(cls: type[Component], method: str) -> str:
    """Return why a file cannot hold a method of a component's class; empty if it can."""
    sources = Sources()
    try:
        sources.add_class(cls, method)
        sources.definitions()
    except (OSError, TypeError) as error:
        return str(error)
    return ""


def is_literal(value: Any) -> bool:
    """Return whether the text of a value stands for it in a program."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (SyntaxError, ValueError):
        return False


def _with_default(node: ast.stmt, cls: Any) -> ast.stmt:
    """Return a statement of a component's class, whose fields get their plain defaults."""
    if isinstance(node, ast.FunctionDef):
        return node
    name = _target_of(node)
    field = cls.model_fields.get(name)
    value = getattr(cls, name, None) if field is None else field.default
    return ast.parse(f"{name} = {value!r}" if is_literal(value) else "pass").body[0]


def _target_of(node: Any) -> str:
    """Return the name that an assignment is for; empty if it is none."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return str(getattr(target, "id", ""))


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
