"""Assembles a page's content from stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from declnet import (
    DeclnetError,
    Group,
    Registry,
    SpecError,
    StoredRun,
    open_run,
    spec_differences,
)
from declnet_plugins.report.drawing import NOT_DRAWN, VALIDATION
from declnet_plugins.report.page.analyses import analysis_section
from declnet_plugins.report.page.content import Page, RunSection, Section, Table, Tile
from declnet_plugins.report.page.curves import curve_charts
from declnet_plugins.report.page.formatting import (
    ABSENT,
    format_duration,
    format_number,
    format_time,
)
from declnet_plugins.report.page.network import network_section
from declnet_plugins.report.page.panels import panel_sections
from declnet_plugins.report.page.parameters import parameter_section
from declnet_plugins.report.page.predictions import prediction_sections
from declnet_plugins.report.page.rendering import highlighted_toml
from declnet_plugins.report.page.run_data import SETS, reason_of

MOST_RUNS = 8
"""Maximum number of runs shown one by one; curves and tables include all."""
MOST_TILES = 4


def assemble(
    runs: Sequence[StoredRun], registry: Registry, ensembles: Sequence[Group] = ()
) -> Page:
    """Return the content of the page of one or more runs.

    Args:
        runs: at least one.
        registry: the registry to look up the runs' components and plugin panels in.
        ensembles: the folders of folds or seeds that some of the runs are from.

    Raises:
        OriginError: a component would come from a different distribution than in the run.
    """
    for run in runs:
        with suppress(SpecError):  # the page reports what is no longer installed
            _ = run.spec
    labeled = dict(zip(_labels(runs), runs, strict=True))
    several = len(runs) > 1
    shown = list(labeled.items())[:MOST_RUNS]
    return Page(
        title=f"{len(runs)} runs compared" if several else runs[0].name,
        made=format_time(datetime.now(UTC).isoformat()),
        final=_several_final(labeled) if several else _final(runs[0]),
        curves=curve_charts({label: run.history for label, run in labeled.items()}),
        differences=_differences(labeled) if several else None,
        runs=tuple(_run_section(run, label, registry) for label, run in shown),
        left_out=len(runs) - len(shown),
        together=tuple(map(_together, ensembles)),
    )


def _together(ensemble: Group) -> Section:
    """Return the metrics of the models of a folder as one, or why there are none."""
    count = len(ensemble.tasks)
    title = f"All {count} models of {ensemble.path.resolve().name} together"
    try:
        found = [ensemble.evaluate(name) for name in ensemble.evaluated_on]
    except DeclnetError as error:
        return Section(f"{title} have no metrics: {reason_of(error)}.")
    note = f"{title}: their predictions are averaged."
    if ensemble.has_folds:
        note = f"{title}: out of fold, each sample is predicted by the model not trained on it."
        note += " On the test data, their predictions are averaged." if len(found) > 1 else ""
    values = [dict(each.metrics) | (each.errors or {}) for each in found]
    names = dict.fromkeys(name for each in values for name in each)
    rows = tuple(
        (name.replace("_", " "), *(format_number(each.get(name)) for each in values))
        for name in names
    )
    samples = ("samples", *(format_number(each.samples) for each in found))
    columns = ("metric", *(each.data for each in found))
    return Section(
        note, tables=(Table("Metrics of all models together", columns, (*rows, samples)),)
    )


def _labels(runs: Sequence[StoredRun]) -> list[str]:
    """Return the folders' names, or their paths if names repeat, numbered if paths repeat too."""
    names = [run.path.resolve().name for run in runs]
    paths = [str(run.path) for run in runs]
    labels = [
        path if names.count(name) > 1 else name for name, path in zip(names, paths, strict=True)
    ]
    return [
        f"{label} ({index + 1})" if labels.count(label) > 1 else label
        for index, label in enumerate(labels)
    ]


def _final(run: StoredRun) -> Table | None:
    sets = [name for name in reversed(SETS) if name in run.metrics]
    metrics = dict.fromkeys(metric for name in sets for metric in run.metrics[name])
    if not sets:
        return None
    columns = {name: run.metrics[name] for name in sets} | _baseline(run, sets)
    rows = tuple(
        (metric.replace("_", " "), *(format_number(each.get(metric)) for each in columns.values()))
        for metric in metrics
    )
    return Table("Metrics of the finished model", ("metric", *columns), rows)


