"""Predictions of a model and the interpretation of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.data.table import ColumnType, class_name, column_type
from declnet.contracts.network.inputs import wrapped
from declnet.contracts.network.loss import Loss
from declnet.contracts.runs.calibrator import Task, Thresholds
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.data.preparing.unusual_cells import UnusualCells
from declnet.data.usable_rows import RowErrors, UsableRows
from declnet.display.displayed import Displayed
from declnet.errors import DataError, SampleName
from declnet.spec.heads import Head, label
from declnet.training.tasks import task_of


@dataclass(frozen=True, eq=False)
class Predictions(Displayed):
    """The predictions of a model for n samples.

    Attributes:
        prediction: (n,) the class of each sample as in the training data's target (text, integers
            or booleans), or 0, 1, 2, … if the target was an array; or the value, (n,) or
            (n, *shape). For several binary outputs: (n, outputs) of 0 and 1.
        probabilities: (n, classes), or (n, outputs) for several binary outputs; None for values
            and for scores, e.g. with the hinge loss.
        class_names: the class names in the order of the probabilities; None for values and for
            several binary outputs.
        outputs: (n, *shape), the model's output after `Loss.predictions`; probabilities if the
            loss takes logits.
        identifiers: columns of the input that are passed through, (n,) each.
        lower: the lower bounds of the values, (n,) or (n, *shape); None unless a calibrator gives
            intervals.
        upper: their upper bounds.
        sets: whether each class is in a sample's prediction set, booleans (n, classes) in the order
            of the class names; None unless a calibrator gives sets.
        spread: like `outputs`, the standard deviation (n - 1) over the models of an ensemble; None
            for a single model.
        errors: with `on_error="empty"`, why samples could not be predicted, by their positions: in
            all arrays they have NaN, or None where others have classes or sets; else None.
        types: the types of `prediction` and of identifiers, by name, as far as arrays may not show
            them where values are missing.
        steps: what tells the values of a prediction apart, such as the dates of a forecast: columns
            (n, values), in which `columns` has a row for each value.
        warning: that some of the data has no prediction, such as a series that is too short for a
            forecast; None if all has.
        unusual: the columns of a table with cells that are unlike the training data, and how many
            of their cells are; rows that could not be predicted do not count.
    """

    prediction: Array
    probabilities: Array | None
    class_names: tuple[str, ...] | None
    outputs: Array
    identifiers: Mapping[str, Array] = field(default_factory=dict)
    lower: Array | None = None
    upper: Array | None = None
    sets: Array | None = None
    spread: Array | None = None
    errors: RowErrors | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    steps: Mapping[str, Array] = field(default_factory=dict)
    warning: str | None = None
    unusual: Mapping[str, UnusualCells] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.outputs)

    def displayed(self) -> Iterator[object]:
        """Return how often what was predicted, and the first rows."""
        from declnet.runs.display.prediction_tables import prediction_tables

        return prediction_tables(self)

    def changed(self, change: Callable[[Array], Array]) -> Predictions:
        """Return predictions whose arrays of samples, except identifiers, are changed alike."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        changed: dict[str, Any] = {
            n: change(array) for n, array in arrays.items() if array is not None
        }
        return replace(self, **changed)

    def by_step(self) -> Predictions:
        """Return a sample for each value of a prediction, if `steps` tells them apart."""
        if not self.steps:
            return self
        count, values = next(iter(self.steps.values())).shape

        def divided(array: Array) -> Array:
            rows = array.reshape(count * values, -1)
            return rows[:, 0] if rows.shape[1] == 1 else rows

        identifiers = {name: np.repeat(column, values) for name, column in self.identifiers.items()}
        identifiers |= {name: column.reshape(-1) for name, column in self.steps.items()}
        return replace(self.changed(divided), identifiers=identifiers, steps={})

    def decided_by(self, parts: Sequence[Predictions]) -> Predictions:
        """Return predictions with the classes, intervals and sets of their parts, in this order."""
        decisions: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("prediction", "lower", "upper", "sets")
            if all(getattr(part, name) is not None for part in parts)
        }
        return replace(self, **decisions)

    def with_errors(self, rows: UsableRows) -> Predictions:
        """Return predictions for all rows, given that these are for the usable ones."""
        types = {**self.types, "prediction": column_type(self.prediction)}
        return replace(self.changed(rows.scattered), errors=rows.errors, types=types)

    def columns(self) -> dict[str, Array]:
        r"""Return the columns (n,) `prediction` and, for each class, `probability_<class>`.

        For several outputs: `prediction_1`, `prediction_2`, … and `probability_1`, …; with `steps`,
        a row for each. Identifiers come first, then steps; the spread is `spread`, or
        `spread_<class>` or `spread_1`, …. Intervals are
        `lower` and `upper`, or `lower_1`, …; a set is text in the column `set`, the names of its
        classes with `|` between them (in a name it is `\|`). With `errors`, the last column is
        `error`: text, None for a sample that was predicted.

        Raises:
            DataError: an identifier has the name of another column.
        """
        return prediction_columns(self)


