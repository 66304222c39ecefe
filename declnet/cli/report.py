"""`declnet report`: a page of runs."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.options import no_plugin_option, registry_without
from declnet.cli.showing import show_note


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page's file.  [default: report.html, of one run in its folder]",
)
@no_plugin_option
def report(runs: tuple[Path, ...], output: Path | None, disabled: tuple[str, ...]) -> None:
    """Make an HTML page of RUNS, folders that `declnet run` wrote.

    The page holds all that it shows, so it works offline and can be sent as one file. It needs the
    extra `report`: pip install 'declnet[report]'.
    """
    from contextlib import suppress

    from declnet.errors import RunError, SpecError
    from declnet.report.page.rendering import report_page
    from declnet.runs.origins import spec_of_run
    from declnet.runs.reading import read_run
    from declnet.runs.writing import write_atomically

    stored = [read_run(run) for run in runs]
    path = output or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html"))
    registry = registry_without(disabled)
    for each in stored:
        with suppress(SpecError):  # the page says what is not installed any more
            spec_of_run(each.directory, each.manifest, registry, show_note)
    page = report_page(stored, registry)
    try:
        write_atomically(path, page.encode())
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(str(path))
