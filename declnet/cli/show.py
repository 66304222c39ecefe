"""`declnet show` and `declnet diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from declnet.cli.options import no_plugin_option, registry_without, set_option, spec_argument
from declnet.cli.reading import read


@click.command(short_help="Print a spec in full, and where each value came from.")
@spec_argument
@set_option
@no_plugin_option
def show(spec: Path, overrides: tuple[str, ...], disabled: tuple[str, ...]) -> None:
    """Print SPEC as TOML, with its bases, overrides and defaults resolved.

    A comment after each value shows its origin: a file and line, --set, or default.
    """
    from declnet.cli.annotated_spec import annotated
    from declnet.errors import SpecError

    parsed = read(spec, overrides, registry_without(disabled))
    if parsed.spec is None:
        raise SpecError(parsed.source_map.locate(parsed.diagnostics))
    click.echo(annotated(parsed.spec), nl=False)


one = click.argument("first", metavar="A", type=click.Path(path_type=Path))
other = click.argument("second", metavar="B", type=click.Path(path_type=Path))


@click.command(short_help="Show in which keys two specs or runs differ.")
@one
@other
def diff(first: Path, second: Path) -> None:
    """Print the keys in which A and B differ, with all defaults filled in.

    A and B are spec files or folders of runs.
    """
    from declnet.cli.terminal import print_table
    from declnet.spec.flatten import spec_differences

    differences = spec_differences([_resolved(path) for path in (first, second)])
    if not differences:
        click.echo("no differences")
        return
    rows = [[key, *(text or "-" for text in texts)] for key, texts in differences.items()]
    print_table(["", str(first), str(second)], rows)


def _resolved(path: Path) -> dict[str, Any]:
    from declnet.runs.stored_run import open_run
    from declnet.spec.model import resolved_document
    from declnet.spec.validate import load_spec

    return open_run(path).spec_tables if path.is_dir() else resolved_document(load_spec(path))
