"""From a predictor to what exporters see: an `ExportedModel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from declnet import (
    Array,
    ColumnError,
    ColumnType,
    Dataset,
    FittedPreparation,
    Loss,
    Member,
    Model,
    Predictions,
    Predictor,
    Sequences,
    Table,
    Transform,
    column_type,
    error_message,
    verified,
)
from declnet_plugins.exchange.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
    Part,
    parts_of,
)
from declnet_plugins.exchange.exporter import ExportError
from declnet_plugins.exchange.odd_rows import odd_rows

ARRAY = "x"
"""The column that an array without a name is."""

MOST_EXAMPLES = 256
"""Rows that a written file is compared with declnet on."""

MOST_WINDOWS = 16
"""The same for models of windows, which are predicted one by one."""

_RAW: dict[ColumnType, Any] = {"number": float, "integer": int, "boolean": bool, "text": object}


def exported_model(
    predictor: Predictor,
    names: Sequence[str] = ("",),
    metadata: Mapping[str, str] | None = None,
    data: Dataset | Table | None = None,
    odd: Table | None = None,
) -> ExportedModel:
    """Return a predictor's model as exporters see it.

    Args:
        predictor: the predictor.
        names: a name for each of its members; empty for the only one.
        metadata: what identifies the run.
        data: raw samples, of which some become the examples; None if there are none.
        odd: rows with odd cells; default: some of the samples, changed.

    Raises:
        DataError: the model cannot predict the samples.
        ExportError: the type or shape that a transform returns is unknown without data.
    """
    examples = _Examples.of(predictor, data, odd)
    columns = _columns(predictor, examples)
    total, dtype = sum(predictor.weights), predictor.members[0].model.dtype
    if any(member.model.dtype != dtype for member in predictor.members):
        message = "the members compute with different types of numbers"
        raise ExportError([(message, "train them with the same model.dtype")])
    members = zip(predictor.members, predictor.weights, names, strict=True)
    return ExportedModel(
        name=predictor.spec.name or "model",
        columns=columns,
        members=tuple(
            _member(member, name, weight / total, columns, examples)
            for member, weight, name in members
        ),
        outputs=tuple(_output(predictor, number) for number in range(len(predictor.heads))),
        dtype=dtype,
        registry=predictor.registry,
        metadata=metadata or {},
        examples=examples.columns,
        expected=examples.expected,
        odd_examples=examples.odd_columns,
        odd_expected=examples.odd_expected,
    )


@dataclass(frozen=True, eq=False)
class _Examples:
    """Raw samples by column and declnet's predictions for them."""

    columns: Mapping[str, Array] = field(default_factory=dict)
    expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)
    odd_columns: Mapping[str, Array] = field(default_factory=dict)
    odd_expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)

    @classmethod
    def of(
        cls, predictor: Predictor, data: Dataset | Table | None, odd: Table | None = None
    ) -> _Examples:
        if data is None or not len(data):
            return cls()
        if predictor.windows is not None:
            return cls(*_windows_of(predictor, data))
        part = data.take(np.arange(min(len(data), MOST_EXAMPLES)))
        types, raw = predictor.feature_types or {}, part.records.columns
        columns = {name: _as_type(np.asarray(raw[name]), types.get(name)) for name in types or raw}
        if odd is None:
            odd_columns = odd_rows(columns, predictor.cells)
        else:
            odd_columns = {name: np.asarray(odd.columns[name]) for name in columns}
        expected = _expected(predictor.predict_part(_samples(part, columns)))
        if not len(next(iter(odd_columns.values()))):
            return cls(columns, expected)
        odd_expected = _expected(predictor.predict_part(_samples(part, odd_columns), "empty"))
        return cls(columns, expected, odd_columns, odd_expected)


def _samples(like: Dataset | Table, columns: Mapping[str, Array]) -> Dataset | Table:
    """Return columns as samples of the same form as others."""
    if isinstance(like, Table):
        return Table(columns)
    return Dataset({name: columns[name or ARRAY] for name in like.inputs}, {})


def _as_type(column: Array, kind: ColumnType | None) -> Array:
    """Return a column with the type of the training data's, if no missing values prevent it."""
    return column.astype(float) if kind == "number" and column.dtype.kind != "O" else column


