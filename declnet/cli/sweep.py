"""`declnet sweep`: each spec with each combination of values, and each seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.options import (
    PATH,
    TrainOptions,
    ascending_option,
    gathered,
    jobs_option,
    no_plugin_option,
    on_option,
    seeds_option,
    shard_of_runs_option,
    share_data,
)
from declnet.cli.process import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.cli.groups import Drawing
    from declnet.registry.registry import Registry
    from declnet.runs.many.beginning import SweptSpec
    from declnet.spec.model import RunSpec
    from declnet.spec.varying_keys import Point
    from declnet.training.checks.check import Checked


def checked_specs(
    specs: Sequence[Path],
    overrides: tuple[str, ...],
    registry: Registry,
    seeds: tuple[int, ...] | None = None,
) -> list[tuple[Path, SweptSpec]]:
    """Return all specs with their files, or raise if any is invalid.

    Args:
        specs: files and folders of files.
        overrides: overrides of every spec; each combination of several values, and of those that
            the section `[sweep]` of a spec lists, is a spec of its own.
        registry: where names are looked up.
        seeds: the seeds of each; None for those of its sweep, or its own.

    Raises:
        SpecError: a spec is invalid; contains the errors of all.
        UsageError: a folder has no spec.
    """
    from declnet.cli.reading import checked_points
    from declnet.errors import Diagnostic, SpecError
    from declnet.runs.many.beginning import named_points

    loaded: list[tuple[Path, SweptSpec]] = []
    errors: list[Diagnostic] = []
    for file in _files(specs):
        warnings: dict[Diagnostic, None] = {}
        points: list[tuple[Point, RunSpec, Checked]] = []
        try:
            for point, parsed, checked in checked_points(file, overrides, registry):
                warnings |= dict.fromkeys(checked.warnings)
                if checked.errors or parsed.spec is None:
                    errors += checked.problems
                else:
                    points.append((point, parsed.spec, checked))
        except SpecError as error:
            errors += error.problems
        show_diagnostics(list(warnings))
        loaded += [(file, named_point) for named_point in named_points(points, seeds)]
    if errors:
        raise SpecError(dict.fromkeys(errors))
    return loaded


def _files(specs: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, and the specs in the folders by name."""
    for path in specs:
        files = [path]
        if path.is_dir():
            if (path / "group.json").is_file() or (path / "manifest.json").is_file():
                raise click.UsageError(
                    f"{path}: not the folder of a sweep or of specs, but of a run, or of folds "
                    f"or seeds; evaluate it with `declnet evaluate {path}`"
                )
            files = sorted(
                file
                for file in path.iterdir()
                if file.suffix.lower() in (".toml", ".json") and not file.name.startswith(".")
            )
        if not files:
            raise click.UsageError(f"{path}: no .toml or .json spec in this folder")
        yield from files


def _require_names(specs: Sequence[tuple[Path, SweptSpec]]) -> None:
    """Raise OutputError if two specs have the same name, and so folder, ignoring case."""
    from declnet.errors import OutputError

    files: dict[str, Path] = {}
    for file, swept in specs:
        other = files.setdefault(swept.spec.name.lower(), file)
        if other is not file:
            message = f'{other} and {file} are both called "{swept.spec.name}"'
            raise OutputError(f"{message}; rename one, since their runs would share a folder")


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPECS...", type=PATH)
@seeds_option("Seeds to train each spec with, e.g. 0..5 or 0,3,7.  [default: the seed of the spec]")
@jobs_option
@on_option
@shard_of_runs_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of each spec; with several values, e.g. variables.width=32,64, train "
    "with each, in every combination with values of other keys.",
)
@no_plugin_option
@click.option(
    "--metric",
    metavar="METRIC",
    help="Metric to compare, e.g. loss or train.loss.  [default: the first metric, of the "
    "validation data, else of the test data, else of the training data]",
)
@ascending_option
@click.option(
    "--out",
    type=PATH,
    help="Folder of all runs, new or empty.  [default: runs/<name>-sweep-<number>, or "
    "runs/sweep-<number> for specs with different names]",
)
@click.option(
    "--picture",
    type=PATH,
    metavar="FILE",
    help="Draw the metric and the loss curves, as PNG or SVG; needs the extra plot.",
)
@click.option(
    "--quiet", is_flag=True, help="Print only the table, without progress or a line for each run."
)
@gathered(TrainOptions)
def sweep(
    options: TrainOptions,
    specs: tuple[Path, ...],
    metric: str | None,
    ascending: bool | None,
    picture: Path | None,
) -> int:
    """Train each of SPECS with all of its values and seeds, and compare the results.

    It prints the distribution of a final metric for each spec, best first, and for specs with test
    or validation data the gap to the training data: train - test. SPECS are spec files or folders
    of spec files; subfolders, e.g. with the base of an `extends`, are left out. The section [sweep]
    of a spec lists what varies. Each run is written to <name>/seed-<seed> in the sweep's folder
    (with folds, to fold-<fold> within that), along with a summary.json. `declnet resume` continues
    a sweep; given the folder of a sweep, or of its shards, this command trains nothing and
    summarizes its runs again.
    """
    from declnet.cli.groups import summarize_group, train_new_group
    from declnet.runs.many.beginning import sweep_file
    from declnet.runs.many.group import is_group, is_predictor
    from declnet.runs.many.ranking import check_metric

    interrupt_on_signals()
    draw = _drawing(picture, metric)
    overrides, seeds = options.overrides, options.seeds
    folders = [spec for spec in specs if spec.is_dir()]
    if any(map(is_group, folders)) and not any(map(is_predictor, folders)):
        if len(specs) > 1 or seeds or overrides or options.out or options.shard:
            raise click.UsageError(
                "the folder of a sweep takes no other specs and options: it has its own runs"
            )
        return summarize_group(specs[0], options, metric, ascending=ascending, draw=draw)
    share_data()
    loaded = checked_specs(specs, overrides, options.registry, seeds)
    _require_names(loaded)
    swept = [swept_spec for _, swept_spec in loaded]
    try:
        check_metric(metric, [swept_spec.spec for swept_spec in swept], ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metric") from None
    label = None if len({swept_spec.base for swept_spec in swept}) == 1 else "sweep"
    return train_new_group(*sweep_file(swept, metric, ascending), options, label=label, draw=draw)


def _drawing(picture: Path | None, metric: str | None) -> Drawing | None:
    """Return what draws a sweep by the command `plot`, which must be able to write the picture."""
    if picture is None:
        return None
    root = click.get_current_context().find_root()
    plot: Any = None
    if isinstance(root.command, click.Group):
        plot = root.command.get_command(root, "plot")
    if plot is None:
        raise click.UsageError("--picture needs the command `plot`, which no plugin offers")
    metrics = ["--metric", metric] if metric is not None else []
    options = ["--output", str(picture), *metrics]
    plot.make_context("plot", [".", *options[:2]])
    return lambda folder: plot.main([str(folder), *options], standalone_mode=False)
