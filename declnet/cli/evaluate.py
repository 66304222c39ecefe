"""`declnet evaluate`: how good a trained model is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from declnet.cli.options import no_plugin_option, registry_without
from declnet.cli.showing import show_note


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
    from declnet.report.assessment.assessing import assess
    from declnet.report.assessment.tables import print_assessment
    from declnet.runs.predictor import load_predictor
    from declnet.runs.reading import read_run
    from declnet.runs.using.evaluation_data import file_data, own_data

    if file is not None and data_set is not None:
        raise click.UsageError("--on names the run's own data, --data another file: give one")
    registry = registry_without(disabled)
    with attributing_errors(registry):
        predictor = load_predictor(run, registry, notice=show_note)
        if file is not None:
            found = assess(predictor, file_data(predictor, file, predictor.registry), str(file))
        else:
            own = own_data(predictor, read_run(run), data_set)
            if not own.same:
                click.echo(
                    f"warning: the {own.name} data is not what the run saw (another hash)", err=True
                )
            found = assess(predictor, own.parts(predictor), own.name)
    if form == "json":
        click.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
    else:
        print_assessment(found)
