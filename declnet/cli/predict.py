"""`declnet predict`: the answers of a trained model for a file."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from declnet.cli.diagnostics import show_note
from declnet.cli.options import no_plugin_option, registry_without
from declnet.cli.run import interrupt


@click.command(short_help="Predict the rows of a file with the model of a run.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write.  [default: standard output]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "npy", "parquet"]),
    help="Of the output; npy holds the numbers alone, e.g. probabilities.  [default: by the end of "
    "OUTPUT's name, csv on standard output]",
)
@click.option("--force", is_flag=True, help="Overwrite OUTPUT if it exists.")
@no_plugin_option
def predict(
    run: Path,
    file: Path,
    output: Path | None,
    form: str | None,
    force: bool,
    disabled: tuple[str, ...],
) -> None:
    """Predict the samples of INPUT with the model of RUN, a folder that `declnet run` wrote.

    INPUT is a table or an array, in a file of any kind that an installed data source reads. It is
    prepared as the training data was: a table needs the same columns, by name, and may have more.
    Memory does not grow with it.
    """
    import time

    from declnet.components.attribution import attributing_errors
    from declnet.runs.loading import load_predictor
    from declnet.runs.using.output_file import FORMS, form_of, require_free, whole_file
    from declnet.runs.using.predicted_parts import predicted_parts

    signal.signal(signal.SIGTERM, interrupt)
    write = FORMS[form_of(output, form)]
    if output is not None:
        require_free(output, force)
    registry = registry_without(disabled)
    with attributing_errors(registry):
        predictor = load_predictor(run, registry, notice=show_note)
        parts = predicted_parts(predictor, file, predictor.registry)
        if output is None:
            write(parts, sys.stdout.buffer)
            return
        start = time.perf_counter()
        with whole_file(output, force) as target:
            rows = write(parts, target)
    seconds = time.perf_counter() - start
    click.echo(f"{output}: {rows} predictions, {seconds:.2f} s")
