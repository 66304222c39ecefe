"""`declnet export`: write the model of a run in a format that other programs can run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet import TrainedOptions

if TYPE_CHECKING:
    from declnet_plugins.exchange.exporter import TranslatedPart
    from declnet_plugins.exchange.exporting import ExportResult

PATH = click.Path(path_type=Path)


@click.command(short_help="Write the model of a run in another format, e.g. ONNX.")
@click.argument("run", type=PATH)
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
    "overrides",
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
@click.option("--best", "use_best", is_flag=True, help="Export the best run in a folder of runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, for programs.")
@TrainedOptions.pass_to()
def export(
    trained: TrainedOptions,
    run: Path,
    output: Path,
    form: str | None,
    overrides: tuple[str, ...],
    force: bool,
    allow_difference: bool,
    use_best: bool,
    as_json: bool,
) -> None:
    """Write the model of RUN, the folder of a run or a pack, in a format for other programs.

    The file contains every step from raw columns to predictions: the preparation of the data, the
    network, its calibration and, for classes, their names. RUN may be a folder of folds, seeds,
    members or a study that selects weights: the file then averages the predictions of their models.
    In a sweep, a study or any folder of runs, --best exports the run with the best main metric.

    OUTPUT is first run on rows of the run's own data, if they are still available and the format
    allows it, and its predictions are compared with declnet's.
    """
    import time

    from declnet import (
        is_predictor,
        open_group,
        open_run,
        parse_override,
        print_json,
        print_line,
        unpacked,
    )
    from declnet_plugins.exchange.exporting import export as export_run

    parsed = [parse_override(text, number) for number, text in enumerate(overrides, start=1)]
    options = {override.key: override.value for override in parsed}
    registry = trained.registry
    if use_best or not (is_predictor(run) or (unpacked(run) / "manifest.json").exists()):
        run = _best_in(run, use_it=use_best)
    opening = open_group if is_predictor(run) else open_run
    start = time.perf_counter()
    result = export_run(
        opening(
            run,
            registry,
            notice=lambda note: print_line(f"note: {note}", err=True),
            allow_changes=trained.allow_changes,
        ),
        output,
        form,
        options,
        force=force,
        allow_difference=allow_difference,
    )
    if as_json:
        print_json(result.as_data())
    else:
        _print(result, time.perf_counter() - start)


def _best_in(folder: Path, *, use_it: bool) -> Path:
    """Return the best run in a folder; without `--best`, raise an error that names it.

    Raises:
        OutputError: the folder has a best run but `--best` is missing, or the reverse.
    """
    from declnet import OutputError, best_run, print_line

    best = best_run(folder) if folder.is_dir() else None
    if best is None:
        if use_it:
            raise OutputError(f"{folder}: no finished run with a metric of known direction")
        return folder  # opening it says what it is
    path, metric = best
    if not use_it:
        raise OutputError(f"{folder}: a folder of several runs; --best takes {path}, by {metric}")
    print_line(f"the best run by {metric}: {path}", err=True)
    return path


def _print(result: ExportResult, seconds: float) -> None:
    from declnet import ResultTable, print_line, print_table

    columns = ("part", "component", "translation")
    print_table(ResultTable("", columns, tuple(_rows(result.parts))))
    for note in result.notes:
        print_line(f"note: {note}")
    if result.difference is not None:
        labels = f", another class in {result.labels_differ} rows" if result.labels_differ else ""
        odd = f" and {result.odd_samples} with odd cells" if result.odd_samples else ""
        print_line(
            f"compared with declnet on {result.samples} rows{odd}: largest difference "
            f"{result.difference:.2g}, relative to the largest number{labels}"
        )
    _, *others = result.files
    more = f" and {', '.join(file.name for file in others)}" if others else ""
    print_line(f"{result.path}{more}: {result.format}, {result.size:,} bytes, {seconds:.2f} s")


def _rows(parts: Iterable[TranslatedPart]) -> Iterator[tuple[str, str, str]]:
    """Yield a row for all parts of a kind and type that the same translation wrote."""
    groups = defaultdict[tuple[str, str, str], list[str]](list)
    for part in parts:
        translation = part.translation or "none needed"
        if part.origin:
            translation += f" ({part.origin})"
        groups[part.kind, part.type, translation].append(part.name)
    for (kind, component, translation), names in groups.items():
        several = "columns" if kind == "transform" else f"{kind}s"
        name = names[0] if len(names) == 1 else f"{len(names)} {several}"
        yield name, component, translation