def _windows_of(
    predictor: Predictor, data: Dataset | Table
) -> tuple[dict[str, Array], dict[str, ExportedPredictions]]:
    """Return windows of a table as samples, and the predictions for each."""
    windows = predictor.windows
    if windows is None or not isinstance(data, Table):
        return {}, {}
    past, ahead = windows.spec.past, windows.spec.horizon if windows.spec.known else 0
    longest = max(windows.series_in(data).values(), key=len)
    starts = np.arange(max(0, len(longest) - past - ahead + 1))
    if not len(starts):
        return {}, {}
    chosen = starts[np.linspace(0, len(starts) - 1, min(len(starts), MOST_WINDOWS)).astype(int)]
    tables = [data.take(longest[start : start + past + ahead]) for start in chosen]
    forecast = [_without_targets(predictor, table, ahead) for table in tables]
    expected = [_expected(predictor.predict_part(table)) for table in forecast]
    columns = {}
    for column in _window_columns(predictor):
        part = slice(past, None) if column.source else slice(past)
        name = column.source or column.name
        rows = [_as_type(table.columns[name], column.type)[part] for table in tables]
        columns[column.name] = np.stack(rows)
    return columns, {
        output: _stacked([predictions[output] for predictions in expected])
        for output in expected[0]
    }


def _without_targets(predictor: Predictor, table: Table, ahead: int) -> Table:
    """Return a table whose last rows have no targets, since they are to be forecast."""
    columns = dict(table.columns)
    for target in predictor.targets.values():
        if ahead:
            columns[target.column] = columns[target.column].astype(float)
            columns[target.column][-ahead:] = np.nan
    return replace(table, columns=columns)


def _stacked(parts: Sequence[ExportedPredictions]) -> ExportedPredictions:
    """Return the predictions of several parts as one."""
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name, array in vars(parts[0]).items()
        if array is not None
    }
    return ExportedPredictions(**arrays)


def _expected(predictions: Mapping[str, Predictions]) -> dict[str, ExportedPredictions]:
    """Convert predictions of declnet to what exporters see."""
    expected = {}
    for output, predicted in predictions.items():
        valid = np.ones(len(predicted), bool)
        valid[list(predicted.errors or ())] = False
        limits = predicted.lower, predicted.upper, predicted.sets
        expected[output] = ExportedPredictions(
            predicted.prediction, predicted.outputs, *limits, valid
        )
    return expected


def _columns(predictor: Predictor, examples: _Examples) -> tuple[ExportedColumn, ...]:
    """Return the raw columns of a table, or those that arrays are."""
    if predictor.windows is not None:
        return tuple(_window_columns(predictor))
    if predictor.feature_types:
        return tuple(
            _table_column(predictor, name, kind) for name, kind in predictor.feature_types.items()
        )
    model = predictor.members[0].model
    columns = []
    for name, info in model.inputs.items():
        example = examples.columns.get(name or ARRAY)
        if example is not None:
            kind, shape = column_type(example), example.shape[1:]
        else:
            holds_integers = info.dtype == "integer" or name in model.integer_inputs
            kind, shape = "integer" if holds_integers else "number", info.shape
        columns.append(ExportedColumn(name or ARRAY, kind, shape))
    return tuple(columns)


def _window_columns(predictor: Predictor) -> Iterator[ExportedColumn]:
    windows, types = predictor.windows, predictor.feature_types or {}
    if windows is None:
        return
    for name, kind in types.items():
        yield _table_column(predictor, name, kind, window=windows.spec.past)
    for name in windows.spec.known:
        later = f"future.{name}"
        while later in types:
            later += "_"
        size = windows.spec.horizon
        yield _table_column(predictor, later, types[name], window=size, source=name)


def _table_column(predictor: Predictor, name: str, kind: ColumnType, **more: Any) -> ExportedColumn:
    """Return a column of a table, with the meaning of its text."""
    cells = predictor.cells
    decimal = "," if (more.get("source") or name) in cells.comma_columns else cells.decimal
    return ExportedColumn(name, kind, missing=cells.missing, decimal=decimal, **more)


def _member(
    member: Member,
    name: str,
    weight: float,
    columns: Sequence[ExportedColumn],
    examples: _Examples,
) -> ExportedMember:
    return ExportedMember(
        name=name,
        steps=tuple(_steps(member.preparation, columns, examples)),
        inputs=tuple(_inputs(member, columns)),
        nodes=exported_nodes(member.model),
        finish=tuple(_finish(member, number) for number in range(len(member.heads))),
        weight=weight,
    )


def exported_nodes(model: Model) -> tuple[ExportedNode, ...]:
    """Return the layers of a model with their parameters."""
    return tuple(
        ExportedNode(
            name=node.name,
            layer=node.layer,
            inputs=line.inputs,
            input_shapes=node.input_shapes,
            input_dtypes=node.input_dtypes,
            output_shape=node.output_shape,
            parameters={
                name: model.store.arrays[f"{model.nodes[node.owner].name}.{name}"]
                for name in node.parameters
            },
        )
        for node, line in zip(model.nodes, model.summary(), strict=True)
    )


