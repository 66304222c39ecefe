"""Instances of a component class for the kit to check."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from pydantic import ValidationError

from declnet import Component, Registry, default_registry, error_message, is_interruption
from declnet.testing.checking import CheckFailed, calling


def build_examples(cls: type[Any], registry: Registry | None = None) -> tuple[Any, ...]:
    """Return instances of a class: from its examples, else from its defaults, else none.

    Args:
        cls: the component class.
        registry: where components that an example names are looked up; default: all installed.

    Raises:
        CheckFailed: an example is not valid.
        CheckSkipped: what an example needs is not installed.
    """
    registry = registry or registry_with([cls])
    tables = example_tables(cls)
    if tables:
        return tuple(build_example(cls, table, i, registry) for i, table in enumerate(tables))
    try:
        with calling("building it without keys"):
            return (cls.model_validate({}, context={"registry": registry}),)
    except CheckFailed as failure:
        if isinstance(failure.__cause__, ValidationError):
            return ()
        raise


def example_tables(cls: type[Any]) -> tuple[dict[str, Any], ...]:
    """Return the examples of a class, the last one with the files that it has written.

    Raises CheckSkipped if what it needs to write them is not installed.
    """
    with calling("example", skips=ImportError):
        table = cls.example(Path(mkdtemp(dir=_folder()))) if writes_files(cls) else None
    return cls.examples if table is None else (*cls.examples, table)


def writes_files(cls: type[Any]) -> bool:
    """Return whether a class has an example whose files it writes."""
    bases = cls.__mro__[: cls.__mro__.index(Component)]
    return any("example" in vars(base) for base in bases)


@cache
def _folder() -> str:
    """Return a folder for the files of examples, which is deleted with the process."""
    folder = mkdtemp()
    atexit.register(rmtree, folder, ignore_errors=True)
    return folder


def build_example(
    cls: type[Any], table: dict[str, Any], position: int, registry: Registry
) -> Component:
    """Return the instance for one of a class's examples; raise CheckFailed if it is not valid."""
    try:
        component: Component = cls.model_validate(dict(table), context={"registry": registry})
    except BaseException as error:
        if is_interruption(error):
            raise
        raise CheckFailed(
            f"examples[{position}] = {table!r} does not build it: {error_message(error)}"
        ) from error
    return component


def registry_with(classes: list[type[Any]]) -> Registry:
    """Return the installed components, with the given classes in place of any of the same types."""
    registry = Registry()
    by_type = {(cls.kind, cls.type): cls for cls in classes}
    for cls in by_type.values():
        registry.register(cls)
    for entry in default_registry().entries():
        if (entry.kind, entry.type) not in by_type:
            registry.add(entry)
    return registry
