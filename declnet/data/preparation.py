"""Preparation: transforms fitted to the training data that turn tables or arrays into x."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray, Shape
from declnet.contracts.data_source import Dataset
from declnet.contracts.inputs import UNNAMED, InputInfo, Inputs, by_name, for_each
from declnet.contracts.returned import (
    checked_column,
    checked_fit,
    checked_levels,
    checked_names,
    checked_suits,
)
from declnet.contracts.table import ColumnType, Table, missing_values
from declnet.contracts.transform import Transform, TransformState
from declnet.data.columns import features_of, joined, located, require_column, typed
from declnet.data.named_inputs import require_divided
from declnet.data.target_encoding import NAMED_LABELS, TargetEncoding
from declnet.data.targets import TargetSteps, WantedTarget, prepared_target
from declnet.errors import DataError
from declnet.registry.spelling import counted, suggestion

ARRAY = "x"
"""Name of the single column of data that comes as an array."""


@dataclass(frozen=True, eq=False)
class FittedStep:
    """A transform with its fitted state for each column it applies to.

    Attributes:
        number: its position in `data.prepare`, where training-only transforms count too.
    """

    transform: Transform
    states: Mapping[str, TransformState]
    number: int


@dataclass(frozen=True, eq=False)
class FittedPreparation:
    """A preparation fitted to the training data, applied unchanged to any other data.

    Attributes:
        types: the table's feature columns in order, with their types; None for arrays.
        steps: the fitted transforms in order, without training-only ones.
        feature_names: names of the values in a prepared sample, input by input; None for
            multidimensional samples.
        targets: how each target is encoded, by name, `""` if y is one array; None for arrays whose
            classes have no names: their y is used unchanged.
        inputs: for a model with named inputs, the columns of each; a column of arrays is an input.
        target_steps: the fitted transforms of targets, which predictions invert.
    """

    types: Mapping[str, ColumnType] | None
    steps: tuple[FittedStep, ...]
    feature_names: tuple[str, ...] | None
    targets: Mapping[str, TargetEncoding] | None
    inputs: Mapping[str, tuple[str, ...]] | None = None
    target_steps: TargetSteps = field(default_factory=dict)

    @property
    def target(self) -> TargetEncoding | None:
        """How y is encoded; None for arrays, and for several targets by name."""
        return (self.targets or {}).get(UNNAMED)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of the targets of a table."""
        return tuple(dict.fromkeys(each.column for each in (self.targets or {}).values()))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names in the order of the model's outputs; None if y does not hold classes."""
        return self.target.class_names if self.target is not None else None

    def target_as_prepared(self, y: Array, name: str) -> Array:
        """Return a target as its loss gets it; raise DataError if a sample cannot be prepared."""
        return prepared_target(y, self.target_steps.get(name, ()), name)

    def apply(self, data: Table | Mapping[str, Array] | Array) -> Any:
        """Prepare any number of rows and return x as the model takes it, in new arrays.

        Rows are independent of each other, so data can be prepared in chunks.

        Args:
            data: a table or columns by name (non-feature columns are ignored), or an array
                (n, *sample shape) if the model was trained on arrays, or several by name.

        Returns:
            An array, or one for each input by name if the inputs are named.

        Raises:
            DataError: a column is missing or has a different type, or a row cannot be prepared.
        """
        records = self._as_records(data)
        columns = dict(records.columns) if self.types is None else typed(records, self.types)
        for step in self.steps:
            for name, state in step.states.items():
                with located(step.transform, name, records, step.number):
                    columns[name] = _applied(step.transform, columns[name], state)
        if self.types is None:
            return columns[ARRAY] if self.inputs is None else columns
        if self.inputs is None:
            return joined(columns, records)
        return {
            name: joined({each: columns[each] for each in own}, records)
            for name, own in self.inputs.items()
        }

    def apply_to_set(self, data: Table | Dataset) -> Dataset:
        """Prepare a data set with its targets; raise DataError as `apply` does."""
        names = self.feature_names if self.inputs is None else None
        if isinstance(data, Dataset):
            if self.target is not None:
                labels = self.target.encode_labels(data)
                data = replace(data, y=labels, class_names=self.class_names)
            if not self.steps:
                return replace(data, feature_names=names)
            x = self.apply(for_each(_in_memory, data.x))
            return Dataset(x, data.y, data.weights, names, data.class_names)
        if self.targets is None:
            raise DataError("the model was trained on arrays, but this is a table")
        ys = {name: each.encode(data) for name, each in self.targets.items()}
        x, y = self.apply(data), ys.get(UNNAMED, ys)
        return Dataset(x, y, None, names, self.class_names)

    def input_infos(self, x: Inputs) -> dict[str, InputInfo]:
        """Describe prepared samples, with their numbers of levels as far as transforms say them."""
        levels = {name: (2,) for name, each in (self.types or {}).items() if each == "boolean"}
        for step in self.steps:
            for name, state in step.states.items():
                levels.pop(name, None)
                count = checked_levels(step.transform, step.transform.levels(state))
                if count is not None:
                    levels[name] = (count,)
        only = (ARRAY,) if self.types is None else tuple(self.types)
        infos = {}
        for name, each in by_name(x).items():
            found = InputInfo.of(each)
            known = [levels.get(column) for column in (self.inputs or {UNNAMED: only})[name]]
            flat = tuple(count for counts in known if counts is not None for count in counts)
            complete = None not in known and len(flat) == prod(found.shape)
            if complete and found.dtype == "integer":
                found = replace(found, levels=flat)
            infos[name] = found
        return infos

    def _as_records(self, data: Table | Mapping[str, Array] | Array) -> Table:
        if self.types is not None:
            if isinstance(data, np.ndarray):
                raise DataError("the model was trained on a table: give its columns by name")
        elif isinstance(data, np.ndarray):
            if self.inputs is not None:
                raise DataError(
                    f"the model has the inputs {', '.join(self.inputs)}: give an array for each, "
                    "by name"
                )
            return Table({ARRAY: data})
        else:
            columns = data.columns if isinstance(data, Table) else data
            expected = {ARRAY} if self.inputs is None else set(self.inputs)
            if set(columns) != expected:
                if self.inputs is None:
                    raise DataError("the model was trained on arrays, but this is a table")
                raise DataError(
                    f"the model has the inputs {', '.join(self.inputs)}, but x has "
                    f"{', '.join(columns)}"
                )
        return data if isinstance(data, Table) else Table(data)


