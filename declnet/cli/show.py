"""`declnet show`: a spec in full, and where each value came from."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.options import no_plugin_option, registry_without, set_option, spec_argument
from declnet.cli.reading import read


@click.command(short_help="Print a spec in full, and where each value came from.")
@spec_argument
@set_option
@no_plugin_option
def show(spec: Path, overrides: tuple[str, ...], disabled: tuple[str, ...]) -> None:
    """Print SPEC as TOML with all that it extends, all overrides and all defaults.

    A comment behind each value says where it came from: a file and its line, --set, or default.
    """
    from declnet.errors import SpecError
    from declnet.report.annotated_spec import annotated

    parsed = read(spec, overrides, registry_without(disabled))
    if parsed.spec is None:
        raise SpecError(parsed.source_map.locate(parsed.diagnostics))
    click.echo(annotated(parsed.spec), nl=False)
