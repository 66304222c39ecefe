"""`declnet sweep`: each spec with each combination of values, and each seed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.diagnostics import show_diagnostics
from declnet.cli.options import (
    PATH,
    ascending_option,
    jobs_option,
    no_plugin_option,
    registry_without,
    seeds_option,
    several_values,
)
from declnet.cli.reading import valid_spec
from declnet.cli.run import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.runs.sweep import Outcome, Series, Task
    from declnet.spec.model import RunSpec


def right_specs(
    specs: Sequence[Path], overrides: tuple[str, ...], registry: Registry
) -> list[tuple[Path, RunSpec]]:
    """Return all specs with their files, or raise if any is invalid.

    Args:
        specs: files and folders of files.
        overrides: overrides of every spec; each combination of several values is a spec of its own.
        registry: where names are looked up.

    Raises:
        SpecError: a spec is invalid; contains the errors of all.
        UsageError: a folder has no spec, or there are too many combinations.
    """
    from declnet.errors import Diagnostic, SpecError
    from declnet.spec.model import fit_name

    loaded: list[tuple[Path, RunSpec]] = []
    faults: list[Diagnostic] = []
    combinations = _combinations(overrides)
    for file in _files(specs):
        warnings: dict[Diagnostic, None] = {}
        for label, chosen in combinations:
            try:
                spec, checked = valid_spec(file, chosen, registry)
            except SpecError as error:
                faults += error.problems
            else:
                warnings |= dict.fromkeys(checked.warnings)
                name = fit_name(spec.name + label)
                loaded.append((file, spec.model_copy(update={"name": name}) if label else spec))
        show_diagnostics(list(warnings))
    if faults:
        raise SpecError(dict.fromkeys(faults))
    return loaded


MOST_COMBINATIONS = 1000


def _combinations(overrides: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return each combination of the overrides' values, with what it adds to a spec's name.

    Raises:
        UsageError: there are more than `MOST_COMBINATIONS`.
    """
    keys = [text.partition("=")[0].strip() for text in overrides]
    last = [key.rpartition(".")[2] for key in keys]
    short = [end if last.count(end) == 1 else key for end, key in zip(last, keys, strict=True)]
    choices = [several_values(text) for text in overrides]
    number = prod(map(len, choices))
    if number > MOST_COMBINATIONS:
        raise click.UsageError(f"--set gives {number} combinations, more than {MOST_COMBINATIONS}")
    found = []
    for values in product(*choices):
        named = zip(short, values, choices, strict=True)
        label = "".join(f"-{key}={value}" for key, value, each in named if len(each) > 1)
        pairs = zip(keys, values, overrides, choices, strict=True)
        chosen = [f"{key}={value}" if len(each) > 1 else text for key, value, text, each in pairs]
        found.append((label, chosen))
    return found


def _files(specs: Sequence[Path]) -> Iterator[Path]:
    """Yield the given files and the specs in the given folders, by name."""
    for path in specs:
        files = [path]
        if path.is_dir():
            files = sorted(
                each
                for each in path.iterdir()
                if each.suffix.lower() in (".toml", ".json") and not each.name.startswith(".")
            )
        if not files:
            raise click.UsageError(f"{path}: no .toml or .json spec in this folder")
        yield from files


SUMMARY = "summary.json"


def train_all(
    tasks: Sequence[Task],
    *,
    registry: Registry,
    disabled: Sequence[str],
    jobs: int,
    quiet: bool,
) -> list[Series]:
    """Train all tasks; a failure is reported on stderr and does not affect the others."""
    from declnet.cli.progress import sweep_followed
    from declnet.runs.sweep import series_of
    from declnet.runs.sweep_workers import at_once, one_after_another

    found: dict[Path, Outcome] = {}
    with sweep_followed(tasks, quiet=quiet) as followed:
        if jobs > 1:
            outcomes = at_once(tasks, jobs, disabled, followed.progress)
        else:
            outcomes = one_after_another(tasks, registry, followed.progress)
        for outcome in outcomes:
            followed.finished(outcome)
            found[outcome.directory] = outcome
    return series_of(found[task.directory] for task in tasks)


def write_summary(directory: Path, content: object) -> None:
    """Write `summary.json`.

    Raises:
        RunError: it cannot be written.
    """
    from declnet.errors import RunError
    from declnet.runs.writing import write_json

    try:
        write_json(directory / SUMMARY, content)
    except OSError as error:
        raise RunError(f"{directory / SUMMARY}: cannot be written: {error.strerror}") from None