def fit_preparation(
    data: Table | Dataset,
    transforms: Sequence[Transform],
    wanted: Sequence[WantedTarget],
    without: Iterable[str] = (),
    inputs: Mapping[str, tuple[str, ...]] | None = None,
) -> FittedPreparation:
    """Fit transforms in order, each to the training data as transformed by the previous ones.

    Args:
        wanted: the targets as the losses want them.
        without: columns that are not features.
        inputs: the columns of each named input of a table.

    Raises:
        DataError: the inputs do not divide the features, or a transform names a missing column
            or cannot be fitted.
    """
    types, targets = None, None
    if isinstance(data, Dataset):
        named = by_name(data.x)
        arrays: dict[str, Any] = {name or ARRAY: each for name, each in named.items()}
        if any(not transform.training_only for transform in transforms):
            arrays = {name: _in_memory(each) for name, each in arrays.items()}
        records = Table(arrays)
        columns = dict(records.columns)
        names = dict.fromkeys(columns, data.feature_names or ())
        inputs = {name: (name,) for name in columns} if isinstance(data.x, Mapping) else None
        if data.class_names is not None:
            targets = {UNNAMED: TargetEncoding(NAMED_LABELS, data.class_names)}
            if len(data.class_names) < 2:
                raise DataError(
                    f'the training data has only one class, "{data.class_names[0]}"',
                    hint="classification needs at least two classes",
                    path=("data", "train"),
                    code="E035",
                )
    else:
        records = data
        features = features_of(data, without)
        if inputs is not None:
            require_divided(inputs, data, features, set(without))
        types = {name: data.types[name] for name in features}
        columns = typed(records, types)
        names = {name: (name,) for name in types}
        targets = _encodings(data, wanted)
    steps = []
    for number, transform in enumerate(transforms):
        if transform.training_only:
            continue
        states = {}
        for name in _chosen(transform, columns, number):
            with located(transform, name, records, number):
                states[name] = checked_fit(transform, transform.fit(columns[name]))
                columns[name] = _applied(transform, columns[name], states[name])
            names[name] = _renamed(transform, names[name], states[name], columns[name])
        steps.append(FittedStep(transform, states, number))
    in_order = columns if inputs is None else [each for own in inputs.values() for each in own]
    feature_names = tuple(each for name in in_order for each in names[name])
    return FittedPreparation(types, tuple(steps), feature_names or None, targets, inputs)


