"""`declnet plugins` and its subcommands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from declnet import print_line


@click.group(invoke_without_command=True)
@click.pass_context
def plugins(context: click.Context) -> None:
    """Show, check and create plugins; by default, list installed ones."""
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


@plugins.command("list")
def list_plugins() -> None:
    """List all installed components by kind, and broken or disabled plugins."""
    from declnet import default_registry
    from declnet.inspection.plugins.descriptions import print_plugins

    print_plugins(default_registry())


@plugins.command()
@click.argument("type_name", metavar="TYPE")
@click.option("--kind", help="Show only the component of this kind, e.g. initializer.")
def show(type_name: str, kind: str | None) -> None:
    """Show TYPE: equation, fields, parameters, origin and an example in TOML.

    A type that exists in several kinds or distributions is shown once for each.
    """
    from declnet import UnknownTypeError, default_registry, suggestion
    from declnet.inspection.plugins.descriptions import describe, print_component

    registry = default_registry()
    kinds = [kind] if kind is not None else registry.kinds()
    entries = [entry for name in kinds for entry in registry.offers(name, type_name)]
    if not entries:
        for name in kinds:
            if kind is not None or registry.offering(name, type_name):
                registry.entry(name, type_name)  # raises, with a broken plugin's cause
        types = {type_ for name in kinds for type_ in registry.types(name)}
        hint = suggestion(type_name, types, "installed types")
        raise UnknownTypeError(f'no component has the type "{type_name}"', hint)
    for number, entry in enumerate(entries):
        if number:
            print_line()
            print_line()
        print_component(describe(entry.component, str(entry.plugin)))
    shown = {(entry.kind, entry.type) for entry in entries}
    for conflict in registry.conflicts():
        if (conflict.kind, conflict.type) in shown:
            print_line()
            print_line(f"warning: {conflict}; {conflict.consequence}")


@plugins.command()
@click.argument("package")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="Seconds that each check may take.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="Gigabytes that the checks may use, on Linux.",
)
def check(package: str, timeout: float, memory: float) -> int:
    """Check PACKAGE, a plugin, distribution or package name; exit with 1 on a failure."""
    from declnet.testing import check_package_in_subprocess

    report = check_package_in_subprocess(package, seconds=timeout, gigabytes=memory)
    for line in report.lines():
        print_line(line)
    return 0 if report.succeeded else 1


KINDS = (
    "layer",
    "loss",
    "regularizer",
    "optimizer",
    "initializer",
    "schedule",
    "metric",
    "data_source",
    "transform",
    "calibrator",
    "callback",
    "analysis",
    "searcher",
    "plan",
    "preset",
    "executor",
    "kernel",
    "engine",
    "command",
)
"""Kinds with a template here; a plugin keeps templates for its kinds in its own package."""


class _Kind(click.Choice):  # type: ignore[type-arg]  # generic since click 8.2
    """A kind of the core, or one of a plugin whose contract has a template."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from declnet.inspection.plugins.scaffold import template_of

        if value not in KINDS and template_of(value) is not None:
            return value
        return super().convert(value, param, ctx)


@plugins.command()
@click.argument("name")
@click.option(
    "--kind",
    type=_Kind(KINDS),
    default="layer",
    show_default=True,
    help="Kind of the component; one of a plugin, e.g. exporter, works too.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="Where to create the package's folder.  [default: the current folder]",
)
def new(name: str, kind: str, into: Path) -> None:
    """Create a package NAME with one component, tests and a README, ready to install."""
    from declnet.inspection.plugins.scaffold import write_package

    folder = write_package(name, kind, into)
    print_line(f"{folder}: written. Next:")
    commands = f"pip install -e '{folder}[test]'", f"pytest {folder}"
    for command in (*commands, f"declnet plugins check {folder.name}"):
        print_line(f"  {command}", wrap=False)
