"""`declnet predict` and `declnet evaluate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from declnet.cli.data_argument import DataArgument
from declnet.cli.display.diagnostics import show_note
from declnet.cli.display.streams import binary_output, print_json, print_line
from declnet.cli.options import (
    TrainedOptions,
    allow_changes_option,
    format_option,
    gathered,
    no_plugin_option,
    run_argument,
    shard_option,
)
from declnet.cli.process import interrupt_on_signals, without_collections
from declnet.display.characters import escaped_line

if TYPE_CHECKING:
    from declnet.contracts.data.data_source import DataSource
    from declnet.runs.inference.file_tasks import UnpredictedRows
    from declnet.runs.inference.prediction_files import Columns
    from declnet.runs.inference.predictor import Predictor
    from declnet.runs.many.shards import Shard


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder."""
    try:
        return path.is_dir()
    except OSError:  # e.g. a name that is too long
        return False


@dataclass(frozen=True)
class PredictOptions(TrainedOptions):
    """The options of `declnet predict`, as in its help."""

    out: str | None = None
    form: str | None = None
    identifiers: tuple[str, ...] = ()
    threshold: float | None = None
    spread: bool = False
    on_error: Literal["fail", "empty"] = "fail"
    jobs: int = 1
    shard: Shard | None = None
    force: bool = False

    @property
    def output(self) -> Path | None:
        """The file or folder to write; None for standard output."""
        return None if self.out is None else Path(self.out)

    @property
    def has_folder(self) -> bool:
        """Whether the output is named as a folder: it is one, or its name ends with a slash."""
        output = self.output
        return output is not None and (is_folder(output) or str(self.out).endswith(("/", os.sep)))

    @property
    def has_file(self) -> bool:
        """Whether the output names a file: it exists, or has the suffix of a format."""
        from declnet.runs.inference.prediction_files import FORMS

        output = self.output
        if output is None or self.has_folder:
            return False
        return output.suffix.lower().removeprefix(".") in FORMS or output.exists()

    def require_consistent(self, form: str) -> None:
        """Raise UsageError for options that do not suit a format, or each other."""
        for option, is_given in (("--spread", self.spread), ("--id", self.identifiers)):
            if is_given and form == "npy":
                raise click.UsageError(f"npy holds the predictions alone: leave out {option}")
        if self.threshold is not None and not isfinite(self.threshold):
            raise click.BadParameter("not a finite number", param_hint="--threshold")

    def require_one_file(self) -> None:
        """Raise UsageError for an option that needs several files."""
        for option, is_given in (("--jobs", self.jobs > 1), ("--shard", self.shard is not None)):
            if is_given:
                raise click.UsageError(f"{option} needs several files and a folder: -o FOLDER/")

    def load_predictor(self, run: Path) -> Predictor:
        """Load the predictor of a run with these options; raise as the function does."""
        from declnet.runs.loading import load_predictor

        predictor = load_predictor(
            run, self.registry, notice=show_note, allow_changes=self.allow_changes
        )
        if self.spread and len(predictor.members) == 1:
            raise click.UsageError("--spread needs several models: a folder of folds or seeds")
        if self.threshold is not None:
            predictor.set_threshold(self.threshold)
        return predictor