def _inputs(member: Member, columns: Sequence[ExportedColumn]) -> Iterator[ExportedInput]:
    model, preparation = member.model, member.preparation
    columns_of: dict[str, tuple[str, ...]] = dict(preparation.inputs)
    if preparation.windows is not None:
        past = tuple(column.name for column in columns if not column.source)
        future = tuple(column.name for column in columns if column.source)
        columns_of = dict(zip(preparation.windows.inputs, (past, future), strict=False))
    sources: dict[str, tuple[tuple[str, ...], Part]] = {
        f"{name}_{part}" if name else part: (joined, part)
        for name, joined in columns_of.items()
        for part in get_args(Part)
    }
    sources |= {name: (joined, "values") for name, joined in columns_of.items()}
    windows = {column.name: column.window for column in columns}
    for name, info in model.inputs.items():
        joined, part = sources[name]
        limits = [
            limit.largest
            for node in model.nodes
            for read, limit in zip(node.reads, node.limits, strict=True)
            if read == name and limit is not None
        ]
        yield ExportedInput(
            value=f"input.{name}" if name else "input",
            columns=joined,
            shape=info.shape,
            dtype="integer" if name in model.integer_inputs else "float",
            part=part,
            window=windows[joined[0]],
            limit=min(limits, default=None),
        )


def _steps(
    preparation: FittedPreparation, columns: Sequence[ExportedColumn], examples: _Examples
) -> Iterator[ExportedStep]:
    """Yield the steps of each column; their types come from an example, or from no rows."""
    for column in columns:
        rows = np.empty((0, *column.shape), _RAW[column.type])
        example = examples.columns.get(column.name)
        if example is not None:
            rows = example[:1] if column.window is None else example[:1].reshape(-1)
        input_type: ColumnType = column.type
        for step in preparation.steps:
            state = step.states.get(column.source or column.name)
            if state is None:
                continue
            try:
                prepared = verified(Transform.apply, step.transform, rows, state)
            except (ColumnError, IndexError, ValueError) as error:
                if example is not None:
                    raise
                message = f'column "{column.name}": the result of {step.transform.type} '
                message += f"is unknown without the run's data: {error_message(error)}"
                hint = "keep the data where the spec names it"
                raise ExportError([(message, hint)]) from None
            values = prepared.values if isinstance(prepared, Sequences) else prepared
            yield ExportedStep(
                column=column.name,
                transform=step.transform,
                state=state,
                input_type=input_type,
                input_shape=rows.shape[1:],
                output_type=column_type(values[:0]),
                output_shape=values.shape[1:],
                gives=tuple(parts_of(prepared)),
            )
            rows, input_type = values, column_type(values[:0])


def _finish(member: Member, number: int) -> ExportedFinish:
    head, targets = member.heads[number], member.preparation.target_steps
    target = head.target_among(targets) if targets else None
    calibration = member.calibrations.get(head.name)
    steps = calibration.steps if calibration is not None else ()
    node = member.model.output(head.output)
    return ExportedFinish(
        value=node.name,
        value_shape=node.output_shape,
        loss=head.loss,
        target_steps=tuple((step.transform, step.state) for step in targets[target])
        if target is not None
        else (),
        calibration=tuple((step.calibrator, step.state) for step in steps),
    )


def _output(predictor: Predictor, number: int) -> ExportedOutput:
    head, reading = predictor.heads[number], predictor.readings[number]
    model = predictor.members[0].model
    outputs = predictions_of(
        head.loss, np.zeros((1, *model.output(head.output).output_shape), model.dtype)
    )
    output = ExportedOutput(
        name=head.name,
        shape=outputs.shape[1:],
        task=reading.task,
        classes=reading.classes,
        threshold=reading.threshold,
        scores=reading.scores,
    )
    calibration = predictor.calibrations.get(head.name)
    if calibration is None:
        return output
    bounds = calibration.intervals(outputs)
    if bounds is not None:
        return replace(output, intervals=True, interval_shape=bounds[0].shape[1:])
    return replace(output, sets=calibration.sets(outputs) is not None)


def predictions_of(loss: Loss, y_pred: Array) -> Array:
    """Return what a loss predicts for a model's output (n, *shape)."""
    with np.errstate(all="ignore"):
        return verified(Loss.predictions, loss, y_pred)
