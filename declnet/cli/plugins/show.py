"""`declnet plugins show`: all that there is to say of a component."""

from __future__ import annotations

import click


@click.command()
@click.argument("type_name", metavar="TYPE")
@click.option("--kind", help="Show only the component of this kind, e.g. initializer.")
def show(type_name: str, kind: str | None) -> None:
    """Show TYPE: equation, fields, parameters, origin and an example in TOML.

    A type that several kinds have is shown once for each.
    """
    from declnet.errors import UnknownTypeError
    from declnet.registry.discovery import default_registry
    from declnet.registry.spelling import suggestion
    from declnet.report.component_description import describe
    from declnet.report.component_page import print_component

    registry = default_registry()
    kinds = [kind] if kind is not None else registry.kinds()
    found = [each for each in kinds if type_name in registry.types(each)]
    if not found and kind is not None:
        registry.entry(kind, type_name)
    if not found:
        known = {name for each in registry.kinds() for name in registry.types(each)}
        hint = suggestion(type_name, known, "installed types")
        raise UnknownTypeError(f'no component has the type "{type_name}"', hint)
    for number, each in enumerate(found):
        if number:
            click.echo("\n")
        print_component(describe(registry.entry(each, type_name)))