@click.command(short_help="Predict the rows of a file with the model of a run.")
@run_argument
@click.argument("data", metavar="[INPUT]...", type=DataArgument.click_type, nargs=-1)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(),
    help="File to write, or a folder for an output of each INPUT.  [default: standard output]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "npy", "parquet"]),
    help="Format of OUTPUT; npy holds only numbers, e.g. probabilities.  [default: from the "
    "suffix of OUTPUT, csv on standard output]",
)
@click.option(
    "--id",
    "identifiers",
    multiple=True,
    metavar="COLUMN",
    help="Copy this column of INPUT to the output, before the predictions; repeatable.",
)
@click.option(
    "--threshold",
    type=float,
    help="Output above which the second of two classes is predicted.  [default: the run's "
    "threshold]",
)
@click.option(
    "--spread",
    is_flag=True,
    help="Add the standard deviation of the predictions over the models, for a folder of folds "
    "or seeds.",
)
@click.option(
    "--on-error",
    type=click.Choice(["fail", "empty"]),
    default="fail",
    help="What a row leads to that cannot be predicted: an error, or empty predictions and the "
    "reason in the column `error`.  [default: fail]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    help="Number of files to predict at the same time, each in a process of its own.  [default: 1]",
)
@shard_option(
    "Predict only one part of the files, e.g. 3/16: by their names in order, every sixteenth from "
    "the third on."
)
@click.option(
    "--force",
    is_flag=True,
    help="Overwrite OUTPUT if it exists; in a folder, what is up to date is still skipped.",
)
@allow_changes_option
@no_plugin_option
@gathered(PredictOptions)
def predict(options: PredictOptions, run: Path, data: tuple[Path | str, ...]) -> int:
    """Predict the samples in INPUT with the model of RUN, the folder of a run or a pack.

    RUN may be a folder of folds or seeds, whose models' predictions are averaged.

    INPUT is a table or an array, in any file format that an installed data source reads; or - for
    CSV from standard input; or a data source as in a spec, e.g. '{ type = …, … }', whose missing
    keys, the type included, are those of the training data. It is prepared like the training data:
    a table needs columns of the same names, and may have more. Memory use does not grow with the
    size of INPUT.

    A model of windows needs no INPUT: it then forecasts what follows the training data.

    Several INPUTs, folders and patterns such as 'in/*.csv' are predicted into a folder, one file
    after another or several at the same time. What is there already is skipped.
    """
    from declnet.cli.predict_files import are_many, predict_files

    interrupt_on_signals()
    if are_many(options, data):
        return predict_files(options, run, data)
    options.require_one_file()
    _predict_one(options, run, data[0] if data else None)
    return 0


def _predict_one(options: PredictOptions, run: Path, data: Path | str | None) -> None:
    """Predict a file, a data source or what follows the training data."""
    import time

    with without_collections():
        from declnet.cli.display.unusual_inputs import UnusualInputs
        from declnet.contracts.attribution import attributing_errors
        from declnet.errors import OutputError
        from declnet.runs.inference.file_parts import predicted_parts
        from declnet.runs.inference.file_tasks import UnpredictedRows
        from declnet.runs.inference.prediction_files import FORMS, columns_of, form_of
        from declnet.runs.storage.writing import require_free, whole_file
        from declnet.training.numerics import one_blas_thread

    output, form = options.output, form_of(options.output, options.form)
    write, unpredicted = FORMS[form], UnpredictedRows()
    options.require_consistent(form)
    if output is not None:
        require_free(output, options.force)
        if isinstance(data, Path) and os.path.realpath(output) == os.path.realpath(data):
            raise OutputError(f"{output}: is the input; name another file with -o")
    with attributing_errors(options.registry):
        predictor = options.load_predictor(run)
        start = time.perf_counter()
        train = predictor.spec.data.train
        source = None
        if data is not None:
            source = DataArgument(data, predictor.registry, "INPUT", train).data
        elif predictor.windows is None:
            raise click.MissingParameter(param_type="argument", param_hint="INPUT")
        identifiers = tuple(dict.fromkeys(options.identifiers))
        spread, on_error = options.spread, options.on_error
        unusual = UnusualInputs(predictor.cell_watches)
        with one_blas_thread(), _input(source) as table:
            predictions = unpredicted.counted(
                predicted_parts(predictor, table, identifiers, spread=spread, on_error=on_error)
            )
            counted = unusual.counted(predictions)
            parts: Iterable[Columns] = (columns_of(part, form) for part in counted)
            if output is None:
                target = binary_output()
                if form == "csv" and target.isatty():
                    parts = map(_escaped, parts)
                rows = write(parts, target)
            else:
                with whole_file(output, options.force) as target:
                    rows = write(parts, target)
    _warn_of_unpredicted(unpredicted, rows)
    unusual.show(rows)
    if output is not None:
        seconds = time.perf_counter() - start
        print_line(f"{output}: {rows} predictions, {seconds:.2f} s")


def _warn_of_unpredicted(unpredicted: UnpredictedRows, rows: int) -> None:
    """Print a warning if some of the rows, or some series, could not be predicted."""
    if unpredicted.warning is not None:
        print_line(f"warning: {unpredicted.warning}", err=True)
    count, first = unpredicted.count, unpredicted.first
    if count:
        named = ", ".join(map(str, first)) + (", …" if count > len(first) else "")
        some = "row" if count == 1 else "rows"
        print_line(
            f"warning: {count:,} of {rows:,} rows could not be predicted ({some} {named})",
            err=True,
        )


