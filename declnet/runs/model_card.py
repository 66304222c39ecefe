"""The model card of a run or a group: its inputs and targets, its metrics, and how to use it.

It says only what the spec, the manifests and the metrics say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from declnet.contracts.data.data_source import DataSource
from declnet.display.markdown import escaped_markdown, table_markdown
from declnet.display.tables import ResultTable, Row, format_spread, is_finite
from declnet.display.words import counted
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.runs.display.metric_labels import ordered
from declnet.runs.display.result_tables import metrics_table
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.inference.predictor import Predictor
from declnet.runs.many.series import Spread, Spreads, spreads_of
from declnet.runs.ranking import TO_REPORT, Directions, MetricValues, by_importance, informative
from declnet.runs.storage.documents import Manifest
from declnet.runs.storage.origins import Origins
from declnet.runs.storage.readme import Card
from declnet.runs.storage.record import with_nan

if TYPE_CHECKING:
    from declnet.runs.many.group import Group

LIBRARY = "declnet"

MOST_CLASSES, MOST_COLUMNS, MOST_ROWS = 20, 200, 50
"""Classes that are named, columns of the data that are listed, and rows of other tables."""

_LABELS = ("classes", "binary", "flags")
"""Tasks of predictions that are classes."""

_OUTPUTS = {"values": "a number", "flags": "yes or no", "classes": "a class", "binary": "a class"}
_PLURALS = {"values": "numbers", "flags": "answers of yes or no"}


class Measured(NamedTuple):
    """Metrics of a model on a data set.

    Attributes:
        data: `test`, `validation` or `train`; of folds together `out of fold`.
        metrics: the metrics by name.
        hash: the hash of the data, if one data set was measured.
    """

    data: str
    metrics: Mapping[str, float | None]
    hash: str | None = None


def card_of_run(predictor: Predictor, manifest: Manifest, metrics: MetricValues) -> Card:
    """Return the card of a run.

    Args:
        predictor: its model.
        manifest: its manifest.
        metrics: its final metrics by data set and name.
    """
    held_out = [data for data in TO_REPORT if data in metrics and data != "train"]
    hashes = {name: used.hash for name, used in manifest.data.items()}
    measured = [Measured(name, metrics[name], hashes.get(name)) for name in held_out or metrics]
    table = metrics_table(metrics, manifest.baseline, manifest.references)
    return _card(manifest.name, predictor, [manifest], measured, [table])


def card_of_group(group: Group, evaluations: Iterable[Evaluation] = ()) -> Card:
    """Return the card of a group whose models are used as one.

    Args:
        group: the group, finished.
        evaluations: those of its models together, if known; else the card has only the mean of the
            metrics over the runs of each member.

    Raises:
        DeclnetError: a model cannot be loaded.
    """
    tables, measured = list[ResultTable](), list[Measured]()
    for evaluation in evaluations:
        samples = counted(evaluation.samples, "sample")
        table = evaluation.tables()["metrics"] if not evaluation.heads else None
        title = f"All models together, {evaluation.data}, {samples}"
        rows: tuple[Row, ...] = tuple(evaluation.metrics.items())
        plain = ResultTable(title, ("metric", "value"), rows, kinds={"value": "number"})
        tables.append(plain if table is None else replace(table, title=title))
        measured.append(Measured(evaluation.data, evaluation.metrics))
    members = _spreads_of_members(group)
    for point, spreads in members.items():
        metrics = {
            data: {name: spread.mean for name, spread in values.items()}
            for data, values in spreads.items()
        }
        names = dict.fromkeys(name for _, name in ordered(informative([metrics])))
        rows = tuple(
            (name, *(_mean(values.get(name)) for values in spreads.values())) for name in names
        )
        runs = counted(sum(task.point == point for task in group.tasks), "run")
        title = f"{point or group.name}, mean ± standard deviation over {runs}"
        tables.append(ResultTable(title, ("", *spreads), rows))
        if not measured and len(members) == 1:
            held_out = [data for data in TO_REPORT if data in metrics and data != "train"]
            measured = [Measured(data, metrics[data]) for data in held_out or metrics]
    manifests = [run.manifest for run in group.runs]
    return _card(group.name, group.predictor(), manifests, measured, tables)


def _spreads_of_members(group: Group) -> dict[str, Spreads]:
    """Return the distribution of the metrics over the runs of each member with a weight."""
    weights = group.weights
    points = [task.point for task in group.tasks if weights.get(task.point)]
    values: dict[str, dict[tuple[str, str], list[float]]] = {}
    for point, run in zip(points, group.runs, strict=True):
        for data, metrics in run.metrics.items():
            for name, value in with_nan(metrics).items():
                values.setdefault(point, {}).setdefault((data, name), []).append(value)
    return {point: spreads_of(of_member) for point, of_member in values.items()}


def _mean(spread: Spread | None) -> str | None:
    return None if spread is None else format_spread(spread.mean, spread.standard_deviation)


def _card(
    name: str,
    predictor: Predictor,
    manifests: Sequence[Manifest],
    measured: Iterable[Measured],
    tables: Sequence[ResultTable],
) -> Card:
    """Return a card.

    Args:
        name: the spec's name.
        predictor: the models.
        manifests: those of their runs.
        measured: what the metadata says about their quality.
        tables: what the text says about it.
    """
    tag = _pipeline_tag(predictor)
    task = {"task": {"type": tag or "other"}}
    better = manifests[0].better
    results = [{**task, **_result(predictor, one, better)} for one in measured]
    metadata = {
        "library_name": LIBRARY,
        **({"pipeline_tag": tag} if tag is not None else {}),
        **({"model-index": [{"name": name, "results": results}]} if results else {}),
    }
    data = _data(manifests)
    shown = [replace(table, rows=_cut(table.rows, MOST_ROWS)) for table in tables[:MOST_ROWS]]
    sections = {
        escaped_markdown(name): _introduction(predictor),
        "Inputs": table_markdown(_inputs(predictor)),
        "Data": table_markdown(data) if data.rows else "",
        "Metrics": "\n".join(
            f"{escaped_markdown(table.title)}\n\n{table_markdown(table)}".lstrip()
            for table in shown
            if table.rows
        ),
        "Use": _use(predictor),
        "Versions": table_markdown(_versions(manifests)),
    }
    parts = (
        f"{'## ' if at else '# '}{title}\n\n{text.strip()}\n"
        for at, (title, text) in enumerate(sections.items())
        if text  # e.g. an imported model has neither data nor metrics
    )
    return Card(metadata, "\n".join(parts))


def _pipeline_tag(predictor: Predictor) -> str | None:
    """Return the task as Hugging Face calls it; None if data and losses do not tell."""
    labels = {reading.task in _LABELS for reading in predictor.readings}
    if predictor.windows is not None:
        return "time-series-forecasting"
    if len(labels) > 1:
        return None
    if predictor.features is not None:
        return "tabular-classification" if labels == {True} else "tabular-regression"
    source = predictor.spec.data.train
    modality = type(source).modality if source is not None else None
    return f"{modality}-classification" if modality and labels == {True} else None


def _result(predictor: Predictor, measured: Measured, better: Directions) -> dict[str, Any]:
    """Return an entry of the metadata's `model-index` without its task."""
    metrics = [
        {"type": name, "value": value}
        for _, name in by_importance(informative([{"": measured.metrics}]), better)
        if is_finite(value := measured.metrics[name])
    ]
    revision = {"revision": measured.hash} if measured.hash is not None else {}
    dataset = {**_dataset(predictor, measured.data), "split": measured.data, **revision}
    return {"dataset": dataset, "metrics": metrics}


