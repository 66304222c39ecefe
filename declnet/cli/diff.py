"""`declnet diff`: the keys in which two specs differ, or the rows that two models predict apart."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.data_argument import DataArgument
from declnet.cli.display.diagnostics import show_note
from declnet.cli.display.streams import print_json, print_line
from declnet.cli.options import TrainedOptions, format_option
from declnet.cli.process import without_collections
from declnet.display.words import counted

if TYPE_CHECKING:
    from declnet.display.tables import Kind, ResultTable, Row
    from declnet.runs.inference.differences import (
        OutputDifference,
        PredictionDifferences,
        Unpredicted,
    )

Tolerance = click.FloatRange(min=0)


@click.command(short_help="Show in what two specs or runs differ, or two models' predictions.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--data",
    type=DataArgument.click_type,
    help="Compare the predictions for these rows instead: a file that an installed data source "
    "reads, or a source as in a spec, e.g. '{ type = …, … }'.",
)
@click.option(
    "--rtol",
    type=Tolerance,
    help="How far predicted numbers may differ, as a share of the largest number of their column.  "
    "[default: 1e-4]",
)
@click.option(
    "--atol", type=Tolerance, help="How far they may differ in addition.  [default: 1e-6]"
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help="Number of differing values to list.  [default: 10]",
)
@format_option("one object, for programs.")
@TrainedOptions.pass_to()
def diff(
    options: TrainedOptions,
    first: str,
    second: str,
    data: Path | str | None,
    rtol: float | None,
    atol: float | None,
    limit: int | None,
    form: str,
) -> int:
    """Print the keys in which A and B differ, with all defaults filled in.

    A and B are spec files, folders of runs or packs.

    With --data, print how far their predictions differ. A and B are then runs, packs, files that
    `declnet export` wrote, servers (http://HOST:PORT), or whatever else a plugin opens. A file
    of C or Python is compiled or run. The exit code is 1 if they differ by more than the tolerance,
    or if only one of them predicts a row.
    """
    limits = {"rtol": rtol, "atol": atol, "limit": limit}
    chosen = {name: value for name, value in limits.items() if value is not None}
    for name, value in chosen.items():
        if not isfinite(value):
            raise click.BadParameter("not a finite number", param_hint=f"--{name}")
    if data is not None:
        return _compare_predictions(options, first, second, data, form, chosen)
    if chosen:
        raise click.UsageError(f"--{next(iter(chosen))} needs --data, the rows to predict")
    _compare_specs(Path(first), Path(second), form)
    return 0


def _compare_specs(first: Path, second: Path, form: str) -> None:
    from declnet.cli.display.terminal import print_table
    from declnet.display.tables import ResultTable, kinds_of
    from declnet.spec.flatten import spec_differences

    differences = spec_differences([_resolved(path) for path in (first, second)])
    if form == "json":
        print_json({key: list(texts) for key, texts in differences.items()})
        return
    if not differences:
        print_line("no differences")
        return
    rows = tuple((key, *texts) for key, texts in differences.items())
    columns = ("", str(first), str(second))
    print_table(ResultTable("", columns, rows, kinds=kinds_of(columns, "text")))


def _resolved(path: Path) -> dict[str, Any]:
    from declnet.runs.many.group import is_group, open_group
    from declnet.runs.storage.folder import unpacked
    from declnet.runs.stored_run import open_run
    from declnet.spec.model import resolved_document
    from declnet.spec.validate import load_spec

    if is_group(path):
        return open_group(path).spec_tables
    is_run = unpacked(path).is_dir()
    return open_run(path).spec_tables if is_run else resolved_document(load_spec(path))


def _compare_predictions(
    options: TrainedOptions,
    first: str,
    second: str,
    data: Path | str,
    form: str,
    chosen: dict[str, Any],
) -> int:
    with without_collections():
        from declnet.cli.display.terminal import print_table
        from declnet.contracts.attribution import attributing_errors
        from declnet.runs.inference.differences import compared_predictions
        from declnet.runs.inference.opened_model import open_model
        from declnet.training.numerics import one_blas_thread

    models = [
        open_model(name, options.registry, show_note, allow_changes=options.allow_changes)
        for name in (first, second)
    ]
    like = models[0].like or models[1].like
    with attributing_errors(options.registry), one_blas_thread():
        source = DataArgument(data, models[0].registry, "--data", like).data
        differences = compared_predictions(models[0], models[1], source, **chosen)
    if form == "json":
        print_json({"a": first, "b": second, **differences.as_data()})
    else:
        for table in _tables(differences):
            print_table(table)
        for line in _lines(differences):
            print_line(line)
    return int(not differences.are_equal)


def _tables(differences: PredictionDifferences) -> Iterator[ResultTable]:
    from declnet.display.tables import ResultTable

    if differences.outputs:
        rows = tuple(_row(output) for output in differences.outputs)
        columns = ("output", "differing", "largest difference", "relative", "row", "A", "B")
        kinds: dict[str, Kind] = {"differing": "number", "row": "integer", "A": "text", "B": "text"}
        kinds |= dict.fromkeys(("largest difference", "relative"), "setting")
        yield ResultTable("", columns, rows, kinds=kinds)
    if differences.first_rows:
        firsts = tuple(
            (value.row, value.output, _text(value.first), _text(value.second))
            for value in differences.first_rows
        )
        yield ResultTable("First differences", ("row", "output", "A", "B"), firsts)


def _row(output: OutputDifference) -> Row:
    largest = output.largest
    size = (None, None) if output.is_label else (output.absolute, output.relative)
    if largest is None:
        return (output.output, output.rows, *size, None, None, None)
    texts = _text(largest.first), _text(largest.second)
    return (output.output, output.rows, *size, largest.row, *texts)


def _text(value: float | str | None) -> str | None:
    return f"{value:.8g}" if isinstance(value, float) else value


def _lines(differences: PredictionDifferences) -> Iterator[str]:
    compared = differences.compared
    for output in differences.outputs:
        if output.is_label and output.rows:
            share = f"{output.rows / compared:.2%}"
            yield f"{output.output}: another class in {output.rows:,} rows, {share}"
    for model, columns in zip("AB", differences.missing, strict=True):
        if columns:
            yield f"{model} does not have: {', '.join(columns)}"
    for what, unpredicted in (
        ("B alone could not predict", differences.only_first),
        ("A alone could not predict", differences.only_second),
        ("neither could predict", differences.neither),
    ):
        if unpredicted.count:
            yield f"{what} {_described(unpredicted)}"
    counted_rows = f"{differences.rows:,} row{'s' if differences.rows != 1 else ''}"
    verdict = "equal" if differences.are_equal else "different"
    tolerance = f"{differences.rtol:g} of a column's largest number plus {differences.atol:g}"
    yield f"{verdict}: {compared:,} of {counted_rows} compared, tolerance {tolerance}"


def _described(rows: Unpredicted) -> str:
    more = ", …" if rows.count > len(rows.rows) else ""
    reason = f": {rows.reason}" if rows.reason else ""
    return f"{counted(rows.count, 'row')} ({', '.join(map(str, rows.rows))}{more}){reason}"
