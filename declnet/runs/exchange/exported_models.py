"""From a run's predictor to what exporters see: an `ExportedModel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.sample_arrays import ARRAY
from declnet.contracts.data.table import ColumnType, Table, column_type
from declnet.contracts.data.transform import ColumnError, Sequences, Transform, TransformState
from declnet.contracts.formats.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
)
from declnet.contracts.network.inputs import (
    UNNAMED,
    input_value,
    lengths_of,
    wrapped,
)
from declnet.contracts.network.layer import InputDtype, input_dtypes
from declnet.contracts.returned import verified
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.splits import Data
from declnet.data.usable_rows import OnError
from declnet.errors import ExportError, error_message
from declnet.graph.shapes import input_limits
from declnet.runs.exchange.odd_rows import odd_rows
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictions import AnyPredictions
from declnet.runs.inference.predictor import Predictor
from declnet.spec.heads import Head
from declnet.training.tasks import predictions_of

MOST_EXAMPLES = 256
"""Rows that a written file is compared with declnet on."""

MOST_WINDOWS = 16
"""The same for models of windows, which are predicted one by one."""

_RAW: dict[ColumnType, Any] = {"number": float, "integer": int, "boolean": bool, "text": object}


def exported_model(
    predictor: Predictor,
    names: Sequence[str] = ("",),
    metadata: Mapping[str, str] | None = None,
    data: Data | None = None,
) -> ExportedModel:
    """Return a predictor's model as exporters see it.

    Args:
        predictor: the predictor.
        names: a name for each of its members; empty for the only one.
        metadata: what identifies the run.
        data: raw samples, of which some become the examples; None if there are none.

    Raises:
        DataError: the model cannot predict the samples.
        ExportError: the type or shape that a transform returns is unknown without data.
    """
    examples = _Examples.of(predictor, data)
    columns = _columns(predictor, examples)
    total, dtype = sum(predictor.weights), predictor.members[0].model.dtype
    if any(member.model.dtype != dtype for member in predictor.members):
        message = "the members compute with different types of numbers"
        raise ExportError([(message, "train them with the same model.dtype")])
    members = tuple(
        replace(_member(member, name, columns, examples), weight=weight / total)
        for member, weight, name in zip(predictor.members, predictor.weights, names, strict=True)
    )
    outputs = tuple(_output(predictor, number, head) for number, head in enumerate(predictor.heads))
    return ExportedModel(
        predictor.spec.name or "model",
        columns,
        members,
        outputs,
        dtype,
        predictor.registry,
        metadata or {},
        examples.columns,
        examples.expected,
        examples.odd_columns,
        examples.odd_expected,
    )


@dataclass(frozen=True, eq=False)
class _Examples:
    """Raw samples by column and declnet's predictions for them."""

    columns: Mapping[str, Array] = field(default_factory=dict)
    expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)
    odd_columns: Mapping[str, Array] = field(default_factory=dict)
    odd_expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)

    @classmethod
    def of(cls, predictor: Predictor, data: Data | None) -> _Examples:
        if data is None or not len(data):
            return cls()
        if predictor.windows is not None:
            return cls(*_windows_of(predictor, data))
        part = data.take(np.arange(min(len(data), MOST_EXAMPLES)))
        types, raw = _types(predictor), part.records.columns
        columns = {name: _as_type(np.asarray(raw[name]), types.get(name)) for name in types or raw}
        odd = odd_rows(columns, predictor.cells)

        def predicted(columns: Mapping[str, Array], on_error: OnError) -> Any:
            data: Any = columns
            if isinstance(part, Table):
                data = Table(columns)
            elif UNNAMED in part.inputs:
                data = columns[ARRAY]
            return _expected(predictor.predict(data, on_error))

        expected = predicted(columns, "fail")
        if not len(next(iter(odd.values()))):
            return cls(columns, expected)
        return cls(columns, expected, odd, predicted(odd, "empty"))


def _as_type(column: Array, kind: ColumnType | None) -> Array:
    """Return a column with the type of the training data's, if no missing values prevent it."""
    return column.astype(float) if kind == "number" and column.dtype.kind != "O" else column