def _dataset(predictor: Predictor, data_set: str) -> dict[str, Any]:
    """Return the name and type of a data set: of a file its name, else its data source."""
    data = predictor.spec.data
    source = getattr(data, data_set, None)
    source = source if isinstance(source, DataSource) else data.train
    if source is None:
        return {"name": "data of a program", "type": "program"}
    path = getattr(source, "path", None)
    name = PurePath(path).name if isinstance(path, PurePath | str) else ""
    return {"name": name or source.type, "type": source.type}


def _introduction(predictor: Predictor) -> str:
    """Return what is predicted, in a line for each loss, and by how many models."""
    lines, is_table = list[str](), predictor.features is not None
    for head, reading in zip(predictor.heads, predictor.readings, strict=True):
        target, names = head.target_among(predictor.targets), reading.class_names
        what = _OUTPUTS[reading.task]
        if names is not None:
            shown = [escaped_markdown(name) for name in names[:MOST_CLASSES]]
            more = ", …" if len(names) > MOST_CLASSES else ""
            what = f"one of {len(names)} classes: {', '.join(shown)}{more}"
        elif reading.outputs > 1:
            what = f"{reading.outputs} {_PLURALS[reading.task]}"
        column = predictor.targets[target].column if target is not None and is_table else ""
        label = escaped_markdown(column or target or head.name)
        lines.append(f'Predicts "{label}", {what}.' if label else f"Predicts {what}.")
    windows, models = predictor.windows, len(predictor.members)
    if windows is not None:
        past, horizon = counted(windows.spec.past, "row"), counted(windows.spec.horizon, "row")
        lines.append(f"A prediction is for the {horizon} after the {past} that it reads.")
    if models > 1:
        mean = "mean" if len(set(predictor.weights)) == 1 else "weighted mean"
        lines.append(f"A prediction is the {mean} of {models} models.")
    return "\n".join(lines)


