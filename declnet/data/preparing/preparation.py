"""Preparation: transforms fitted to the training data that turn tables or arrays into x."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray, Shape
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.returned import (
    checked_levels,
    checked_names,
    checked_sequences,
    checked_suits,
)
from declnet.contracts.data.table import CellFormat, ColumnType, Table, missing_values
from declnet.contracts.data.transform import Transform, TransformState
from declnet.contracts.network.inputs import (
    UNNAMED,
    InputInfo,
    Inputs,
    by_name,
    for_each,
    lengths_of,
)
from declnet.data.columns import features_of, joined, located, require_column, typed
from declnet.data.preparing.named_inputs import require_divided, require_sequences_alone
from declnet.data.preparing.target_encoding import TargetEncoding, target_encodings
from declnet.data.preparing.targets import (
    Fit,
    TargetSteps,
    WantedTarget,
    fit_to_all,
    prepared_target,
)
from declnet.data.preparing.windows import Windows
from declnet.errors import DataError
from declnet.registry.spelling import counted

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
        windows: how rows become samples; None if each row is one.
        cells: how the cells of text are written in the training data, and in any other data.
    """

    types: Mapping[str, ColumnType] | None
    steps: tuple[FittedStep, ...]
    feature_names: tuple[str, ...] | None
    targets: Mapping[str, TargetEncoding] | None
    inputs: Mapping[str, tuple[str, ...]] | None = None
    target_steps: TargetSteps = field(default_factory=dict)
    windows: Windows | None = None
    cells: CellFormat = field(default_factory=CellFormat)

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

        Rows are independent of each other, so data can be prepared in chunks; but windows make one
        sample of the last rows of each series.

        Args:
            data: a table or columns by name (non-feature columns are ignored), or an array
                (n, *sample shape) if the model was trained on arrays, or several by name.

        Returns:
            An array, or one for each input by name if the inputs are named. Sequences add an input
            of their lengths, and the only input of sequences then has the name `""`.

        Raises:
            DataError: a column is missing or has a different type, or a row cannot be prepared.
        """
        records = self.records(data)
        if self.windows is not None:
            before, after = self.windows.last(records)
            past = self._windows(records, before, self.types)
            if after is None:
                return past
            known = {name: (self.types or {})[name] for name in self.windows.spec.known}
            future = self._windows(records, after, known)
            return dict(zip(self.windows.inputs, (past, future), strict=True))
        columns, lengths = self.transformed(records, self.types)
        inputs = self.inputs or {UNNAMED: tuple(columns)}
        x = {}
        for name, own in inputs.items():
            alone = self.types is None or own[0] in lengths
            x[name] = columns[own[0]] if alone else joined({c: columns[c] for c in own}, records)
            if own[0] in lengths:
                x[lengths_of(name)] = lengths[own[0]]
        return x if self.inputs is not None or lengths else x[UNNAMED]

    def of_column(self, name: str) -> FittedPreparation:
        """Return the preparation of one of a table's columns alone."""
        return replace(self, types={name: (self.types or {})[name]}, inputs=None)

    def transformed(
        self, records: Table, types: Mapping[str, ColumnType] | None
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the transformed columns, and the lengths of those that became sequences.

        Args:
            types: the columns to transform, with their types; None for arrays.
        """
        columns = dict(records.columns) if types is None else typed(records, types, self.cells)
        lengths: dict[str, Array] = {}
        for step in self.steps:
            for name, state in step.states.items():
                if name in columns:
                    with located(step.transform, name, records, step.number):
                        columns[name] = _applied(
                            step.transform, name, columns[name], state, lengths
                        )
        return columns, lengths

    def _windows(
        self, records: Table, rows: Array, types: Mapping[str, ColumnType] | None
    ) -> Array:
        """Return some columns of prepared rows, whose positions are (n, size): (n, size, …)."""
        records = records.take(rows.reshape(-1))
        found = joined(self.transformed(records, types)[0], records)
        return found.reshape(*rows.shape, -1)

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
        ys = {name: each.encode(data, self.cells) for name, each in self.targets.items()}
        y = ys.get(UNNAMED, ys)
        if self.windows is not None:
            series = self.windows.long_enough(self.windows.series_in(data))
            columns, _ = self.transformed(data, self.types)
            own = {name: columns[name] for name in self.windows.spec.known}
            known = joined(own, data) if own else None
            return Dataset(*self.windows.samples(joined(columns, data), known, y, series))
        x = self.apply(data)
        return Dataset(x, y, None, names, self.class_names)

    def input_infos(self, x: Inputs) -> dict[str, InputInfo]:
        """Describe prepared samples, with their numbers of levels as far as transforms say them."""
        if self.windows is not None:
            return {name: InputInfo.of(each) for name, each in by_name(x).items()}
        levels = {name: (2,) for name, each in (self.types or {}).items() if each == "boolean"}
        for step in self.steps:
            for name, state in step.states.items():
                levels.pop(name, None)
                count = checked_levels(step.transform, step.transform.levels(state))
                if count is not None:
                    levels[name] = (count,)
        only = (ARRAY,) if self.types is None else tuple(self.types)
        infos = {}
        inputs, arrays = self.inputs or {UNNAMED: only}, by_name(x)
        for name, each in arrays.items():
            found = InputInfo.of(each)
            if name not in inputs:
                infos[name] = replace(found, optional=True)
                continue
            known = [levels.get(column) for column in inputs[name]]
            if lengths_of(name) in arrays and lengths_of(name) not in inputs:
                (shared,) = known[0] or (None,)
                infos[name] = replace(found, vocabulary=shared)
                continue
            flat = tuple(count for counts in known if counts is not None for count in counts)
            complete = None not in known and len(flat) == prod(found.shape)
            if complete and found.dtype == "integer":
                found = replace(found, levels=flat)
            infos[name] = found
        return infos

    def records(self, data: Table | Mapping[str, Array] | Array) -> Table:
        """Return data as a table, of which arrays are columns; raise DataError as `apply`."""
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
    windows: Windows | None = None,
    fit: Fit = fit_to_all,
) -> FittedPreparation:
    """Fit transforms in order, each to the training data as transformed by the previous ones.

    Args:
        wanted: the targets as the losses want them.
        without: columns that are not features.
        inputs: the columns of each named input of a table.
        windows: how rows become samples; None if each row is one.
        fit: fits a transform to a column.

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
            targets = {UNNAMED: TargetEncoding.of_names(data.class_names)}
    else:
        records = data
        if windows is None:
            features = features_of(data, without)
        else:
            features = windows.features(data, tuple(without), wanted)
        if inputs is not None:
            require_divided(inputs, data, features, set(without))
        types = {name: data.types[name] for name in features}
        columns = typed(records, types, records.cells)
        names = {name: (name,) for name in types}
        targets = target_encodings(data, wanted)
    steps = []
    lengths: dict[str, Array] = {}
    for number, transform in enumerate(transforms):
        if transform.training_only:
            continue
        states = {}
        for name in _chosen(transform, columns, lengths, number):
            with located(transform, name, records, number):
                states[name] = fit(transform, name, number, columns[name])
                columns[name] = _applied(transform, name, columns[name], states[name], lengths)
            names[name] = _renamed(transform, names[name], states[name], columns[name])
        steps.append(FittedStep(transform, states, number))
    if lengths and windows is not None:
        raise DataError(
            f'column "{next(iter(lengths))}" becomes sequences, which windows cannot hold',
            hint="leave it out of the features",
            path=("data", "prepare"),
            code="E039",
        )
    if lengths:
        require_sequences_alone(lengths, inputs, tuple(columns))
    in_order = columns if inputs is None else [each for own in inputs.values() for each in own]
    feature_names = (
        () if lengths or windows else tuple(each for name in in_order for each in names[name])
    )
    return FittedPreparation(
        types,
        tuple(steps),
        feature_names or None,
        targets,
        inputs,
        windows=windows,
        cells=records.cells,
    )


def _applied(
    transform: Transform,
    name: str,
    column: Array,
    state: TransformState,
    lengths: dict[str, Array],
) -> Array:
    """Return the transformed column; if it becomes sequences, `lengths` gets theirs."""
    values, own = checked_sequences(transform, transform.apply(column, state), len(column))
    if own is not None:
        lengths[name] = own
    return values


def _in_memory(x: Array | MappedArray) -> Array:
    if isinstance(x, MappedArray):
        raise DataError(
            "data that is mapped from a file cannot be prepared: that takes all of it in memory",
            hint="prepare it beforehand, or read it into memory: mapped = false",
            path=("data", "prepare"),
            code="E035",
        )
    return x


def _chosen(
    transform: Transform, columns: Mapping[str, Array], sequences: Collection[str], number: int
) -> list[str]:
    """Return the columns that a transform applies to; columns of sequences are complete."""
    if transform.columns is None:
        return [
            name
            for name, column in columns.items()
            if name not in sequences and checked_suits(transform, transform.suits(column))
        ]
    for position, name in enumerate(transform.columns):
        path = ("data", "prepare", number, "columns", position)
        require_column(columns, name, path=path)
        if name in sequences:
            raise DataError(
                f'column "{name}" holds sequences already, which {transform.type} cannot transform',
                hint="remove it from these columns",
                path=path,
                code="E035",
            )
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
            fault = f"is {column[at]!r}, but the model was trained on numbers"
            raise DataError.in_cell(records.row_number(at), name, fault)
    x = np.stack([records.columns[name] for name in names], axis=1)
    return Table({ARRAY: x.reshape(len(x), *input_shape)}, rows=records.rows)
