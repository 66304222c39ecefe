"""Assembles a page's content from stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from declnet import (
    DeclnetError,
    Group,
    Registry,
    ResultTable,
    SpecError,
    StoredRun,
    format_cell,
    open_run,
)
from declnet_plugins.report.drawing import NOT_DRAWN, VALIDATION, run_labels
from declnet_plugins.report.page.analyses import analysis_section, group_analyses
from declnet_plugins.report.page.content import GroupSection, Page, RunSection, Tile
from declnet_plugins.report.page.curves import run_charts
from declnet_plugins.report.page.formatting import format_duration, format_time
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
    labeled = dict(zip(run_labels([run.path for run in runs]), runs, strict=True))
    shown = list(labeled.items())[:MOST_RUNS]
    return Page(
        title=_title(runs, ensembles),
        generated=format_time(datetime.now(UTC).isoformat()),
        final=_final(labeled),
        curves=run_charts(labeled),
        runs=tuple(_run_section(run, label, registry) for label, run in shown),
        left_out=len(runs) - len(shown),
        together=tuple(map(_together, ensembles)),
    )


def _title(runs: Sequence[StoredRun], ensembles: Sequence[Group]) -> str:
    if len(runs) == 1:
        return runs[0].name
    for group in ensembles if len(ensembles) == 1 else ():
        if len(runs) in (len(group.tasks), _models(group)):
            return group.name
    return f"{len(runs)} runs compared"


def _models(group: Group) -> int:
    """Return how many models are used as one: of members, those with a weight."""
    weights = group.file.weights
    return sum(weights is None or weights.get(task.point, 0) > 0 for task in group.tasks)


def _together(group: Group) -> GroupSection:
    """Return what is shown of the models of a folder as one, or why there is nothing."""
    label = group.path.resolve().name
    title = f"The {_models(group)} models of {label} together"
    try:
        tables = group.tables()
    except DeclnetError as error:
        return GroupSection(label, f"{title} have no metrics: {reason_of(error)}.")
    note = f"{title}: their predictions are averaged."
    if group.has_folds:
        note = f"{title}: out of fold, each sample is predicted by the models not trained on it."
        note += (
            " On the test data, their predictions are averaged."
            if len(group.evaluations) > 1
            else ""
        )
    predictions = prediction_sections(group)
    return GroupSection(label, note, tables, predictions, group_analyses(group))


def _final(runs: Mapping[str, StoredRun]) -> ResultTable | None:
    """Return the metrics of a run, or of several with what differs in their specs."""
    first, *others = runs.values()
    if not others:
        if not first.metrics:
            return None
        return replace(first.metrics_table(), title="Metrics of the finished model")
    table = first.compare(*others).table()
    rows = tuple((label, *row[1:]) for label, row in zip(runs, table.rows, strict=True))
    table = replace(table, title="Runs compared", rows=rows)
    return table.turned() if len(runs) <= MOST_RUNS else table


def _run_section(run: StoredRun, label: str, registry: Registry) -> RunSection:
    """Return the section of a run, finished or not, with notes in place of missing parts."""
    # a fresh run, so that its model and data are freed with the section
    run = open_run(run.path, registry, notice=lambda _: None, allow_changes=run.allow_changes)
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
        manifest=ResultTable("Manifest", ("key", "value"), tuple(_flat(run.manifest.written()))),
        panels=panel_sections(run, registry),
        analyses=analysis_section(run),
    )


def _facts(run: StoredRun) -> tuple[Tile, ...]:
    manifest = run.manifest
    facts = [Tile("seed", str(manifest.seed)), Tile("started", format_time(manifest.started))]
    if manifest.seconds is not None:
        facts.append(Tile("took", format_duration(manifest.seconds)))
    if run.history:
        facts.append(Tile("last epoch", format_cell(run.history[-1].get("epoch"))))
        rates = {row.get("learning_rate") for row in run.history}
        if len(rates) == 1:  # otherwise there is a chart
            facts.append(Tile("learning rate", format_cell(rates.pop())))
    if manifest.restored:
        facts.append(Tile("parameters of", manifest.restored))
    if manifest.stopped:
        facts.append(Tile("stopped early", manifest.stopped))
    return tuple(facts)


def _tiles(run: StoredRun) -> tuple[Tile, ...]:
    """Return the final model's metrics, unseen data first, or else the last epoch's."""
    tiles = [
        Tile(f"{name} {metric.replace('_', ' ')}", format_cell(value))
        for name in SETS
        for metric, value in _metrics_first(run.metrics.get(name, {}))
    ]
    if not tiles and run.history:
        tiles = [
            Tile(f"{key.replace('_', ' ')}, last epoch", format_cell(value))
            for key, value in run.history[-1].items()
            if key.removeprefix(VALIDATION) not in NOT_DRAWN
        ]
    return tuple(tiles[:MOST_TILES])


def _metrics_first(metrics: Mapping[str, float | None]) -> list[tuple[str, float | None]]:
    others = [(key, value) for key, value in metrics.items() if not key.endswith("_loss")]
    return sorted(others, key=lambda pair: pair[0] == "loss")


def _flat(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Return the manifest's scalar values by dotted key."""
    if isinstance(value, Mapping):
        items = [(f"{key}.{name}" if key else str(name), item) for name, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = [(f"{key}.{index}", item) for index, item in enumerate(value)]
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return [(key, text)]
    return [row for name, item in items for row in _flat(item, name)]
