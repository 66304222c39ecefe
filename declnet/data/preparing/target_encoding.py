"""Encoding a table's target column as y: labels 0, 1, 2, … with their names, or values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TypeVar

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import (
    CellFormat,
    ColumnType,
    Table,
    class_name,
    column_type,
    distinct_values,
    missing_values,
)
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.serialization import Omitted
from declnet.data.columns import labels_of, losses_hint, require_known
from declnet.data.preparing.targets import LossTarget
from declnet.data.typed_columns import as_type
from declnet.errors import DataError, KeyPath
from declnet.registry.spelling import suggestion
from declnet.spec.data_section import DataSpec

_LEAVE_OUT = (
    'leave such rows out, e.g. by missing_target = "leave_out" in the data source, or fill them'
)


NAMED_LABELS = "class"
"""In place of a column's name, for the y of a `Dataset` with `class_names`."""

Choice = TypeVar("Choice")

Class = str | bool | int | float
"""A class, as it is in a table."""


@dataclass(frozen=True)
class TargetEncoding:
    """The encoding of the training data's target column.

    For arrays whose classes have names, `column` is NAMED_LABELS.

    Attributes:
        classes: the distinct values, whose positions are the labels: sorted, except that a named
            positive class comes last, or in a given order; None for values.
        spellings: how each class is written in the training data, if any is not written as its
            name.
    """

    column: str
    classes: tuple[Class, ...] | None
    spellings: Omitted[tuple[tuple[Class, str], ...]] = ()

    @property
    def labels(self) -> tuple[Class, ...] | None:
        """The classes as they are written in the training data: their names, or their values."""
        return self.class_names if self.spellings else self.classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names in the order of the labels."""
        if self.classes is None:
            return None
        spellings = dict(self.spellings)
        return tuple(spellings.get(value, class_name(value)) for value in self.classes)

    @classmethod
    def from_column(cls, records: Table, name: str, target: LossTarget) -> TargetEncoding:
        """Learn the classes from the training data.

        Args:
            name: the target's column.
            target: the target as its loss takes it.

        Raises:
            DataError: the column does not fit these targets, has gaps, or has only one class.
        """
        column, targets = _target(records, name), target.kind
        if targets == "values":
            if column_type(column) == "text":
                raise DataError(
                    f'the target "{name}" is text, but the loss needs numbers',
                    hint=losses_hint("classes"),
                    path=target.path,
                    code="E041",
                )
            return cls(name, None)
        present = distinct_values(_whole(records, name, column))
        classes = records.classes.get(name) or tuple(present)
        if len(classes) < 2:
            raise DataError(
                f'the target "{name}" has only one class in the training data, "{classes[0]}"',
                hint="classification needs at least two classes",
                path=_at_target(records, name),
                code="E035",
            )
        require_learnable_classes(records, name)
        if targets == "binary" and len(classes) > 2:
            raise DataError(
                f'the target "{name}" has {len(classes)} classes, but the loss needs two',
                hint=losses_hint("classes"),
                path=target.path,
                code="E041",
            )
        return cls(name, classes, tuple(records.spellings.get(name, {}).items()))

    @classmethod
    def of_names(cls, names: tuple[str, ...]) -> TargetEncoding:
        """Return the encoding of labels whose classes the data source names.

        Raises:
            DataError: there is only one class.
        """
        if len(names) < 2:
            raise DataError(
                f'the training data has only one class, "{names[0]}"',
                hint="classification needs at least two classes",
                path=("data", "train"),
                code="E035",
            )
        return cls(NAMED_LABELS, names)

    def with_positive(
        self, name: str, path: KeyPath = ("data", "positive_class")
    ) -> TargetEncoding:
        """Return the encoding that gives a class the label 1.

        Args:
            path: the key path that names the class.

        Raises:
            DataError: there is no such class, or there are not two.
        """
        names = self.class_names or ()
        if len(names) != 2:
            has = f"has {len(names)} classes" if names else "holds numbers"
            raise DataError(
                f'a positive class is one of two, but the target "{self.column}" {has}',
                hint="remove this key",
                path=path,
                code="E036",
            )
        require_known("class", name, names, path)
        classes = self.classes or ()
        return self if name == names[1] else replace(self, classes=classes[::-1])

    def with_order(
        self, order: tuple[str, ...], path: KeyPath = ("data", "class_order")
    ) -> TargetEncoding:
        """Return the encoding that gives the classes the labels 0, 1, 2, … in an order.

        Args:
            path: the key path of the order.

        Raises:
            DataError: a class is missing in the order or in the data, or there are no classes.
        """
        names = self.class_names
        if names is None:
            message = f'the target "{self.column}" holds numbers, which have no classes to order'
            raise DataError(message, hint="remove this key", path=path, code="E036")
        for position, name in enumerate(order):
            require_known("class", name, names, (*path, position))
        left = [name for name in names if name not in order]
        if left:
            message = (
                f'the class "{left[0]}" of the target "{self.column}" is missing from the order'
            )
            raise DataError(message, hint="list all classes", path=path, code="E036")
        classes = dict(zip(names, self.classes or (), strict=True))
        return replace(self, classes=tuple(classes[name] for name in order))

    @property
    def type(self) -> ColumnType:
        """The type of the column in the training data; numbers for values."""
        if self.classes is None:
            return "number"
        first = self.classes[0]
        return "text" if isinstance(first, str) else column_type(np.array([first]))

    def encode(self, records: Table, cells: CellFormat) -> Array:
        """Return the labels (n,) or values (n,) of any data.

        Args:
            records: the data.
            cells: how the training data's cells of text are written.

        Raises:
            DataError: a target is missing or not of the training data's type, or its class does
                not occur there.
        """
        if self.column not in records.columns:
            raise DataError(f'there is no target column "{self.column}"', code="E034")
        column = _target(records, self.column)
        column = as_type(self.column, column, self.type, cells, records.row_numbers)
        if self.classes is None:
            require_finite_target(records, self.column, column)
            return column
        label_of = {value: label for label, value in enumerate(self.classes)}
        values = _whole(records, self.column, column).tolist()
        labels = np.fromiter(map(label_of.get, values, repeat(-1)), np.int64, len(values))
        unseen = np.flatnonzero(labels < 0)
        if unseen.size:
            value = values[unseen[0]]
            known = ", ".join(self.class_names or ())
            raise _at(
                records,
                self.column,
                int(unseen[0]),
                f'is "{value}", a class that the training data does not have',
                f"its classes: {known}",
            )
        return labels

    def encode_labels(self, data: Dataset) -> Mapping[str, Array]:
        """Return the targets of arrays; labels whose classes have other names become the run's.

        Raises:
            DataError: a class does not occur in the training data, or a label has no name.
        """
        names = data.class_names
        if names is None or names == self.class_names or UNNAMED not in data.targets:
            return data.targets
        self.require_known(names)
        labels = {name: label for label, name in enumerate(self.class_names or ())}
        by_label = np.array([labels[name] for name in names])
        y = labels_of(data.targets[UNNAMED])
        if y is None:
            raise DataError("y holds numbers, but its classes have names", hint="give labels")
        unnamed = np.flatnonzero((y < 0) | (y >= len(names)))
        if unnamed.size:
            at = int(unnamed[0])
            raise DataError(
                f"sample {at + 1} has the label {y[at]}, but the classes with names are "
                f"0 to {len(names) - 1}"
            )
        return {UNNAMED: by_label[y.astype(np.intp)]}

    def require_known(self, names: tuple[str, ...]) -> None:
        """Raise DataError if a class does not occur in the training data."""
        known = self.class_names or ()
        for name in names:
            if name not in known:
                raise DataError(
                    f'there is a class "{name}", which the training data does not have',
                    hint=f"its classes: {', '.join(known)}",
                )


def target_encodings(data: Table, loss_targets: Sequence[LossTarget]) -> dict[str, TargetEncoding]:
    """Return how the target of each loss is encoded, by name; `""` for the only one."""
    columns = data.target_columns
    if not columns:
        raise DataError("the training data has no target column", path=("data", "train"))
    encodings: dict[str, TargetEncoding] = {}
    for target in loss_targets:
        if not target.name and len(columns) > 1:
            raise DataError(
                f"the data has the targets {', '.join(columns)}, but [loss] takes one",
                hint=f"a loss for each: [losses.{columns[0]}], …",
                path=target.path,
                code="E046",
            )
        column = target.name or columns[0]
        if column not in columns:
            hint = suggestion(column, columns, "targets")
            raise DataError(
                f'the data has no target "{column}"', hint=hint, path=target.name_path, code="E046"
            )
        encoding = TargetEncoding.from_column(data, column, target)
        known = encodings.setdefault(target.name, encoding)
        if known.classes != encoding.classes:
            raise DataError(
                f'one loss takes the target "{column}" as numbers, another one as classes',
                path=target.path,
                code="E041",
            )
    return encodings


def with_chosen_labels(
    encodings: Mapping[str, TargetEncoding], data: DataSpec
) -> dict[str, TargetEncoding]:
    """Return encodings with the positive classes and orders of classes that a spec names.

    Args:
        encodings: by target, `""` for the only one; none for arrays whose classes have no names.

    Raises:
        DataError: there is no such target or class, or it is not clear which target is meant.
    """
    chosen = dict(encodings)
    for name, key, positive in _by_target(chosen, "positive_class", data.positive_class):
        chosen[name] = chosen[name].with_positive(positive, key)
    for name, key, order in _by_target(chosen, "class_order", data.class_order):
        chosen[name] = chosen[name].with_order(order, key)
    return chosen


def _by_target(
    encodings: Mapping[str, TargetEncoding], key: str, choice: Choice | Mapping[str, Choice] | None
) -> list[tuple[str, KeyPath, Choice]]:
    """Return the name of each target with a choice, the choice's key path, and the choice."""
    path: KeyPath = ("data", key)
    if choice is None:
        return []
    if not encodings:
        labels = (
            "the label 1 is the positive class" if key == "positive_class" else "labels have one"
        )
        raise DataError(
            "the classes of the training data have no names",
            hint=f"remove this key; {labels}",
            path=path,
            code="E036",
        )
    if not isinstance(choice, Mapping):
        if len(encodings) > 1:
            of_classes = [
                name for name, encoding in encodings.items() if encoding.classes is not None
            ]
            example = f"{key} = {{ {of_classes[0]} = … }}" if of_classes else None
            raise DataError(
                "there are several targets, of which none is meant",
                hint=f"name the target: {example}" if example else "remove this key",
                path=path,
                code="E036",
            )
        return [(next(iter(encodings)), path, choice)]
    names = {name or encoding.column: name for name, encoding in encodings.items()}
    for target in choice:
        require_known("target", target, names, (*path, target))
    return [(names[target], (*path, target), value) for target, value in choice.items()]