def _inputs(predictor: Predictor) -> ResultTable:
    """Return the columns of a table with their types, or the arrays with their shapes."""
    types = predictor.feature_types
    if types is not None:
        return ResultTable("", ("column", "type"), _cut(list(types.items()), MOST_COLUMNS))
    inputs = predictor.members[0].model.inputs.items()
    rows = [(name or "x", " by ".join(map(str, info.shape)), info.dtype) for name, info in inputs]
    return ResultTable("", ("array", "shape of a sample", "type"), _cut(rows, MOST_COLUMNS))


def _data(manifests: Sequence[Manifest]) -> ResultTable:
    """Return the data sets of the runs, equal ones once."""
    counts = Counter(
        (name, used.samples, used.hash)
        for manifest in manifests
        for name, used in manifest.data.items()
    )
    columns: tuple[str, ...] = ("data", "samples", "fingerprint")
    rows: list[Row] = list(counts)
    if len(manifests) > 1:
        columns, rows = (*columns, "runs"), [(*row, count) for row, count in counts.items()]
    return ResultTable("", columns, _cut(rows, MOST_ROWS))


def _versions(manifests: Sequence[Manifest]) -> ResultTable:
    rows = [("Python", manifests[0].python), *versions_of(manifests).items()]
    return ResultTable("", ("", "version"), tuple(rows))


def versions_of(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the versions of the distributions that runs were made with, by name."""
    versions: dict[str, str] = {}
    for manifest in manifests:
        ours = {FIRST_PARTY: manifest.declnet, "numpy": manifest.numpy}
        for name, version in {**ours, **Origins.recorded(manifest).versions()}.items():
            versions.setdefault(normalized(name), version)
    return dict(sorted(versions.items()))


def _use(predictor: Predictor) -> str:
    """Return how to predict with the folder or the file that holds the model."""
    lines = ["MODEL is the folder of this file, or the file that `declnet pack` wrote.", ""]
    argument = "x  # arrays as above"
    if predictor.features is not None:
        lines += ["```sh", "declnet predict MODEL INPUT", "```", ""]
        argument = "rows  # the columns above: a dict, or a data frame"
    name, _, comment = argument.partition("  ")
    code = f'declnet.load_predictor("MODEL").predict({name})  {comment}'
    return "\n".join([*lines, "```python", "import declnet", "", code, "```"])


def _cut(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Return at most so many rows, the last of which says how many others there are."""
    if len(rows) <= most:
        return tuple(rows)
    rest = f"… {len(rows) - most + 1} more"
    return (*rows[: most - 1], (rest, *[None] * (len(rows[0]) - 1)))