def _baseline(run: StoredRun, sets: Sequence[str]) -> dict[str, Mapping[str, float]]:
    """Return the metrics of a constant prediction on the most telling data, by what it is."""
    stored = run.manifest.baseline
    name = next((each for each in SETS if each in sets and each in stored), None)
    if name is None:
        return {}
    return {f"{name} baseline: {stored[name].prediction}": stored[name].metrics}


def _several_final(runs: Mapping[str, StoredRun]) -> Table:
    keys = dict.fromkeys(
        (name, metric)
        for name in SETS
        for run in runs.values()
        for metric in run.metrics.get(name, {})
        if not metric.endswith("_loss")
    )
    rows = []
    for label, run in runs.items():
        seconds = run.manifest.seconds
        took = format_duration(seconds) if seconds is not None else ABSENT
        values = (format_number(run.metrics.get(name, {}).get(metric)) for name, metric in keys)
        rows.append((label, run.status, *values, took))
    columns = (
        "run",
        "status",
        *(f"{name} {metric.replace('_', ' ')}" for name, metric in keys),
        "time",
    )
    return Table("Metrics of the finished models", columns, tuple(rows))


def _differences(runs: Mapping[str, StoredRun]) -> Table:
    found = spec_differences([run.spec_tables for run in runs.values()])
    rows = tuple((key, *(text or ABSENT for text in texts)) for key, texts in found.items())
    return Table("What differs between the specs", ("key", *runs), rows)


def _run_section(run: StoredRun, label: str, registry: Registry) -> RunSection:
    """Return the section of a run, finished or not, with notes in place of missing parts."""
    # a fresh run, so that its model and data are freed with the section
    run = open_run(run.path, registry, notice=lambda _: None)
    return RunSection(
        label=label,
        status=run.status,
        facts=_facts(run),
        tiles=_tiles(run),
        error=run.manifest.error or "",
        predictions=prediction_sections(run),
        network=network_section(run),
        parameters=parameter_section(run),
        spec=highlighted_toml(run.spec_text),
        manifest=Table("Manifest", ("key", "value"), tuple(_flat(run.manifest.written()))),
        panels=panel_sections(run, registry),
        analyses=analysis_section(run),
    )


def _facts(run: StoredRun) -> tuple[Tile, ...]:
    manifest = run.manifest
    facts = [
        Tile("seed", str(manifest.seed)),
        Tile("started", format_time(manifest.started)),
    ]
    if manifest.seconds is not None:
        facts.append(Tile("took", format_duration(manifest.seconds)))
    if run.history:
        facts.append(Tile("last epoch", format_number(run.history[-1].get("epoch"))))
        rates = {row.get("learning_rate") for row in run.history}
        if len(rates) == 1:  # otherwise there is a chart
            facts.append(Tile("learning rate", format_number(rates.pop())))
    if manifest.restored:
        facts.append(Tile("parameters of", manifest.restored))
    if manifest.stopped:
        facts.append(Tile("stopped early", manifest.stopped))
    return tuple(facts)


def _tiles(run: StoredRun) -> tuple[Tile, ...]:
    """Return the final model's metrics, unseen data first, or else the last epoch's."""
    tiles = [
        Tile(f"{name} {metric.replace('_', ' ')}", format_number(value))
        for name in SETS
        for metric, value in _metrics_first(run.metrics.get(name, {}))
    ]
    if not tiles and run.history:
        tiles = [
            Tile(f"{key.replace('_', ' ')}, last epoch", format_number(value))
            for key, value in run.history[-1].items()
            if key.removeprefix(VALIDATION) not in NOT_DRAWN
        ]
    return tuple(tiles[:MOST_TILES])


def _metrics_first(
    metrics: Mapping[str, float | None],
) -> list[tuple[str, float | None]]:
    kept = [(key, value) for key, value in metrics.items() if not key.endswith("_loss")]
    return sorted(kept, key=lambda pair: pair[0] == "loss")


def _flat(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Return the manifest's scalar values by dotted key."""
    if isinstance(value, Mapping):
        items = [(f"{key}.{name}" if key else str(name), each) for name, each in value.items()]
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = [(f"{key}.{index}", each) for index, each in enumerate(value)]
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return [(key, text)]
    return [row for name, each in items for row in _flat(each, name)]