LARGEST_CLASS = 2.0**63
"""Floats from here on have no integer of 64 bits."""

MANY_CLASSES = 100
FEW_ROWS = 5
"""With more than many classes, at least half of them need this many rows."""


def require_target(records: Table, name: str, *, classes: bool) -> None:
    """Raise DataError if a target has classes with too few rows, or infinite numbers.

    Args:
        records: the table, with the target.
        name: the target's column.
        classes: whether its values are classes rather than numbers.
    """
    if classes:
        require_learnable_classes(records, name)
    else:
        require_finite_target(records, name, records.columns[name])


def require_learnable_classes(records: Table, name: str) -> None:
    """Raise DataError, with the likely cause, if a target has many classes with few rows each."""
    column = records.columns[name]
    values = column[~missing_values(column)].tolist()
    rows_of = Counter(values)
    rare = sum(count < FEW_ROWS for count in rows_of.values())
    if len(rows_of) <= MANY_CLASSES or 2 * rare <= len(rows_of):
        return
    example = values[0]
    note = records.notes.get(name)
    hint: str | None
    if note is not None and note.type != "text":
        hint = f'it {note.text}: types = {{ "{name}" = "{note.type}" }}'
    elif not isinstance(example, str):
        hint = losses_hint("values")
    elif 2 * sum(any(map(str.isdigit, row)) for row in rows_of) > len(rows_of):
        hint = f'amounts, dates or identifiers, such as "{example}", are not classes'
    else:
        hint = f'names or free text, such as "{example}", are not classes'
    raise DataError(
        f'the target "{name}" has {len(rows_of)} classes in {len(values)} rows, '
        f"{rare} of them with fewer than {FEW_ROWS} rows",
        hint=hint,
        path=_at_target(records, name),
        code="E041",
    )


