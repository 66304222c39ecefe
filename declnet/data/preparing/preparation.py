"""Preparation: transforms fitted to the training data that turn tables or arrays into x."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np

from declnet.contracts.arrays import Array, MappedArray, Shape
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.sample_arrays import ARRAY
from declnet.contracts.data.table import CellFormat, ColumnType, Table, missing_values
from declnet.contracts.data.transform import Sequences, Transform, TransformState
from declnet.contracts.network.inputs import UNNAMED, InputInfo, Inputs, lengths_of
from declnet.contracts.returned import verified
from declnet.data.columns import features_of, joined, located, require_column, typed
from declnet.data.preparing.column_steps import ColumnSteps, FittedStep
from declnet.data.preparing.forecasting import last, with_future
from declnet.data.preparing.named_inputs import require_divided, require_sequences_alone
from declnet.data.preparing.target_encoding import TargetEncoding, target_encodings
from declnet.data.preparing.targets import (
    Fit,
    LossTarget,
    TargetSteps,
    fit_to_all,
    prepared_target,
)
from declnet.data.preparing.unusual_cells import Observe, TrainingCells
from declnet.data.preparing.windows import Windows
from declnet.display.words import counted
from declnet.errors import DataError


@dataclass(frozen=True, eq=False)
class FittedPreparation:
    """A preparation fitted to the training data, applied unchanged to any other data.

    Attributes:
        types: the table's feature columns in order, with their types; None for arrays.
        steps: the fitted transforms in order, without training-only ones.
        feature_names: names of the values in a prepared sample, input by input; None for
            multidimensional samples.
        targets: how each target is encoded, by name, `""` if y is one array; empty for arrays whose
            classes have no names: their y is used unchanged.
        inputs: the columns of each input of the model; a column of arrays is an input.
        target_steps: the fitted transforms of targets, which predictions invert.
        windows: how rows become samples; None if each row is one.
        cells: how the cells of text are written in the training data, and in any other data.
        training: what is known of the training data's cells by feature; empty if nothing is.
    """

    types: Mapping[str, ColumnType] | None = None
    steps: tuple[FittedStep, ...] = ()
    feature_names: tuple[str, ...] | None = None
    targets: Mapping[str, TargetEncoding] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target_steps: TargetSteps = field(default_factory=dict)
    windows: Windows | None = None
    cells: CellFormat = field(default_factory=CellFormat)
    training: Mapping[str, TrainingCells] = field(default_factory=dict)

    @classmethod
    def of_arrays(cls, names: Iterable[str]) -> FittedPreparation:
        """Return the preparation that leaves arrays unchanged; one without a name is `""`."""
        return cls(inputs={name: (name or ARRAY,) for name in names})

    @property
    def changes_nothing(self) -> bool:
        """Whether arrays are used as they are, so that there is nothing to store."""
        return self.types is None and not (self.steps or self.targets or self.target_steps)

    @property
    def target(self) -> TargetEncoding | None:
        """How y is encoded; None for arrays, and for several targets by name."""
        return self.targets.get(UNNAMED)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of the targets of a table."""
        return tuple(dict.fromkeys(target.column for target in self.targets.values()))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names in the order of the model's outputs; None if y does not hold classes."""
        return self.target.class_names if self.target is not None else None

    def target_as_prepared(self, y: Array, name: str) -> Array:
        """Return a target as its loss gets it; raise DataError if a sample cannot be prepared."""
        return prepared_target(y, self.target_steps.get(name, ()), name)

    def apply(self, records: Table, observe: Observe | None = None) -> dict[str, Array]:
        """Prepare any number of rows and return each input of the model, in new arrays.

        Rows are independent of each other, so data can be prepared in chunks; but windows make one
        sample of the last rows of each series.

        Args:
            records: the columns (others are ignored); of a model that was trained on arrays, one
                for each input, (n, *sample shape).
            observe: called with the columns of a table before they are transformed.

        Returns:
            An array for each input by name. Sequences add inputs of their lengths and weights.

        Raises:
            DataError: a column is missing or has a different type, or a row cannot be prepared.
        """
        if self.types is None:
            self._require_inputs(records)
        if self.windows is not None:
            records = with_future(self.windows, records, self.target_columns)
            before, after = last(self.windows, records)
            parts = [self._windows(records, before, self.types, observe)]
            if after is not None:
                known = {name: (self.types or {})[name] for name in self.windows.spec.known}
                parts.append(self._windows(records, after, known, observe))
            return dict(zip(self.windows.inputs, parts, strict=True))
        columns, sequences = self.transformed(records, self.types, observe)
        x = {}
        for name, names in self.inputs.items():
            alone = self.types is None or names[0] in sequences
            x[name] = (
                columns[names[0]] if alone else joined({c: columns[c] for c in names}, records)
            )
            if names[0] in sequences:
                x.update(sequences[names[0]].other_inputs(name))
        return x

    def of_column(self, name: str) -> FittedPreparation:
        """Return the preparation of one of a table's columns alone."""
        return replace(self, types={name: (self.types or {})[name]}, inputs={UNNAMED: (name,)})

    def transformed(
        self,
        records: Table,
        types: Mapping[str, ColumnType] | None,
        observe: Observe | None = None,
    ) -> tuple[dict[str, Array], dict[str, Sequences]]:
        """Return the transformed columns, and the sequences that some of them became.

        Args:
            types: the columns to transform, with their types; None for arrays.
            observe: as for `apply`.
        """
        if types is None:
            return self._steps.transformed(records.columns, records)
        columns = typed(records, types, self.cells)
        transformed = self._steps.transformed(columns, records, together=True)
        if observe is not None:
            observe(columns)
        return transformed

    @cached_property
    def _input_columns(self) -> frozenset[str]:
        return frozenset(column for columns in self.inputs.values() for column in columns)

    @cached_property
    def _steps(self) -> ColumnSteps:
        return ColumnSteps(self.steps)

    def _windows(
        self,
        records: Table,
        rows: Array,
        types: Mapping[str, ColumnType] | None,
        observe: Observe | None,
    ) -> Array:
        """Return some columns of prepared rows, whose positions are (n, size): (n, size, …)."""
        records = records.take(rows.reshape(-1))
        prepared = joined(self.transformed(records, types, observe)[0], records)
        return prepared.reshape(*rows.shape, -1)

    def apply_to_set(self, data: Table | Dataset) -> Dataset:
        """Prepare a data set with its targets; raise DataError as `apply` does."""
        names = self.feature_names
        if isinstance(data, Dataset):
            if self.types is not None:
                raise DataError("the model was trained on a table: give its columns by name")
            if self.target is not None:
                labels = self.target.encode_labels(data)
                data = replace(data, y=labels, class_names=self.class_names)
            x = self.apply(_in_memory(data.records)) if self.steps else data.inputs
            return replace(data, x=x, feature_names=names, rows=None)
        if self.types is None:
            raise DataError("the model was trained on arrays, but this is a table")
        ys = {name: target.encode(data, self.cells) for name, target in self.targets.items()}
        if self.windows is not None:
            series = self.windows.long_enough(self.windows.series_in(data))
            columns, _ = self.transformed(data, self.types)
            in_advance = {name: columns[name] for name in self.windows.spec.known}
            known = joined(in_advance, data) if in_advance else None
            inputs, targets = self.windows.samples(joined(columns, data), known, ys, series)
            return Dataset(inputs, targets, references=self.windows.references(ys, series))
        return Dataset(self.apply(data), ys, None, names, self.class_names)

    def input_infos(self, x: Inputs) -> dict[str, InputInfo]:
        """Describe prepared samples, with their numbers of levels as far as transforms say them."""
        if self.windows is not None:
            return {name: InputInfo.of(array) for name, array in x.items()}
        levels = {name: (2,) for name, kind in (self.types or {}).items() if kind == "boolean"}
        for step in self.steps:
            for name, state in step.states.items():
                levels.pop(name, None)
                count = verified(Transform.levels, step.transform, state)
                if count is not None:
                    levels[name] = (count,)
        infos = {}
        for name, array in x.items():
            info = InputInfo.of(array)
            if name not in self.inputs:
                infos[name] = replace(info, optional=True)
                continue
            known = [levels.get(column) for column in self.inputs[name]]
            if lengths_of(name) in x and lengths_of(name) not in self.inputs:
                (shared,) = known[0] or (None,)
                infos[name] = replace(info, vocabulary=shared)
                continue
            flat = tuple(count for counts in known if counts is not None for count in counts)
            complete = None not in known and len(flat) == prod(info.shape)
            if complete and info.dtype == "integer":
                info = replace(info, levels=flat)
            infos[name] = info
        return infos

    def _require_inputs(self, records: Table) -> None:
        """Raise DataError unless the columns are the arrays that the model was trained on."""
        expected = self._input_columns
        if records.columns.keys() == expected:
            return
        if expected == {ARRAY}:
            raise DataError("the model was trained on arrays, but this is a table")
        listed, has = ", ".join(self.inputs), ", ".join(records.columns)
        raise DataError(f"the model has the inputs {listed}, but x has {has}")


