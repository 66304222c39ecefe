"""`declnet plugins show`: the full description of a component."""

from __future__ import annotations

import click


@click.command()
@click.argument("type_name", metavar="TYPE")
@click.option("--kind", help="Show only the component of this kind, e.g. initializer.")
def show(type_name: str, kind: str | None) -> None:
    """Show TYPE: equation, fields, parameters, origin and an example in TOML.

    A type that exists in several kinds or distributions is shown once for each.
    """
    from declnet.cli.component_pages import describe, print_component
    from declnet.errors import UnknownTypeError
    from declnet.registry.discovery import default_registry
    from declnet.registry.spelling import suggestion

    registry = default_registry()
    kinds = [kind] if kind is not None else registry.kinds()
    entries = [entry for each in kinds for entry in registry.offers(each, type_name)]
    if not entries:
        for each in kinds:
            if kind is not None or registry.offering(each, type_name):
                registry.entry(each, type_name)  # raises, with the cause if the plugin is broken
        known = {name for each in kinds for name in registry.types(each)}
        hint = suggestion(type_name, known, "installed types")
        raise UnknownTypeError(f'no component has the type "{type_name}"', hint)
    for number, entry in enumerate(entries):
        if number:
            click.echo("\n")
        print_component(describe(entry))
    shown = {(entry.kind, entry.type) for entry in entries}
    for conflict in registry.conflicts():
        if (conflict.kind, conflict.type) in shown:
            click.echo(f"\nwarning: {conflict}; {conflict.consequence}")