def _escaped(columns: Columns) -> Columns:
    """Return columns for a terminal, where a row is one line, whatever its cells contain."""
    import numpy as np

    return {
        escaped_line(name): np.array(
            [None if text is None else escaped_line(text) for text in column], object
        )
        if column.dtype.kind == "O"
        else column
        for name, column in columns.items()
    }


@contextmanager
def _input(data: Path | DataSource | None) -> Iterator[Path | DataSource | None]:
    """Return the data, or for `-` a copy of standard input, since sources read files repeatedly."""
    import shutil
    from tempfile import TemporaryDirectory

    from declnet.errors import DataError

    if data != Path("-"):
        yield data
        return
    name = "standard input"
    if sys.stdin is None:
        raise DataError(f"{name}: is closed")
    with TemporaryDirectory() as folder:
        path = Path(folder, "input.csv")
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        except OSError as error:
            raise DataError(f"{name}: cannot be read: {error.strerror}") from None
        try:
            yield path
        except DataError as error:
            message = error.message.replace(str(path), name)
            hint = error.hint and error.hint.replace(str(path), "FILE")
            raise error.replaced(message=message, hint=hint) from None


@click.command(short_help="Evaluate the model of a run, overall and by class.")
@run_argument
@click.option(
    "--data",
    type=DataArgument.click_type,
    help="Data with targets to evaluate on: a file that an installed data source reads, or a "
    "source as in a spec, e.g. '{ type = …, … }'.  [default: the run's own data]",
)
@click.option(
    "--on",
    "data_set",
    type=click.Choice(["test", "validation", "train"]),
    help="Data set of the run to evaluate on.  [default: the first of these that the run has]",
)
@click.option(
    "--analyze",
    "analyses",
    multiple=True,
    metavar="ANALYSIS",
    help='Also analyze the model: a type, or a table such as \'{ type = "groups", by = "city" }\'; '
    "repeatable. `declnet plugins` lists the analyses.",
)
@format_option("one object, for programs.")
@TrainedOptions.pass_to()
def evaluate(
    options: TrainedOptions,
    run: Path,
    data: Path | str | None,
    data_set: str | None,
    analyses: tuple[str, ...],
    form: str,
) -> None:
    """Evaluate the model of RUN, the folder of a run or a pack.

    Print the loss and all metrics of its spec; for classification also precision, recall and F1 for
    each class and the confusion matrix, for regression r2 and errors. Nothing is refitted.

    RUN may be a folder of folds or seeds. With folds, each row of the run's own data is predicted
    by the model that was not trained on it (also with --on validation), and other data by all
    models, averaged.
    """
    with without_collections():
        from declnet.cli.analyses import chosen_analyses, print_analysis
        from declnet.cli.display.result_tables import print_evaluation
        from declnet.contracts.attribution import attributing_errors
        from declnet.errors import DataError
        from declnet.runs.inference.analyzing import ANALYSES_FILE
        from declnet.runs.many.group import is_group, open_group
        from declnet.runs.stored_run import open_run

    if data is not None and data_set is not None:
        raise click.UsageError(
            "--on and --data cannot be combined; --on names the run's own data, --data other data"
        )
    opening = open_group if is_group(run) else open_run
    stored = opening(run, options.registry, notice=show_note, allow_changes=options.allow_changes)
    predictor = stored.predictor()
    chosen = chosen_analyses(analyses, predictor.registry)
    if data is not None:
        with attributing_errors(predictor.registry):
            train = predictor.spec.data.train
            source = DataArgument(data, predictor.registry, "--data", train).data
        names: Sequence[str | Path | DataSource] = [source]
    elif any(one.spec.data.train is None for one in stored.runs):
        raise DataError("the run's data came from a program", hint="name a file with --data")
    else:
        names = [data_set] if data_set is not None else stored.evaluated_on
    results = stored.analyze(*chosen, data=names[0]) if chosen else ()
    evaluations = [stored.evaluate(name) for name in names]
    if form == "json":
        alone = data is not None or data_set is not None or len(names) == 1
        tables = [evaluation.as_data() for evaluation in evaluations]
        content = tables[0] if alone else {"evaluations": tables}
        if chosen:
            content["analyses"] = ANALYSES_FILE.plain(tuple(results))
        print_json(content)
        return
    for evaluation in evaluations:
        print_evaluation(evaluation)
    for result in results:
        print_analysis(result)
