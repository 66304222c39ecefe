"""`declnet schema`: print the JSON Schema of specs, for editors."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Print the JSON Schema of specs, for editors.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file.  [default: standard output]",
)
@click.option(
    "--no-plugin",
    "disabled",
    multiple=True,
    metavar="NAME",
    help="Disable a plugin: the name of its entry point or distribution.",
)
def schema(output: Path | None, disabled: tuple[str, ...]) -> None:
    """Print the JSON Schema of specs, with every installed component.

    Editors use it to complete keys and names, show their descriptions, and mark errors.
    """
    import json

    from declnet import (
        OutputError,
        default_registry,
        discover,
        print_document,
        print_line,
        write_atomically,
    )
    from declnet_plugins.editors.schema import json_schema

    registry = discover(disabled) if disabled else default_registry()
    text = json.dumps(json_schema(registry), indent=1, ensure_ascii=False) + "\n"
    for fault in registry.failures:
        print_line(f"warning: left out: {fault}", err=True)
    if output is None:
        print_document(text)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror}") from None