def fit_preparation(
    data: Table | Dataset,
    transforms: Sequence[Transform],
    loss_targets: Sequence[LossTarget],
    without: Iterable[str] = (),
    inputs: Mapping[str, tuple[str, ...]] | None = None,
    windows: Windows | None = None,
    fit: Fit = fit_to_all,
) -> FittedPreparation:
    """Fit transforms in order, each to the training data as transformed by the previous ones.

    Args:
        loss_targets: the targets as the losses take them.
        without: columns that are not features.
        inputs: the columns of each named input of a table; None if all are one input.
        windows: how rows become samples; None if each row is one.
        fit: fits a transform to a column.

    Raises:
        DataError: the inputs do not divide the features, or a transform names a missing column
            or cannot be fitted.
    """
    types: dict[str, ColumnType] | None = None
    targets: dict[str, TargetEncoding] = {}
    records = data.records
    if isinstance(data, Dataset):
        if any(not transform.training_only for transform in transforms):
            _in_memory(records)
        columns = dict(records.columns)
        names = dict.fromkeys(columns, data.feature_names or ())
        inputs = {name: (name or ARRAY,) for name in data.inputs}
        if data.class_names is not None:
            targets = {UNNAMED: TargetEncoding.of_names(data.class_names)}
    else:
        if windows is None:
            features = features_of(data, without)
        else:
            features = windows.features(data, tuple(without), loss_targets)
        if inputs is not None:
            require_divided(inputs, data, features, set(without))
        inputs = inputs or {UNNAMED: features}
        types = {name: data.types[name] for name in features}
        columns = typed(records, types, records.cells)
        names = {name: (name,) for name in types}
        targets = target_encodings(data, loss_targets)
    steps = []
    sequences: dict[str, Sequences] = {}
    for number, transform in enumerate(transforms):
        if transform.training_only:
            continue
        states = {}
        for name in _chosen(transform, columns, sequences, number):
            with located(transform, name, records, number):
                states[name] = fit(transform, name, number, columns[name])
            steps_of_column = ColumnSteps([FittedStep(transform, {name: states[name]}, number)])
            transformed, its_sequences = steps_of_column.transformed({name: columns[name]}, records)
            columns |= transformed
            sequences |= its_sequences
            names[name] = _renamed(transform, names[name], states[name], columns[name])
        steps.append(FittedStep(transform, states, number))
    if sequences and windows is not None:
        raise DataError(
            f'column "{next(iter(sequences))}" becomes sequences, which windows cannot hold',
            hint="leave it out of the features",
            path=("data", "prepare"),
            code="E039",
        )
    if sequences:
        require_sequences_alone(sequences, inputs)
    categorical = {
        name
        for step in steps
        for name, state in step.states.items()
        if verified(Transform.known_values, step.transform, state) is not None
    }
    in_order = [column for of_input in inputs.values() for column in of_input]
    feature_names = (
        ()
        if sequences or windows
        else tuple(feature for name in in_order for feature in names[name])
    )
    return FittedPreparation(
        types,
        tuple(steps),
        feature_names or None,
        targets,
        inputs,
        windows=windows,
        cells=records.cells,
        training={
            name: TrainingCells.of_column(records.columns[name], categorical=name in categorical)
            for name in types or ()
        },
    )


def _in_memory(records: Table) -> Table:
    """Return a table of arrays; raise DataError if one of them is mapped from a file."""
    if any(isinstance(column, MappedArray) for column in records.columns.values()):
        raise DataError(
            "data that is mapped from a file cannot be prepared: that takes all of it in memory",
            hint="prepare it beforehand, or read it into memory: mapped = false",
            path=("data", "prepare"),
            code="E035",
        )
    return records


def _chosen(
    transform: Transform, columns: Mapping[str, Array], sequences: Collection[str], number: int
) -> list[str]:
    """Return the columns that a transform applies to; columns of sequences are complete."""
    if transform.columns is None:
        return [
            name
            for name, column in columns.items()
            if name not in sequences and verified(Transform.suits, transform, column)
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
    renamed = verified(Transform.feature_names, transform, names, state)
    if len(renamed) == width:
        return renamed
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
