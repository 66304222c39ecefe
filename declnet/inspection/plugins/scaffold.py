"""The files of a new plugin package, from templates."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template

from declnet import OutputError, __version__, default_registry

_PREFIX = "declnet-"

_TEMPLATES = Path(__file__).with_name("templates")

COMMAND = "command"
"""Not a kind of component, but it has a template, too."""

GROUPS = ("declnet", "declnet.commands")
"""The groups of the entry points of components and of commands."""


def write_package(name: str, kind: str, into: Path) -> Path:
    """Write `<into>/declnet-<name>/`: pyproject, package, tests, README.

    Args:
        name: with or without the prefix `declnet-`; the rest is the component's type.
        kind: the component's kind.
        into: the parent folder; created if it does not exist.

    Returns:
        The package's folder.

    Raises:
        OutputError: the name is not a valid Python name, it is taken, or the folder already exists.
    """
    stem = re.sub(r"[-_]+", "_", name.removeprefix(_PREFIX).removeprefix("declnet_")).lower()
    distribution = _PREFIX + stem.replace("_", "-")
    reason = _invalid(stem) or _taken(kind, stem, distribution)
    if reason is not None:
        raise OutputError(f'"{name}" cannot be the name of a new plugin: {reason}')
    names = {
        "distribution": distribution,
        "package": f"declnet_{stem}",
        "type": stem,
        "class_name": "".join(part.capitalize() for part in stem.split("_")),
        "kind": kind,
        "declnet_version": __version__,
        "group": GROUPS[kind == COMMAND],
        "reference": f"declnet_{stem}" + (f".{stem}:{stem}" if kind == COMMAND else ""),
        "show": f"{stem} --help" if kind == COMMAND else f"plugins show {stem}",
    }
    folder = into / distribution
    try:
        folder.mkdir(parents=True)
        for target, template in _files(names["package"], stem, kind).items():
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            text = Template(template.read_text("utf-8")).substitute(names)
            path.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise OutputError(f"{folder}: already exists; nothing was written") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot write: {error.strerror}") from None
    return folder


def _invalid(stem: str) -> str | None:
    """Return why a name cannot name a type, a module and a class, or None if it can."""
    if not stem:
        return "it has nothing after the prefix"
    if invalid := re.search(r"[^a-z0-9_]", stem):
        return f'use letters of the English alphabet, digits and hyphens, not "{invalid[0]}"'
    if not stem[0].isalpha():
        return f'it begins with "{stem[0]}", not with a letter'
    if iskeyword(stem) or iskeyword(stem.capitalize()):
        return f'"{stem if iskeyword(stem) else stem.capitalize()}" is a keyword of Python'
    return None


def _taken(kind: str, stem: str, distribution: str) -> str | None:
    """Return which other distribution has a type or a plugin of this name, or None."""
    registry = default_registry()
    for plugin in registry.offering(kind, stem):
        if not plugin.is_of(distribution):
            words = kind.replace("_", " ")
            return f'{words} type "{stem}" belongs to {plugin.origin}'
    for plugin in registry.plugins:
        if plugin.name == stem and not plugin.is_of(distribution):
            return f"{plugin.origin} has a plugin of this name"
    return None


def template_of(kind: str) -> Path | None:
    """Return the template for a component of a kind, or None if there is none.

    A plugin keeps the template of its kind in `templates/KIND.py.template`, in the package of one
    of its entry points.
    """
    points = (point for group in GROUPS for point in entry_points(group=group))
    for package in dict.fromkeys((__package__, *map(_package, points))):
        with suppress(ImportError, ValueError):
            spec = find_spec(package)
            for folder in (spec and spec.submodule_search_locations) or ():
                template = Path(folder, "templates", f"{kind}.py.template")
                if template.is_file():
                    return template
    return None


def _package(point: EntryPoint) -> str:
    """Return the package of what an entry point names: a module in it, or of its contents."""
    return point.module.rpartition(".")[0] if point.attr else point.module


def _files(package: str, stem: str, kind: str) -> dict[str, Path]:
    """Return the template of each file of the package, by path.

    Raises:
        OutputError: there is no template for components of this kind.
    """
    component = template_of(kind)
    if component is None:
        raise OutputError(f"there is no template for a component of the kind {kind}")
    package_file = "package" if kind == COMMAND else "hook"
    return {
        "pyproject.toml": _TEMPLATES / "pyproject.toml.template",
        "README.md": _TEMPLATES / "README.md.template",
        f"{package}/__init__.py": _TEMPLATES / f"{package_file}.py.template",
        f"{package}/{stem}.py": component,
        f"{package}/py.typed": _TEMPLATES / "py.typed.template",
        f"tests/test_{stem}.py": _TEMPLATES / "tests.py.template",
    }
