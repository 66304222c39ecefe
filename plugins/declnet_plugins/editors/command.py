"""`declnet schema`: print the JSON Schema of specs, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from declnet import PluginOptions


@click.command(short_help="Print the JSON Schema of specs, for editors.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file.  [default: standard output]",
)
@PluginOptions.pass_to()
def schema(plugins: PluginOptions, output: Path | None) -> None:
    """Print the JSON Schema of specs, with every installed component.

    Editors use it to complete keys and names, show their descriptions, and mark errors.
    """
    import json

    from declnet import OutputError, print_document, print_line, write_atomically
    from declnet_plugins.editors.schema import json_schema

    text = json.dumps(json_schema(plugins.registry), indent=1, ensure_ascii=False) + "\n"
    for fault in plugins.registry.failures:
        print_line(f"warning: left out: {fault}", err=True)
    if output is None:
        print_document(text)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror}") from None