def _encodings(data: Table, wanted: Sequence[WantedTarget]) -> dict[str, TargetEncoding]:
    """Return how each wanted target of a table is encoded, by name; `""` for the only one."""
    columns = data.target_columns
    if not columns:
        raise DataError("the training data has no target column", path=("data", "train"))
    encodings: dict[str, TargetEncoding] = {}
    for each in wanted:
        if not each.name and len(columns) > 1:
            raise DataError(
                f"the data has the targets {', '.join(columns)}, but [loss] takes one",
                hint=f"a loss for each: [losses.{columns[0]}], …",
                path=each.path,
                code="E046",
            )
        column = each.name or columns[0]
        if column not in columns:
            hint = suggestion(column, columns, "targets")
            raise DataError(
                f'the data has no target "{column}"', hint=hint, path=each.name_path, code="E046"
            )
        encoding = TargetEncoding.of(data, column, each)
        known = encodings.setdefault(each.name, encoding)
        if known.classes != encoding.classes:
            raise DataError(
                f'one loss takes the target "{column}" as numbers, another one as classes',
                path=each.path,
                code="E041",
            )
    return encodings


def _applied(transform: Transform, column: Array, state: TransformState) -> Array:
    return checked_column(transform, transform.apply(column, state), len(column))


def _in_memory(x: Array | MappedArray) -> Array:
    if isinstance(x, MappedArray):
        raise DataError(
            "data that is mapped from a file cannot be prepared: that takes all of it in memory",
            hint="prepare it beforehand, or read it into memory: mapped = false",
            path=("data", "prepare"),
            code="E035",
        )
    return x


def _chosen(transform: Transform, columns: Mapping[str, Array], number: int) -> list[str]:
    """Return the columns that a transform applies to."""
    if transform.columns is None:
        return [
            name
            for name, column in columns.items()
            if checked_suits(transform, transform.suits(column))
        ]
    for position, name in enumerate(transform.columns):
        require_column(columns, name, path=("data", "prepare", number, "columns", position))
    return list(dict.fromkeys(transform.columns))


def _renamed(
    transform: Transform, names: tuple[str, ...], state: TransformState, column: Array
) -> tuple[str, ...]:
    """Return the names after a transform; numbered if it returns the wrong number of names."""
    width = int(np.prod(column.shape[1:]))
    given = checked_names(transform, transform.feature_names(names, state))
    if len(given) == width:
        return given
    return tuple(f"{names[0]}[{index}]" for index in range(width)) if names else ()


def stacked(records: Table, input_shape: Shape) -> Table:
    """Stack columns in order into a single column of samples (n, *input shape).

    Raises:
        DataError: the number of columns does not match the sample size, or a column holds text.
    """
    names, size = records.feature_columns, prod(input_shape)
    if len(names) != size:
        raise DataError(
            f"the model was trained on arrays, samples of {counted(size, 'number')}, "
            f"but the table has {counted(len(names), 'column')}",
            hint="give it just these numbers, in the same order",
        )
    for name in names:
        column = records.columns[name]
        if column.dtype.kind == "O":
            at = int(np.argmin(missing_values(column)))
            raise DataError(
                f'row {records.row_number(at)}, column "{name}" is {column[at]!r}, but the model '
                "was trained on numbers"
            )
    x = np.stack([records.columns[name] for name in names], axis=1)
    return Table({ARRAY: x.reshape(len(x), *input_shape)}, rows=records.rows)
