"""`declnet schema`: the JSON Schema of specs, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.options import no_plugin_option, registry_without


@click.command(short_help="Print the JSON Schema of specs, for editors.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it to a file; default: standard output.",
)
@no_plugin_option
def schema(output: Path | None, disabled: tuple[str, ...]) -> None:
    """Print the JSON Schema of specs, with every installed component.

    An editor that is told of it completes keys and names, explains them, and marks faults.
    """
    import json

    from declnet.errors import OutputError
    from declnet.runs.writing import write_atomically
    from declnet.spec.schema import json_schema

    registry = registry_without(disabled)
    text = json.dumps(json_schema(registry), indent=1, ensure_ascii=False) + "\n"
    for fault in registry.failures:
        click.echo(f"warning: left out: {fault}", err=True)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror}") from None