AnyPredictions = Predictions | Mapping[str, Predictions]
"""What users get: the predictions of the only loss, or of each loss by its name."""


def prediction_columns(predictions: AnyPredictions) -> dict[str, Array]:
    """Return the columns (n,) of all losses, e.g. `price_prediction`, after the identifiers.

    Args:
        predictions: as `Predictor.predict` returns them.

    Raises:
        DataError: an identifier has the name of another column.
    """
    identifiers: dict[str, Array] = {}
    columns: dict[str, Array] = {}
    errors: dict[str, Array] = {}
    for loss, of_samples in wrapped(predictions).items():
        of_loss = of_samples.by_step()
        identifiers |= of_loss.identifiers
        columns |= {label(loss, name): column for name, column in _columns(of_loss).items()}
        if of_loss.errors is not None:
            errors["error"] = np.full(len(of_loss), None, object)
            for position, error in of_loss.errors.items():
                errors["error"][position] = error.message
    for name in identifiers:
        if name in columns or name in errors:
            raise DataError(
                f'the identifier "{name}" has the name of a column of predictions',
                hint="rename it in the file",
            )
    return {**identifiers, **columns, **errors}


def _columns(predictions: Predictions) -> dict[str, Array]:
    """Return the columns of one loss, without identifiers and errors."""
    class_names = predictions.class_names or ()
    columns = _numbered("prediction", predictions.prediction)
    probabilities, spread = predictions.probabilities, predictions.spread
    if probabilities is not None and predictions.class_names is None:
        columns |= _numbered("probability", probabilities)
    elif probabilities is not None:
        for index, name in enumerate(class_names):
            columns[f"probability_{name}"] = probabilities[:, index]
    if predictions.lower is not None and predictions.upper is not None:
        columns |= _numbered("lower", predictions.lower) | _numbered("upper", predictions.upper)
    if predictions.sets is not None:
        columns["set"] = _set_texts(predictions.sets, class_names)
    if spread is not None:
        flat = spread.reshape(len(predictions), -1)
        if len(class_names) == flat.shape[1]:
            columns |= {f"spread_{name}": flat[:, n] for n, name in enumerate(class_names)}
        else:
            columns |= _numbered("spread", flat[:, 0] if flat.shape[1] == 1 else flat)
    return columns


def prediction_types(predictions: AnyPredictions) -> dict[str, ColumnType]:
    """Return the types of `prediction_columns`, as far as missing values may hide them."""
    types: dict[str, ColumnType] = {}
    for loss, of_samples in wrapped(predictions).items():
        of_loss = of_samples.by_step()
        types |= of_loss.types
        kind = types.pop("prediction", None)
        if kind is not None:
            names = _numbered("prediction", of_loss.prediction)
            types |= dict.fromkeys([label(loss, name) for name in names], kind)
    return types


_ARRAYS = ("prediction", "probabilities", "outputs", "lower", "upper", "sets", "spread")
"""The fields of `Predictions` that have a row for each sample."""


def require_finite(outputs: Array, name_sample: Callable[[int], SampleName]) -> None:
    """Raise DataError if a prediction is NaN or infinite.

    Args:
        outputs: (n, *shape), the result of `Loss.predictions`.
        name_sample: returns what messages call the sample at a position.
    """
    if outputs.dtype.kind == "f" and not np.isfinite(outputs).all():
        wrong = ~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
        sample, number = name_sample(int(np.argmax(wrong)))
        message = f"{sample}: the model's prediction is NaN or infinite"
        hint = f"a number in it is too large for the model's {outputs.dtype}"
        raise DataError(message, hint=hint, row=number)


def require_all_finite(
    predictions: Mapping[str, Predictions], name_sample: Callable[[int], SampleName]
) -> None:
    """Raise DataError if a prediction of any loss is NaN or infinite, as `require_finite`."""
    for of_loss in predictions.values():
        require_finite(of_loss.outputs, name_sample)