def _windows_of(
    predictor: Predictor, data: Data
) -> tuple[dict[str, Array], dict[str, ExportedPredictions]]:
    """Return windows of a table as samples, and the predictions for each."""
    windows = predictor.windows
    if windows is None or not isinstance(data, Table):
        return {}, {}
    past, ahead = windows.spec.past, windows.spec.horizon if windows.spec.known else 0
    own = max(windows.series_in(data).values(), key=len)
    starts = np.arange(max(0, len(own) - past - ahead + 1))
    if not len(starts):
        return {}, {}
    chosen = starts[np.linspace(0, len(starts) - 1, min(len(starts), MOST_WINDOWS)).astype(int)]
    tables = [data.take(own[start : start + past + ahead]) for start in chosen]
    found = [_expected(predictor.predict(table)) for table in tables]
    columns = {}
    for column in _window_columns(predictor):
        part = slice(past, None) if column.source else slice(past)
        name = column.source or column.name
        kept = [_as_type(table.columns[name], column.type)[part] for table in tables]
        columns[column.name] = np.stack(kept)
    return columns, {name: _stacked([own[name] for own in found]) for name in found[0]}


def _stacked(found: Sequence[ExportedPredictions]) -> ExportedPredictions:
    def joined(name: str) -> Any:
        parts = [getattr(each, name) for each in found]
        return None if parts[0] is None else np.concatenate(parts)

    others = (joined(name) for name in ("lower", "upper", "sets", "valid"))
    return ExportedPredictions(joined("prediction"), joined("outputs"), *others)


def _expected(predictions: AnyPredictions) -> dict[str, ExportedPredictions]:
    expected = {}
    for name, found in wrapped(predictions).items():
        valid = np.ones(len(found), bool)
        valid[list(found.errors or ())] = False
        limits = found.lower, found.upper, found.sets
        expected[name] = ExportedPredictions(found.prediction, found.outputs, *limits, valid)
    return expected


def _types(predictor: Predictor) -> Mapping[str, ColumnType]:
    return predictor.feature_types or {}


def _of_table(predictor: Predictor, name: str, kind: ColumnType, **more: Any) -> ExportedColumn:
    """Return a column of a table, with the meaning of its text."""
    cells = predictor.cells
    decimal = "," if (more.get("source") or name) in cells.comma_columns else cells.decimal
    return ExportedColumn(name, kind, missing=cells.missing, decimal=decimal, **more)


def _columns(predictor: Predictor, examples: _Examples) -> tuple[ExportedColumn, ...]:
    """Return the raw columns of a table, or those that arrays are."""
    if predictor.windows is not None:
        return tuple(_window_columns(predictor))
    types = _types(predictor)
    if types:
        return tuple(_of_table(predictor, name, kind) for name, kind in types.items())
    model = predictor.members[0].model
    columns = []
    for name, info in model.inputs.items():
        known = examples.columns.get(name or ARRAY)
        if known is not None:
            kind = column_type(known)
            columns.append(ExportedColumn(name or ARRAY, kind, known.shape[1:]))
        else:
            integers = info.dtype == "integer" or name in model.integer_inputs
            columns.append(
                ExportedColumn(name or ARRAY, "integer" if integers else "number", info.shape)
            )
    return tuple(columns)


def _window_columns(predictor: Predictor) -> Iterator[ExportedColumn]:
    windows, types = predictor.windows, _types(predictor)
    if windows is None:
        return
    for name, each in types.items():
        yield _of_table(predictor, name, each, window=windows.spec.past)
    for name in windows.spec.known:
        later = f"future.{name}"
        while later in types:
            later += "_"
        size = windows.spec.horizon
        yield _of_table(predictor, later, types[name], window=size, source=name)


def _member(
    member: Member, name: str, columns: Sequence[ExportedColumn], examples: _Examples
) -> ExportedMember:
    model, preparation = member.model, member.preparation
    steps = tuple(_steps(preparation, columns, examples))
    nodes = []
    for node in model.nodes:
        reads = zip(node.inputs, node.reads, strict=True)
        owner = model.nodes[node.owner].name
        nodes.append(
            ExportedNode(
                node.name,
                node.layer,
                tuple(
                    model.nodes[value - 1].name if read is None else input_value(read)
                    for value, read in reads
                ),
                node.input_shapes,
                input_dtypes(node.layer, len(node.inputs)),
                node.output_shape,
                {
                    parameter: model.store.arrays[f"{owner}.{parameter}"]
                    for parameter in node.parameters
                },
            )
        )
    finish = tuple(_finish(member, head) for head in member.heads)
    return ExportedMember(name, steps, tuple(_inputs(member, columns)), tuple(nodes), finish)


