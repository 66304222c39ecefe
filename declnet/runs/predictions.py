"""What a model says of samples, and how its outputs are read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.loss import Loss
from declnet.data.target_encoding import TargetEncoding
from declnet.spec.run_spec import RunSpec


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of n samples.

    Attributes:
        prediction: (n,) the class of each sample, as the target of the training data has it (text,
            whole numbers or booleans), or 0, 1, 2, … where that was an array; or the value, (n,) or
            (n, *output shape). Several yes-or-no outputs: (n, outputs) of 0 and 1.
        probabilities: (n, classes), or (n, outputs) of several yes-or-no outputs; None for values,
            and for scores such as those of hinge.
        class_names: the classes in words, in the order of the probabilities; None for values and
            for several yes-or-no outputs.
        outputs: (n, *output shape), as the model gave them.
    """

    prediction: Array
    probabilities: Array | None
    class_names: tuple[str, ...] | None
    outputs: Array

    def __len__(self) -> int:
        return len(self.outputs)

    def columns(self) -> dict[str, Array]:
        """A table of them, (n,) each: `prediction`, and `probability_<class>` of each class.

        Of several outputs: `prediction_1`, `prediction_2`, … and `probability_1`, ….
        """
        columns = _numbered("prediction", self.prediction)
        if self.probabilities is not None and self.class_names is None:
            columns |= _numbered("probability", self.probabilities)
        elif self.probabilities is not None:
            for index, name in enumerate(self.class_names or ()):
                columns[f"probability_{name}"] = self.probabilities[:, index]
        return columns


@dataclass(frozen=True)
class OutputReading:
    """How the outputs of a model are read.

    Attributes:
        sort: `"classes"`: a unit each; `"binary"`: one unit for two classes; `"flags"`: several
            yes-or-no units; `"values"`.
        classes: as the target of the training data has them, or 0, 1, 2, …; None for flags and
            values.
        threshold: above which a yes-or-no unit says yes.
        scores: whether yes-or-no units give scores, no probabilities.
    """

    sort: Literal["classes", "binary", "flags", "values"]
    classes: tuple[Any, ...] | None
    threshold: float = 0.5
    scores: bool = False

    @classmethod
    def of(cls, spec: RunSpec, output_shape: Shape, target: TargetEncoding | None) -> OutputReading:
        """How the outputs of a run's model are read.

        Args:
            spec: the run's, whose loss says what the outputs are.
            output_shape: of the model.
            target: how the target was encoded; None if y was an array.
        """
        loss, units = spec.loss, prod(output_shape)
        known = target.classes if target is not None else None
        if loss.targets == "classes" and len(output_shape) == 1:
            return cls("classes", _classes(known, units))
        if loss.targets == "binary":
            threshold, scores = _threshold(spec), loss.threshold != Loss.threshold
            sort: Literal["binary", "flags"] = "binary" if units == 1 else "flags"
            return cls(sort, _classes(known, 2) if units == 1 else None, threshold, scores)
        return cls("values", None)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes in words."""
        if self.classes is None:
            return None
        return tuple(
            str(each).lower() if isinstance(each, bool) else str(each) for each in self.classes
        )

    def labels(self, outputs: Array) -> Array:
        """The predicted class of each sample (n,), as its position; of flags, (n, outputs)."""
        if self.sort == "classes":
            labels: Array = outputs.argmax(axis=1)
            return labels
        flags = (outputs.reshape(len(outputs), -1) > self.threshold).astype(np.intp)
        return flags[:, 0] if self.sort == "binary" else flags

    def true_labels(self, y: Array) -> Array:
        """The true class of each sample (n,), as its position; of flags, (n, outputs).

        Args:
            y: as metrics take it: labels (n,) or (n, 1), one-hot rows (n, classes), or flags.
        """
        if self.sort == "classes":
            one_hot = y.ndim == 2 and y.shape[1] > 1
            labels: Array = y.argmax(axis=1) if one_hot else y.reshape(-1)
            return labels.astype(np.intp)
        flags = (y.reshape(len(y), -1) > 0.5).astype(np.intp)
        return flags[:, 0] if self.sort == "binary" else flags

    def read(self, outputs: Array) -> Predictions:
        """What outputs (n, *output shape) say."""
        if self.sort == "values":
            single = outputs.ndim > 1 and prod(outputs.shape[1:]) == 1
            return Predictions(outputs.reshape(-1) if single else outputs, None, None, outputs)
        labels, rows = self.labels(outputs), outputs.reshape(len(outputs), -1)
        if self.sort == "flags":
            return Predictions(labels, None if self.scores else rows, None, outputs)
        if self.sort == "binary":
            rows = np.concatenate([1 - rows, rows], axis=1)
        kind = object if isinstance((self.classes or ("",))[0], str) else None
        prediction = np.array(self.classes, kind)[labels]
        return Predictions(prediction, None if self.scores else rows, self.class_names, outputs)


def _threshold(spec: RunSpec) -> float:
    """The one that a metric of the run was given, else that of the loss."""
    for metric in spec.training.metrics:
        threshold = getattr(metric, "threshold", Loss.threshold)
        if isinstance(threshold, float) and threshold != Loss.threshold:
            return threshold
    return spec.loss.threshold


def _classes(known: tuple[Any, ...] | None, units: int) -> tuple[Any, ...]:
    """A class for each unit; units beyond the known classes are called by their number."""
    if known is None:
        return tuple(range(units))
    if len(known) >= units:
        return known[:units]
    return (*map(str, known), *(f"unit {index + 1}" for index in range(len(known), units)))


def _numbered(name: str, array: Array) -> dict[str, Array]:
    if array.ndim == 1:
        return {name: array}
    flat = array.reshape(len(array), -1)
    return {f"{name}_{index + 1}": flat[:, index] for index in range(flat.shape[1])}
