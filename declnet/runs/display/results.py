"""Results in a notebook: runs, evaluations, comparisons and cross-validations as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.display.html import Html, collapsible, element, html, joined, table, view
from declnet.errors import DeclnetError
from declnet.graph.display import layers_html
from declnet.registry.spelling import counted
from declnet.runs.display.metrics import (
    FOR_CHOICE,
    MetricValues,
    format_metric,
    format_seconds,
    informative,
    ordered,
    sort_key,
)
from declnet.spec.display import spec_html
from declnet.spec.messages import shown

if TYPE_CHECKING:
    from declnet.runs.comparison import Comparison
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
    baselines = [
        f"{data} baseline, {each.prediction}: "
        + ", ".join(f"{name} {format_metric(value)}" for name, value in each.metrics.items())
        for data, each in result.baselines.items()
        if each.metrics
    ]
    return view(
        _title(result.spec.name, facts),
        metrics_table(result.metrics),
        *(element("div", line, kind="faint") for line in baselines),
        *_warnings(result.warnings),
        curves(result.history),
        collapsible("model", layers_html(result.model.nodes, result.model.inputs)),
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
    parts: list[Html] = [_title(run.name, [*facts, str(run.path)])]
    try:
        if run.metrics:
            parts.append(metrics_table(run.metrics))
        parts += [*_warnings(manifest.warnings), curves(run.history)]
        parts.append(collapsible("spec", element("pre", run.spec_text)))
    except DeclnetError as error:
        parts.append(element("div", error, kind="error"))
    return view(*parts)


def evaluation_view(found: Evaluation) -> str:
    """Return an evaluation: metrics and the baseline, scores by class, confusion matrix."""
    return view(_evaluation(found))


def _evaluation(found: Evaluation) -> Html:
    values = {name: found.metrics[name] for _, name in ordered(informative([{"": found.metrics}]))}
    values |= {name: each for name, each in (found.errors or {}).items() if name not in values}
    baseline = found.baseline if found.baseline is not None and found.baseline.metrics else None
    columns = ["metric", "value"]
    rows = [[name, format_metric(value)] for name, value in values.items()]
    if baseline is not None:
        columns.append(f"baseline: {baseline.prediction}")
        rows = [[*row, format_metric(baseline.metrics.get(row[0]))] for row in rows]
    parts = [
        _title(found.data, [counted(found.samples, "sample")]),
        table(columns, rows, numeric=[1, 2]),
        *_warnings(found.warnings),
    ]
    if found.calibration is not None:
        parts.append(element("div", f"calibration: {'; '.join(found.calibration.steps)}"))
        if found.calibration.before is not None and found.calibration.after is not None:
            after = found.calibration.after
            pairs = found.calibration.before.items()
            trusted = [(name, format_metric(v), format_metric(after[name])) for name, v in pairs]
            parts.append(table(("metric", "uncalibrated", "calibrated"), trusted, numeric=[1, 2]))
    classes = found.by_class()
    if classes:
        rows_by_class = [
            [f"{each:.3f}" if isinstance(each, float) else each for each in row.values()]
            for row in classes
        ]
        scores = table([*classes[0]], rows_by_class, numeric=range(1, len(classes[0])))
        parts.append(collapsible("by class", scores))
    if found.counts is not None and found.counts.ndim == 2 and found.class_names is not None:
        parts.append(collapsible("confusion", _confusion(found.counts, found.class_names)))
    parts += [_evaluation(each) for each in found.heads.values()]
    return element("div", *parts)


MOST_CLASSES = 30
"""Maximum number of classes of a confusion matrix."""


def _confusion(counts: np.ndarray[Any, Any], names: Sequence[str]) -> Html:
    if len(names) > MOST_CLASSES:
        return element("div", f"{len(names)} classes are too many for a table: see counts")
    rows = [
        [name, *(element("b", n) if true == as_ else n for as_, n in enumerate(row))]
        for true, (name, row) in enumerate(zip(names, counts.tolist(), strict=True))
    ]
    heads = ("true class", *(f"as {name}" for name in names))
    return table(heads, rows, numeric=range(1, len(heads)))


def comparison_view(found: Comparison) -> str:
    """Return runs side by side: what differs in their specs, and metrics with the best in bold."""
    columns = ["", *(str(run.path) for run in found.runs)]
    numeric = range(1, len(columns))
    rows: list[list[object]] = [
        [key, *("-" if each is None else shown(each) for each in values)]
        for key, values in found.differences.items()
    ]
    for data, name in ordered(informative(run.metrics for run in found.runs), FOR_CHOICE):
        values, better = found.metrics[data][name], found.better.get(name)
        keys = [sort_key(value, better) for value in values] if better is not None else []
        texts = [*map(format_metric, values)]
        if len(set(keys)) > 1:
            best = min(keys)
            pairs = zip(keys, texts, strict=True)
            texts = [element("b", text) if key == best else text for key, text in pairs]
        rows.append([f"{data}.{name}", *texts])
    return view(table(columns, rows, numeric=numeric))


def folds_view(found: RunResult) -> str:
    """Return the spread of each metric over the members."""
    known = informative(each.metrics for each in found.members)
    columns = ("metric", "mean", "standard deviation", "min", "max")
    rows = [
        (f"{data}.{name}", *map(format_metric, vars(found.spreads[data][name]).values()))
        for data, name in ordered(known)
    ]
    title = _title(found.spec.name, [counted(len(found.members), "run")])
    return view(title, table(columns, rows, numeric=range(1, 5)))


def group_view(found: Group) -> str:
    """Return the runs of a group."""
    title = _title(found.name, [found.status, str(found.path)])
    rows = [(each.folder, each.seed, each.fold or "") for each in found.tasks]
    return view(title, table(("run", "seed", "fold"), rows, numeric=[1, 2]))


def _title(name: str, facts: Sequence[str]) -> Html:
    return element("div", element("b", name), ", ", element("span", ", ".join(facts), kind="faint"))


def _warnings(sentences: Iterable[str]) -> list[Html]:
    return [
        element("div", element("b", "warning", kind="warning"), f": {each}") for each in sentences
    ]


def metrics_table(metrics: MetricValues) -> Html:
    """Return a row per metric, and a column per data set."""
    columns = list(metrics)
    names = dict.fromkeys(name for _, name in ordered(informative([metrics])))
    rows = [(name, *(format_metric(metrics[data].get(name)) for data in columns)) for name in names]
    return table(("", *columns), rows, numeric=range(1, len(columns) + 1))


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
