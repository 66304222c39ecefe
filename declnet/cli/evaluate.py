"""`declnet evaluate`: how good a trained model is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from declnet.cli.diagnostics import show_note
from declnet.cli.options import no_plugin_option, registry_without


@click.command(short_help="Measure how good the model of a run is, by class too.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "file",
    type=click.Path(path_type=Path),
    help="A file to evaluate on, with targets, of any kind that an installed data source reads.  "
    "[default: the run's own data]",
)
@click.option(
    "--on",
    "data_set",
    type=click.Choice(["test", "validation", "train"]),
    help="Which of the run's own data sets.  [default: the first of these that it has]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: one object, for programs.",
)
@no_plugin_option
def evaluate(
    run: Path, file: Path | None, data_set: str | None, form: str, disabled: tuple[str, ...]
) -> None:
    """Evaluate the model of RUN, a folder that `declnet run` wrote.

    Prints the loss and all metrics of its spec; of classes also precision, recall and F1 of each
    and the confusion matrix, of values r2 and errors. Nothing is fitted anew.
    """
    from declnet.components.attribution import attributing_errors
    from declnet.errors import DataError
    from declnet.report.evaluation_tables import print_evaluation
    from declnet.runs.evaluation import evaluate_parts
    from declnet.runs.stored_run import open_run
    from declnet.runs.using.evaluation_data import file_data

    if file is not None and data_set is not None:
        raise click.UsageError("--on names the run's own data, --data another file: give one")
    registry = registry_without(disabled)
    stored = open_run(run, registry, notice=show_note)
    predictor = stored.predictor()
    if file is not None:
        with attributing_errors(predictor.registry):
            parts = file_data(predictor, file, predictor.registry)
            found = evaluate_parts(predictor, parts, str(file))
    elif predictor.spec.data.train is None:
        raise DataError("a program handed the run's data over", hint="name a file with --data")
    else:
        data = stored.data(data_set)
        if not data.unchanged:
            click.echo(
                f"warning: the {data.name} data is not what the run saw (another hash)", err=True
            )
        found = stored.evaluate(data.name)
    if form == "json":
        click.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
    else:
        print_evaluation(found)
