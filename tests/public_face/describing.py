"""The public face as text: a section for each part, a line for each item that can change.

Types and defaults are shown as in the source, so the text does not depend on Python's version.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

import declnet
from declnet.cli.main import command
from declnet.cli.plugin_commands import PluginCommand
from declnet.codes.catalogue import catalogue
from declnet.inspection.plugins.descriptions import describe_field

PACKAGES = (
    "declnet",
    "declnet.testing",
    "declnet.sklearn",
    "declnet_plugins.exchange",
    "declnet_plugins.new",
    "declnet_plugins.recording",
    "declnet_plugins.report",
)
"""Packages with a public `__all__`."""

Section = list[str]


def described() -> dict[str, Section]:
    """Return the sections of installed packages."""
    sections: dict[str, Section] = {}
    for package in PACKAGES:
        try:
            module = import_module(package)
        except ImportError:  # requires an extra
            continue
        sections[f"names of {package}"] = [*_names(module)]
    sections["entry points"] = [*_entry_points()]
    sections["commands"] = [*_commands(command, "declnet")]
    sections["exit codes"] = [*_exit_codes()]
    sections["diagnostic codes"] = [f"{code}: {entry.title}" for code, entry in catalogue().items()]
    sections["keys of a spec"] = [*_keys(declnet.RunSpec, "")]
    sections["components"] = [*_components()]
    return sections


def _names(module: Any) -> Iterator[str]:
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if inspect.isclass(value):
            bases = [base.__name__ for base in value.__bases__ if base is not object]
            yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
            yield from (f"  {line}" for line in _members(value))
        elif inspect.isroutine(value):
            yield f"{name}{_signature(value)}"
        else:
            yield name


def _members(cls: type[Any]) -> Iterator[str]:
    """Yield the fields of a class, then the members that it and its private bases define."""
    if issubclass(cls, BaseModel):
        yield from _fields(cls)
    elif is_dataclass(cls):
        for node in _parsed(cls).body:
            if isinstance(node, ast.AnnAssign):
                has_default = " = …" if node.value else ""
                yield f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{has_default}"
    dataclass_fields = {field.name for field in fields(cls)} if is_dataclass(cls) else set()
    field_names = dataclass_fields | set(getattr(cls, "model_fields", ()))
    bases = [base for base in cls.__mro__[1:] if _is_private(base)]
    defined = {name: value for base in (*bases[::-1], cls) for name, value in vars(base).items()}
    for name, value in sorted(defined.items()):
        function = inspect.unwrap(getattr(value, "__func__", value))
        if name in field_names or (name.startswith("_") and name != "__init__"):
            continue
        is_protocol = getattr(cls, "_is_protocol", False)
        if name == "__init__" and (field_names or is_protocol or not inspect.isfunction(function)):
            continue
        if isinstance(value, property) or type(value).__name__ == "cached_property":
            yield f"property {name}"
        elif inspect.isfunction(function):
            if not function.__module__.startswith("pydantic"):  # which adds some of its own
                yield f"{name}{_signature(function)}"
        elif not name.startswith("model_"):
            yield f"{name} = {_default(value)}"


def _is_private(cls: type[Any]) -> bool:
    """Return whether a class is declnet's and not public."""
    return cls.__module__.startswith("declnet") and cls not in _public_classes()


@cache
def _public_classes() -> set[type[Any]]:
    values = [getattr(declnet, name) for name in declnet.__all__]
    return {value for value in values if inspect.isclass(value)}


def _signature(function: Any) -> str:
    """Return the parameters of a function as in the source."""
    written = _parsed(inspect.unwrap(function))
    returned = f" -> {ast.unparse(written.returns)}" if written.returns else ""
    return f"({ast.unparse(written.args)}){returned}"


def _parsed(value: Any) -> Any:
    """Return the definition of a class or function."""
    return _definitions(str(inspect.getsourcefile(value)))[value.__qualname__]


@cache
def _definitions(file: str) -> dict[str, ast.stmt]:
    """Return the classes and functions of a file by qualified name; the last one wins."""
    definitions: dict[str, ast.stmt] = {}

    def add(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                definitions[f"{prefix}{child.name}"] = child
                inside = "." if isinstance(child, ast.ClassDef) else ".<locals>."
                add(child, f"{prefix}{child.name}{inside}")
            elif isinstance(child, ast.stmt):
                add(child, prefix)

    add(ast.parse(Path(file).read_text("utf-8")), "")
    return definitions


def _default(value: Any) -> str:
    simple = (str, int, float, bool, type(None))
    is_simple = isinstance(value, simple) or (
        isinstance(value, tuple) and all(isinstance(item, simple) for item in value)
    )
    return repr(value) if is_simple else "…"


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = describe_field(name, field)
        limits = f", {key.range}" if key.range else ""
        yield f"{key.name}: {key.type}{limits} = {key.default}"


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield the keys of a spec's section, each subsection followed by its keys."""
    for line in _fields(model):
        yield f"{prefix}{line}"
    for name, field in model.model_fields.items():
        for section in _sections(field.annotation):
            yield from _keys(section, f"{prefix}{name}.")


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation, except components."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not issubclass(annotation, declnet.Component):
            yield annotation
        return
    for argument in getattr(annotation, "__args__", ()):
        yield from _sections(argument)


def _entry_points() -> Iterator[str]:
    for point in sorted(distribution("declnet").entry_points):
        yield f"{point.group}: {point.name}"


def _commands(root: click.Command, path: str, parent: click.Context | None = None) -> Iterator[str]:
    context = click.Context(root, info_name=path, parent=parent)
    yield path
    for parameter in root.params:
        names = "/".join([*parameter.opts, *parameter.secondary_opts])
        what = "argument " if isinstance(parameter, click.Argument) else ""
        several = ", repeatable" if parameter.multiple or parameter.nargs != 1 else ""
        yield f"  {what}{names}: {_value(parameter.type)}{several}"
    if isinstance(root, click.Group):
        for name in sorted(root.list_commands(context)):
            command = root.get_command(context, name)
            loaded = command.load() if isinstance(command, PluginCommand) else command
            if loaded is not None and (not isinstance(command, PluginCommand) or command.is_own):
                yield from _commands(loaded, f"{path} {name}", context)


def _value(kind: click.ParamType) -> str:
    if isinstance(kind, click.Choice):
        return " or ".join(map(str, kind.choices))
    return kind.name


def _exit_codes() -> Iterator[str]:
    yield str(command.epilog)
    for name in sorted(declnet.__all__):
        value = getattr(declnet, name)
        if isinstance(value, type) and issubclass(value, declnet.DeclnetError):
            yield f"{name}: {value.exit_code}"


def _components() -> Iterator[str]:
    registry = declnet.default_registry()
    for entry in sorted(registry.offers(), key=lambda entry: (entry.kind, entry.type)):
        if entry.plugin.is_of("declnet"):
            component = entry.component
            renamed: Mapping[str, str] = component.renamed_fields
            removed: Mapping[str, str] = component.removed_fields
            yield f"{entry.kind} {entry.type}"
            yield from (f"  {line}" for line in _fields(component))
            yield from (f"  {earlier}: renamed to {now}" for earlier, now in renamed.items())
            yield from (f"  {earlier}: removed" for earlier in removed)
