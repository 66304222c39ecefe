"""Results in a notebook: runs, evaluations, comparisons and cross-validations as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from declnet.display.charts import MOST_LINES, chart_html
from declnet.display.html import Html, collapsible, element, heading, view
from declnet.display.tables import (
    ResultTable,
    TableChart,
    format_cell,
    is_finite,
    kinds_of,
)
from declnet.display.words import counted
from declnet.errors import DeclnetError
from declnet.graph.display import layers_table
from declnet.runs.display.result_tables import metrics_table
from declnet.spec.display import spec_html

if TYPE_CHECKING:
    from declnet.runs.inference.evaluation import Evaluation
    from declnet.runs.many.group import Group
    from declnet.runs.result import RunResult
    from declnet.runs.stored_run import StoredRun


def result_view(result: RunResult) -> str:
    """Return the result of a run: metrics and curve, its model and spec folded."""
    facts = [f"{counted(result.epochs, 'epoch')}, {format_cell(result.seconds, 'seconds')} s"]
    if result.directory is not None:
        facts.append(str(result.directory))
    if result.stopped is not None:
        facts.append(f"stopped after epoch {result.epochs - 1}: {result.stopped}")
    if result.restored is not None:
        facts.append(f"the model has the parameters of {result.restored}")
    return view(
        heading(result.spec.name, facts),
        metrics_table(result.metrics, result.baselines, result.references),
        *_warnings(result.warnings),
        curves(result.history),
        collapsible("model", layers_table(result.model.nodes, result.model.inputs)),
        collapsible("spec", spec_html(result.spec)),
    )


def stored_view(run: StoredRun) -> str:
    """Return the folder of a run, finished or not; a part that cannot be read says why."""
    manifest = run.manifest
    facts = [run.status]
    if manifest.epochs is not None:
        facts.append(counted(manifest.epochs, "epoch"))
    if manifest.seconds is not None:
        facts.append(f"{format_cell(manifest.seconds, 'seconds')} s")
    if manifest.error:
        facts.append(manifest.error)
    parts: list[object] = [heading(run.name, [*facts, str(run.path)])]
    try:
        if run.metrics:
            parts.append(run.metrics_table())
        parts += [*_warnings(manifest.warnings), curves(run.history)]
        parts.append(collapsible("spec", element("pre", run.spec_text)))
    except DeclnetError as error:
        parts.append(element("div", error, kind="error"))
    return view(*parts)


def evaluation_view(evaluation: Evaluation) -> str:
    """Return an evaluation: metrics and the baseline, scores by class, confusion matrix."""
    return view(_evaluation(evaluation))


def _evaluation(evaluation: Evaluation) -> Html:
    tables = evaluation.tables()
    parts: list[object] = [
        heading(evaluation.data, [counted(evaluation.samples, "sample")]),
        tables.pop("metrics"),
        tables.pop("calibration", ""),
        *_warnings(evaluation.warnings),
        *(collapsible(name, table) for name, table in tables.items()),
        *(_evaluation(of_loss) for of_loss in evaluation.heads.values()),
    ]
    return element("div", *parts)


def group_view(group: Group) -> str:
    """Return the tables of a group, or the reason where one cannot be read."""
    parts: list[object] = [heading(group.name, [group.status, str(group.path)])]
    try:
        parts += group.tables()
    except DeclnetError as error:
        parts.append(element("div", error, kind="error"))
    return view(*parts)


def _warnings(sentences: Iterable[str]) -> list[Html]:
    return [
        element("div", element("b", "warning", kind="warning"), f": {sentence}")
        for sentence in sentences
    ]


MOST_POINTS = 200
"""Maximum number of points of a curve."""


def curves(history: Sequence[Mapping[str, Any]]) -> Html:
    """Return the loss by epoch as a picture; empty with fewer than two values.

    Args:
        history: rows with `epoch`, `loss` and, if there is validation data, `validation_loss`.
    """
    return chart_html(history_table(history))


def history_table(history: Sequence[Mapping[str, Any]]) -> ResultTable:
    """Return the loss by epoch, of the training data and of the validation data, to be drawn."""
    every = max(1, math.ceil(len(history) / MOST_POINTS))
    rows = [*history[::every], *(history[-1:] if (len(history) - 1) % every else ())]
    sets = {"train": "loss", "validation": "validation_loss"}
    drawn = [name for name, key in sets.items() if sum(is_finite(row.get(key)) for row in rows) > 1]
    columns, values = ("epoch", *drawn), [[row.get(sets[name]) for name in drawn] for row in rows]
    table = tuple((row["epoch"], *of_row) for row, of_row in zip(rows, values, strict=True))
    chart = TableChart("lines", "epoch", tuple(drawn), axis="auto") if drawn else None
    return ResultTable("loss", columns, table, kinds=kinds_of(drawn), chart=chart)


def compared_curves(runs: Sequence[StoredRun]) -> Html:
    """Return the loss of each run by epoch, on validation data if all have some, as a picture."""
    try:
        histories = {str(run.path): run.history for run in runs[:MOST_LINES]}
    except DeclnetError as error:
        return element("div", error, kind="error")
    key = "validation_loss"
    if not all(any(is_finite(row.get(key)) for row in rows) for rows in histories.values()):
        key = "loss"
    values: dict[int, dict[str, float | None]] = {}
    for name, rows in histories.items():
        for row in rows[:: max(1, math.ceil(len(rows) / MOST_POINTS))]:
            values.setdefault(row["epoch"], {})[name] = row.get(key)
    table = tuple((epoch, *map(values[epoch].get, histories)) for epoch in sorted(values))
    chart = TableChart("lines", "epoch", tuple(histories), axis="auto")
    columns, title = ("epoch", *histories), key.replace("_", " ")
    return chart_html(ResultTable(title, columns, table, chart=chart))
