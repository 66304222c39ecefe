"""`declnet export`: write the model of a run in a format that other programs can run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_note
from declnet.cli.display.streams import print_document, print_line
from declnet.cli.options import PATH, no_plugin_option, registry_without, run_argument
from declnet.cli.process import interrupt_on_signals, without_collections

if TYPE_CHECKING:
    from declnet.contracts.formats.exporter import TranslatedPart
    from declnet.runs.exchange.exporting import ExportResult


@click.command(short_help="Write the model of a run in another format, e.g. ONNX.")
@run_argument
@click.option("-o", "--output", type=PATH, required=True, help="The file to write.")
@click.option(
    "--format",
    "form",
    metavar="TYPE",
    help="Format of OUTPUT; `declnet plugins` lists the exporters.  [default: from the suffix of "
    "OUTPUT]",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the format, e.g. opset=17.",
)
@click.option("--force", is_flag=True, help="Overwrite OUTPUT if it exists.")
@click.option(
    "--allow-difference",
    is_flag=True,
    help="Keep the file even if its predictions differ from declnet's by more than rounding.",
)
@click.option("--best", "takes_best", is_flag=True, help="Export the best run in a folder of runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, for programs.")
@no_plugin_option
def export(
    run: Path,
    output: Path,
    form: str | None,
    options: tuple[str, ...],
    force: bool,
    allow_difference: bool,
    takes_best: bool,
    as_json: bool,
    disabled: tuple[str, ...],
) -> None:
    """Write the model of RUN, the folder of a run, in a format that other programs can run.

    The file contains every step from raw columns to predictions: the preparation of the data, the
    network, its calibration and, for classes, their names. RUN may be a folder of folds or seeds:
    the file then averages the predictions of their models. In a sweep, a study or any folder of
    runs, --best exports the run with the best main metric.

    OUTPUT is first run on rows of the run's own data, if they are still available and the format
    allows it, and its predictions are compared with declnet's.
    """
    import time

    with without_collections():
        from declnet.runs.many.group import is_predictor, open_group
        from declnet.runs.storage.writing import json_document
        from declnet.runs.stored_run import open_run
        from declnet.spec.document.overrides import parse_override

    interrupt_on_signals()
    parsed = (parse_override(each, number) for number, each in enumerate(options, start=1))
    given = {each.key: each.value for each in parsed}
    registry = registry_without(disabled)
    if takes_best or not (is_predictor(run) or (run / "manifest.json").exists()):
        run = _best_in(run, taken=takes_best)
    opening = open_group if is_predictor(run) else open_run
    start = time.perf_counter()
    found = opening(run, registry, notice=show_note).export(
        output, form, given, force=force, allow_difference=allow_difference
    )
    if as_json:
        print_document(json_document(found.as_data()).decode())
    else:
        _print(found, time.perf_counter() - start)


def _best_in(folder: Path, *, taken: bool) -> Path:
    """Return the best run in a folder if `--best` is given; otherwise raise an error that names it.

    Raises:
        OutputError: `--best` is not given, or there is no best run.
    """
    from declnet.errors import OutputError
    from declnet.runs.ranking import best_run

    found = best_run(folder) if folder.is_dir() else None
    if found is None:
        if taken:
            raise OutputError(f"{folder}: no finished run with a metric of known direction")
        return folder  # opening it says what it is
    path, metric = found
    if not taken:
        raise OutputError(f"{folder}: a folder of several runs; --best takes {path}, by {metric}")
    print_line(f"the best run by {metric}: {path}", err=True)
    return path


def _print(found: ExportResult, seconds: float) -> None:
    from declnet.cli.display.terminal import print_table
    from declnet.display.tables import ResultTable

    rows = tuple((name, part.type, _translation(part)) for name, part in _rows(found.parts))
    print_table(ResultTable("", ("part", "component", "translation"), rows))
    for note in found.notes:
        print_line(f"note: {note}")
    if found.difference is not None:
        labels = f", another class in {found.labels_differ} rows" if found.labels_differ else ""
        odd = f" and {found.odd_samples} with odd cells" if found.odd_samples else ""
        print_line(
            f"compared with declnet on {found.samples} rows{odd}: largest difference "
            f"{found.difference:.2g}, relative to the largest number{labels}"
        )
    others = f" and {', '.join(file.name for file in found.files[1:])}" if found.files[1:] else ""
    print_line(f"{found.path}{others}: {found.format}, {found.size:,} bytes, {seconds:.2f} s")


def _translation(part: TranslatedPart) -> str:
    return f"{part.translation} ({part.origin})" if part.translation else "none needed"


MOST_NAMED = 3
"""Columns of one transform that are named."""


def _rows(parts: Sequence[TranslatedPart]) -> Iterator[tuple[str, TranslatedPart]]:
    """Yield a row for each part, but one for all columns of a transform."""
    columns: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        if part.kind == "transform":
            columns.setdefault((part.type, part.translation), []).append(part.name)
    for part in parts:
        key = part.type, part.translation
        if part.kind != "transform":
            yield part.name, part
        elif key in columns:
            names = columns.pop(key)
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            yield ", ".join(names[:MOST_NAMED]) + more, part
