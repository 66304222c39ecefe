"""Results in a notebook: runs, evaluations, comparisons and cross-validations as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from declnet.display.html import Html, collapsible, element, html, joined, view
from declnet.display.tables import format_metric, format_seconds
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
    facts = [f"{counted(result.epochs, 'epoch')}, {format_seconds(result.seconds)} s"]
    if result.directory is not None:
        facts.append(str(result.directory))
    if result.stopped is not None:
        facts.append(f"stopped after epoch {result.epochs - 1}: {result.stopped}")
    if result.restored is not None:
        facts.append(f"the model has the parameters of {result.restored}")
    return view(
        _title(result.spec.name, facts),
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
        facts.append(f"{format_seconds(manifest.seconds)} s")
    if manifest.error:
        facts.append(manifest.error)
    parts: list[object] = [_title(run.name, [*facts, str(run.path)])]
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
        _title(evaluation.data, [counted(evaluation.samples, "sample")]),
        tables.pop("metrics"),
        tables.pop("calibration", ""),
        *_warnings(evaluation.warnings),
        *(collapsible(name, table) for name, table in tables.items()),
        *(_evaluation(of_loss) for of_loss in evaluation.heads.values()),
    ]
    return element("div", *parts)


def group_view(group: Group) -> str:
    """Return the tables of a group; what cannot be read says why."""
    parts: list[object] = [_title(group.name, [group.status, str(group.path)])]
    try:
        for table in group.tables():
            title = element("div", table.title) if table.title else ""
            parts += [title, table]
    except DeclnetError as error:
        parts.append(element("div", error, kind="error"))
    return view(*parts)


def _title(name: str, facts: Sequence[str]) -> Html:
    return element("div", element("b", name), ", ", element("span", ", ".join(facts), kind="faint"))


def _warnings(sentences: Iterable[str]) -> list[Html]:
    return [
        element("div", element("b", "warning", kind="warning"), f": {sentence}")
        for sentence in sentences
    ]


WIDTH, HEIGHT = 320, 90
"""Size of a curve, in pixels."""
MOST_POINTS = 200
"""Maximum number of points of a curve."""


def curves(history: Sequence[Mapping[str, Any]]) -> Html:
    """Return the loss by epoch as a picture: of the training data, and dashed of the validation.

    Args:
        history: rows with `epoch`, `loss` and, if there is validation data, `validation_loss`.
    """
    every = max(1, math.ceil(len(history) / MOST_POINTS))
    rows = [*history[::every], *(history[-1:] if (len(history) - 1) % every else ())]
    drawn = {
        name: points
        for name in ("loss", "validation_loss")
        if len(points := [(row["epoch"], row[name]) for row in rows if _finite(row.get(name))]) > 1
    }
    if not drawn:
        return Html()
    epochs = [epoch for points in drawn.values() for epoch, _ in points]
    values = [value for points in drawn.values() for _, value in points]
    (left, right), (low, high) = (min(epochs), max(epochs)), (min(values), max(values))
    lines = []
    for name, points in drawn.items():
        places = " ".join(
            f"{(epoch - left) / (right - left) * WIDTH:.1f},"
            f"{HEIGHT / 2 if high == low else (high - value) / (high - low) * HEIGHT:.1f}"
            for epoch, value in points
        )
        dashes = "" if name == "loss" else ' stroke-dasharray="4 3"'
        lines.append(f'<polyline points="{places}"{dashes}/>')
    label = f"loss from {format_metric(high)} to {format_metric(low)}, epochs {left} to {right}" + (
        "; dashed: validation" if "validation_loss" in drawn else ""
    )
    box = f'viewBox="-2 -2 {WIDTH + 4} {HEIGHT + 4}" width="{WIDTH + 4}" height="{HEIGHT + 4}"'
    picture = Html(
        f'<svg {box} fill="none" stroke="currentColor" stroke-width="1.5" role="img">'
        f"<title>{html(label)}</title>{''.join(lines)}</svg>"
    )
    return joined([picture, element("div", label, kind="faint")])


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