def status_of(all_series: Sequence[Series]) -> int:
    """Return the exit code: 1 if a run failed, else 0."""
    return int(any(len(each.finished) < len(each.outcomes) for each in all_series))


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPECS...", type=PATH)
@seeds_option("The seeds to train each spec with, e.g. 0..5 or 0,3,7.  [default: the spec's own]")
@jobs_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of each spec; several values with commas, e.g. variables.width=32,64, are "
    "tried one after another, in every combination with other keys' values.",
)
@no_plugin_option
@click.option(
    "--metric",
    "wanted",
    metavar="METRIC",
    help="The metric to compare, e.g. loss or train.loss.  [default: the first metric, of the "
    "validation, else the test, else the training data]",
)
@ascending_option
@click.option(
    "--out",
    type=PATH,
    help="The folder of all runs, new or empty.  [default: runs/sweep-<number>]",
)
@click.option(
    "--picture",
    type=PATH,
    metavar="FILE",
    help="Draw the metric and the loss curves, as PNG or SVG; needs the extra plot.",
)
@click.option("--quiet", is_flag=True, help="No line for each run and no progress, only the table.")
def sweep(
    specs: tuple[Path, ...],
    seeds: tuple[int, ...] | None,
    jobs: int,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    wanted: str | None,
    ascending: bool | None,
    out: Path | None,
    picture: Path | None,
    quiet: bool,
) -> int:
    """Train each of SPECS, with each value and seed if several, and compare the results.

    It prints the distribution of a final metric for each spec, best first, and for specs with test
    or validation data the gap to the training data: train - test. SPECS are spec files or folders
    of spec files; subfolders, e.g. with the base of an `extends`, are left out. Each run is written
    to <name>/seed-<seed> in the sweep's folder (with folds, to fold-<fold> within that), along with
    a summary.json.
    """
    from declnet.cli.sweep_tables import best_first, check_metric, print_gaps, print_sweep
    from declnet.runs.ensemble_record import begin_ensemble, finish_ensemble
    from declnet.runs.sweep import SWEEP, check_names, claim_parent, tasks_of

    interrupt_on_signals()
    plot = _plot_command(picture)
    registry = registry_without(disabled)
    loaded = right_specs(specs, overrides, registry)
    check_names(loaded)
    all_specs = [spec for _, spec in loaded]
    try:
        check_metric(wanted, all_specs, ascending)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metric") from None
    parent = claim_parent(out, Path("runs"), SWEEP)
    start = time.perf_counter()
    tasks = []
    for spec in all_specs:
        own = tasks_of(spec, seeds or (spec.seed,), parent / spec.name)
        begin_ensemble(parent / spec.name, spec, own)
        tasks += own
    series = train_all(tasks, registry=registry, disabled=disabled, jobs=jobs, quiet=quiet)
    all_series, metric = best_first(series, wanted, all_specs, ascending)
    _write_summaries(parent, all_series, metric, jobs)
    if metric is None:
        click.echo("no run finished, so there is nothing to compare", err=True)
    else:
        if wanted and wanted not in (metric[1], ".".join(metric)):
            click.echo(f"note: no run has {wanted}; {'.'.join(metric)} is shown", err=True)
        print_sweep(all_series, metric)
        print_gaps(all_series)
        if plot is not None:
            plot.main([str(parent), "--output", str(picture)], standalone_mode=False)
    for spec in all_specs:
        why = finish_ensemble(parent / spec.name, registry)
        if why is not None:
            click.echo(f"warning: {why}", err=True)
    click.echo(f"{time.perf_counter() - start:.2f} s, {parent}")
    return status_of(all_series)


def _plot_command(picture: Path | None) -> click.Command | None:
    """Return the command `plot`, after checking that it can write the picture."""
    if picture is None:
        return None
    root = click.get_current_context().find_root()
    plot = root.command.get_command(root, "plot") if isinstance(root.command, click.Group) else None
    if plot is None:
        raise click.UsageError("--picture needs the command `plot`, which no plugin offers")
    plot.make_context("plot", [".", "--output", str(picture)])
    return plot


def _write_summaries(
    parent: Path, all_series: Sequence[Series], metric: tuple[str, str] | None, jobs: int
) -> None:
    """Write a summary for each spec, and one for all."""
    for each in all_series:
        folder = parent / each.name
        write_summary(folder, each.as_data(folder) | {"jobs": jobs})
    data = [each.as_data(parent / each.name) for each in all_series]
    name = ".".join(metric) if metric else None
    write_summary(parent, {"metric": name, "jobs": jobs, "specs": data})