@dataclass(frozen=True)
class OutputReading:
    """The interpretation of a model's predictions.

    Attributes:
        task: `"classes"`: one unit per class; `"binary"`: one unit for two classes; `"flags"`:
            several binary units; `"values"`.
        classes: the classes as in the training data's target, or 0, 1, 2, …; None for flags and
            values.
        outputs: number of values per prediction.
        threshold: the value above which a binary unit predicts the positive class; of flags, it may
            be one for each.
        scores: whether units return scores rather than probabilities.
    """

    task: Task
    classes: tuple[Any, ...] | None
    outputs: int
    threshold: Thresholds = 0.5
    scores: bool = False

    @classmethod
    def from_head(
        cls, head: Head, output_shape: Shape, dtype: Dtype, target: TargetEncoding | None
    ) -> OutputReading:
        """Return the interpretation of an output's predictions, which the loss determines.

        `target` is how the target was encoded; None if y was an array.
        """
        known = target.labels if target is not None else None
        task, units, scores = task_of(head.loss, output_shape, dtype)
        if task == "classes":
            return cls(task, _classes(known, units), units, scores=scores)
        if task == "values":
            return cls(task, None, units)
        classes = _classes(known, 2) if task == "binary" else None
        return cls(task, classes, units, _threshold(head), scores)

    @cached_property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names; None if there are none."""
        if self.classes is None:
            return None
        return tuple(map(class_name, self.classes))

    @cached_property
    def _class_array(self) -> Array:
        """The classes, of which predictions are some; text as objects."""
        kind = object if isinstance((self.classes or ("",))[0], str) else None
        return np.array(self.classes, kind)

    def with_threshold(self, threshold: Thresholds) -> OutputReading:
        """Return this interpretation with another threshold.

        Raises:
            DataError: the predictions are not of two classes by one unit each.
        """
        if self.task in ("binary", "flags"):
            return replace(self, threshold=threshold)
        what = "values" if self.task == "values" else f"{self.outputs} units, one for each class"
        raise DataError(f"a threshold needs one unit for two classes, but this model has {what}")

    def labels(self, outputs: Array) -> Array:
        """Return the index of each sample's predicted class (n,); for flags, (n, outputs).

        Args:
            outputs: the result of `Loss.predictions`.
        """
        if self.task == "classes":
            labels: Array = outputs.argmax(axis=1)
            return labels
        flags = (outputs.reshape(len(outputs), -1) > self.threshold).astype(np.intp)
        return flags[:, 0] if self.task == "binary" else flags

    def true_labels(self, y: Array) -> Array:
        """Return the index of each sample's true class (n,); for flags, (n, outputs).

        Args:
            y: as metrics take it: labels (n,) or (n, 1), one-hot rows (n, classes), or flags.
        """
        if self.task == "classes":
            one_hot = y.ndim == 2 and y.shape[1] > 1
            labels: Array = y.argmax(axis=1) if one_hot else y.reshape(-1)
            return labels.astype(np.intp)
        flags = (y.reshape(len(y), -1) > 0.5).astype(np.intp)
        return flags[:, 0] if self.task == "binary" else flags

    def read(self, outputs: Array) -> Predictions:
        """Interpret outputs (n, *shape) returned by `Loss.predictions`."""
        if self.task == "values":
            single = outputs.ndim > 1 and prod(outputs.shape[1:]) == 1
            return Predictions(outputs.reshape(-1) if single else outputs, None, None, outputs)
        labels, rows = self.labels(outputs), outputs.reshape(len(outputs), -1)
        if self.task == "flags":
            return Predictions(labels, None if self.scores else rows, None, outputs)
        if self.task == "binary":
            rows = np.concatenate([1 - rows, rows], axis=1)
        probabilities, names = None if self.scores else rows, self.class_names
        return Predictions(self._class_array[labels], probabilities, names, outputs)


def _threshold(head: Head) -> Thresholds:
    """Return the threshold set on one of the metrics, or else the loss's threshold."""
    for metric in head.metrics.values():
        threshold = getattr(metric, "threshold", Loss.threshold)
        if isinstance(threshold, float | tuple) and threshold != Loss.threshold:
            return threshold
    return head.loss.threshold


def _classes(known: tuple[Any, ...] | None, units: int) -> tuple[Any, ...]:
    """Return a class for each unit; units beyond the known classes are numbered."""
    if known is None:
        return tuple(range(units))
    if len(known) >= units:
        return known[:units]
    return (*map(str, known), *(f"unit {index + 1}" for index in range(len(known), units)))


def _set_texts(sets: Array, names: Sequence[str]) -> Array:
    """Return the names of the classes in each set, joined by `|`, as text (n,)."""
    escaped = [name.replace("|", "\\|") for name in names]
    texts = np.empty(len(sets), object)
    texts[:] = [None if None in row else "|".join(compress(escaped, row)) for row in sets.tolist()]
    return texts


def _numbered(name: str, array: Array) -> dict[str, Array]:
    if array.ndim == 1:
        return {name: array}
    flat = array.reshape(len(array), -1)
    return {f"{name}_{index + 1}": flat[:, index] for index in range(flat.shape[1])}