def _inputs(member: Member, columns: Sequence[ExportedColumn]) -> Iterator[ExportedInput]:
    model, preparation = member.model, member.preparation
    windows = preparation.windows
    if windows is not None:
        past = tuple(column.name for column in columns if not column.source)
        future = tuple(column.name for column in columns if column.source)
        named = dict(zip(windows.inputs, (past, future), strict=False))
    else:
        named = dict(preparation.inputs)
    sizes = {column.name: column.window for column in columns}
    lengths = {lengths_of(name): own for name, own in named.items()}
    limits = input_limits(model.nodes)
    for name, info in model.inputs.items():
        own = named.get(name, lengths.get(name, ()))
        dtype: InputDtype = "integer" if name in model.integer_inputs else "float"
        of_lengths = name not in named
        limit = limits[name][0].largest if name in limits else None
        window = sizes[own[0]]
        yield ExportedInput(input_value(name), own, info.shape, dtype, of_lengths, window, limit)


def _steps(
    preparation: FittedPreparation, columns: Sequence[ExportedColumn], examples: _Examples
) -> Iterator[ExportedStep]:
    """Yield the steps of each column, which come from an empty one, or else from an example."""
    for column in columns:
        now = np.empty((0, *column.shape), _RAW[column.type])
        known = examples.columns.get(column.name)
        example = None if known is None else known[:1]
        if example is not None and column.window is not None:
            example = example.reshape(-1)
        for step in preparation.steps:
            state = step.states.get(column.source or column.name)
            if state is None:
                continue
            before, lengths = now, None
            if example is not None:
                example, lengths = _applied(step.transform, state, example)
                now = example[:0]
            else:
                try:
                    now, lengths = _applied(step.transform, state, now)
                except (ColumnError, IndexError, ValueError) as error:
                    message = f'column "{column.name}": the result of {step.transform.type} '
                    message += f"is unknown without the run's data: {error_message(error)}"
                    raise ExportError(
                        [(message, "keep the data where the spec names it")]
                    ) from None
            yield ExportedStep(
                column.name,
                step.transform,
                state,
                column_type(before),
                before.shape[1:],
                column_type(now),
                now.shape[1:],
                lengths is not None,
            )


def _applied(transform: Transform, state: TransformState, x: Array) -> tuple[Array, Array | None]:
    applied = verified(Transform.apply, transform, x, state)
    if isinstance(applied, Sequences):
        return applied.values, applied.lengths
    return applied, None


def _finish(member: Member, head: Head) -> ExportedFinish:
    targets = member.preparation.target_steps
    name = head.target_among(targets) if targets else None
    calibration = member.calibrations.get(head.name)
    node = member.model.output(head.output)
    return ExportedFinish(
        node.name,
        node.output_shape,
        head.loss,
        tuple((each.transform, each.state) for each in targets[name]) if name is not None else (),
        tuple((step.calibrator, step.state) for step in calibration.steps)
        if calibration is not None
        else (),
    )


def _output(predictor: Predictor, number: int, head: Head) -> ExportedOutput:
    model, reading = predictor.members[0].model, predictor.readings[number]
    node = model.output(head.output)
    empty = np.zeros((1, *node.output_shape), model.dtype)
    outputs = predictions_of(head.loss, empty)
    found = ExportedOutput(
        head.name,
        outputs.shape[1:],
        reading.sort,
        reading.classes,
        reading.threshold,
        reading.scores,
    )
    calibration = predictor.calibrations.get(head.name)
    if calibration is None:
        return found
    bounds = calibration.intervals(outputs)
    if bounds is not None:
        return replace(found, intervals=True, interval_shape=bounds[0].shape[1:])
    return replace(found, sets=calibration.sets(outputs) is not None)
