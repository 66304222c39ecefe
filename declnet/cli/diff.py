"""`declnet diff`: what differs between two specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

one = click.argument("first", metavar="A", type=click.Path(path_type=Path))
other = click.argument("second", metavar="B", type=click.Path(path_type=Path))


@click.command(short_help="Show in which keys two specs or runs differ.")
@one
@other
def diff(first: Path, second: Path) -> None:
    """Print the keys in which A and B differ, all defaults filled in.

    A and B are spec files, or folders that `declnet run` wrote.
    """
    from declnet.report.terminal import print_table
    from declnet.spec.flatten import spec_differences

    differences = spec_differences([_resolved(path) for path in (first, second)])
    if not differences:
        click.echo("no differences")
        return
    rows = [[key, *(text or "-" for text in texts)] for key, texts in differences.items()]
    print_table(None, ["", str(first), str(second)], rows)


def _resolved(path: Path) -> dict[str, Any]:
    from declnet.runs.stored_run import open_run
    from declnet.spec.model import resolved_document
    from declnet.spec.validate import load_spec

    return open_run(path).spec_tables if path.is_dir() else resolved_document(load_spec(path))