def require_finite_target(records: Table, name: str, values: Array) -> None:
    """Raise DataError if a target of numbers is infinite in some row."""
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise _at(records, name, int(infinite[0]), "is infinite", "correct it or leave the row out")


def _at_target(records: Table, name: str) -> KeyPath:
    """Return the key that names a target."""
    if name in records.targets:
        return ("data", "train", "targets", records.targets.index(name))
    return ("data", "train", "target")


def _target(records: Table, name: str) -> Array:
    """Return a target column; raise DataError if values are missing."""
    column = records.columns[name]
    gaps = np.flatnonzero(missing_values(column))
    if gaps.size:
        raise _at(records, name, int(gaps[0]), "is missing", _LEAVE_OUT)
    return column


def _whole(records: Table, name: str, column: Array) -> Array:
    """Return a column of classes, whose floats must be integral."""
    if column.dtype.kind != "f":
        return column
    other = np.flatnonzero((column % 1 != 0) | ~(np.abs(column) < LARGEST_CLASS))
    if other.size:
        value = column[other[0]]
        what = f"is {value:g}, but classes are text or integers"
        if value % 1 == 0:
            what += " of at most 64 bits"
        raise _at(records, name, int(other[0]), what, losses_hint("values"))
    return column


def _at(records: Table, name: str, position: int, what: str, hint: str | None = None) -> DataError:
    row = records.row_number(position)
    message = f'row {row}: the target "{name}" {what}'
    return DataError(message, hint=hint, code="E035", row=row, column=name)
