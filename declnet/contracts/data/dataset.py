"""Dataset: samples and targets in arrays; and what is known of them before they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from declnet.contracts.arrays import Array, MappedArray, Rows, Shape
from declnet.contracts.data.sample_arrays import ARRAY, SampleArrays
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import (
    UNNAMED,
    InputInfo,
    Inputs,
    sample_count,
    unwrapped,
    wrapped,
)
from declnet.errors import DataError


@dataclass(frozen=True)
class TargetInfo:
    """The description of one of several targets.

    Attributes:
        target: `"classes"` if it is one integer per sample, `"values"` otherwise.
        target_shape: the shape of one sample of it; `()` for one number per sample.
        classes: for `"classes"`, the number of classes (labels are 0 to classes - 1); None if
            unknown.
        labels: for `"classes"`, the smallest and the largest label; None if unknown.
    """

    target: Literal["classes", "values"] = "values"
    target_shape: Shape = ()
    classes: int | None = None
    labels: tuple[int, int] | None = None

    @classmethod
    def of(cls, y: Array) -> TargetInfo:
        """Describe an array (n, …)."""
        if y.dtype.kind not in "iub" or (y.ndim > 1 and y.shape[1:] != (1,)):
            return cls("values", y.shape[1:])
        known = y.size > 0
        labels = (int(y.min()), int(y.max())) if known else None
        return cls("classes", (), int(y.max()) + 1 if known else None, labels)


@dataclass(frozen=True)
class DataInfo:
    """The description of a data set before it is loaded.

    Attributes:
        sample_shape: the shape of one sample of x; `()` if x is several arrays.
        dtype: whether x holds floats or integers.
        target: `"classes"` if y is one integer per sample, `"values"` otherwise.
        target_shape: the shape of one sample of y; `()` for one number per sample.
        classes: for `"classes"`, the number of classes (labels are 0 to classes - 1); None if
            unknown.
        samples: the number of samples; None if unknown.
        labels: for `"classes"`, the smallest and the largest label; None if unknown.
        in_memory: whether all of x will be in memory, rather than in a file that is read in parts.
        inputs: what is known about each array of x by name; default: one array without a name, as
            `sample_shape` and `dtype` say.
        targets: what is known about each array of y by name; default: one array without a name, as
            `target` to `labels` say.
        class_names: the names of the labels 0, 1, 2, …, if known, as in the `Dataset`.
    """

    sample_shape: Shape
    dtype: Literal["float", "integer"] = "float"
    target: Literal["classes", "values"] = "values"
    target_shape: Shape = ()
    classes: int | None = None
    samples: int | None = None
    labels: tuple[int, int] | None = None
    in_memory: bool = True
    inputs: Mapping[str, InputInfo] = field(default_factory=dict)
    targets: Mapping[str, TargetInfo] = field(default_factory=dict)
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        target = TargetInfo(self.target, self.target_shape, self.classes, self.labels)
        inputs = self.inputs or {UNNAMED: InputInfo(self.sample_shape, self.dtype)}
        vars(self).update(inputs=inputs, targets=self.targets or {UNNAMED: target})

    def for_target(self, name: str) -> DataInfo:
        """Return the same description with only one of the targets."""
        return replace(self, targets={}, **vars(self.targets[name]))

    @classmethod
    def of(cls, x: Any, y: Any) -> DataInfo:
        """Describe arrays, one or several by name; raise DataError if they have no sample axis."""
        data = Dataset(x, y)
        for name, array in data.labeled_arrays():
            if array.ndim == 0:
                raise DataError(f"{name} is a single number; its first axis must be samples")
            if 0 in array.shape[1:]:
                raise DataError(f"{name} has samples of shape {array.shape[1:]}, without a number")
        inputs = {name: InputInfo.of(array) for name, array in data.inputs.items()}
        targets = {name: TargetInfo.of(array) for name, array in data.targets.items()}
        single = inputs.get(UNNAMED, InputInfo(()))
        return cls(
            sample_shape=single.shape,
            dtype=single.dtype,
            samples=len(data),
            in_memory=not any(isinstance(input_, MappedArray) for input_ in data.inputs.values()),
            inputs=inputs,
            targets=targets,
            **vars(targets.get(UNNAMED, TargetInfo())),
        )

    def not_in_memory(self) -> DataInfo:
        """Return the same description for data that stays in its file."""
        return replace(self, in_memory=False)


@dataclass(frozen=True, eq=False)
class Dataset(SampleArrays):
    """Samples and their targets.

    Attributes:
        x: (n, *sample shape), floats or integers, in memory or mapped from a file; or, for a model
            of several inputs, such an array for each by name.
        y: (n, …): labels (n,), one-hot rows (n, classes) or values; or such an array for each
            target by name.
        inputs: x by name; a single array without a name has the name `""`.
        targets: y in the same way.
        weights: (n,), at least 0: the weight of each sample in the loss; default: all equal.
        feature_names: a name for each number of a sample (d,), if known.
        class_names: the names of the labels 0, 1, 2, …, if known; not for several targets.
        rows: the number of each sample in its source, for messages; default: 1 to n.
        references: other forecasts of the same targets, e.g. the value of the season before, whose
            metrics are reported beside the model's: by description, the predictions (n, …) of each
            target by name.
    """

    x: Any
    y: Any
    weights: Array | None = None
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    rows: Array | None = None
    references: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    inputs: Inputs = field(init=False, repr=False)
    targets: Mapping[str, Rows] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inputs, targets = wrapped(self.x), wrapped(self.y)
        fields = {
            "inputs": inputs,
            "targets": targets,
            "x": unwrapped(inputs),
            "y": unwrapped(targets),
        }
        vars(self).update(fields)

    def __len__(self) -> int:
        return sample_count(self.inputs)

    def labeled_arrays(self) -> list[tuple[str, Array | MappedArray]]:
        """Return the arrays of x and y with what messages call them."""
        inputs = [(name or "x", array) for name, array in self.inputs.items()]
        return [*inputs, *((name or "y", array) for name, array in self.targets.items())]

    @property
    def arrays(self) -> Mapping[str, Array | MappedArray]:
        """The arrays of x, y, the weights and the references."""
        weights = {} if self.weights is None else {"weights": self.weights}
        inputs = {f"x {name}": x for name, x in self.inputs.items()}
        references = {
            f"reference {description} {name}": y
            for description, of_targets in self.references.items()
            for name, y in of_targets.items()
        }
        targets = {f"y {name}": y for name, y in self.targets.items()}
        return {**inputs, **targets, **weights, **references}

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The names of the targets; `""` for y in one array."""
        return tuple(self.targets)

    @property
    def records(self) -> Table:
        """The inputs as columns."""
        inputs: dict[str, Any] = {name or ARRAY: x for name, x in self.inputs.items()}
        return Table(inputs, rows=self.rows)

    def with_arrays(self, arrays: Mapping[str, Any], rows: Array | None) -> Dataset:
        """Return other samples with the same inputs and targets."""
        x = {name: arrays[f"x {name}"] for name in self.inputs}
        y = {name: arrays[f"y {name}"] for name in self.targets}
        references = {
            description: {name: arrays[f"reference {description} {name}"] for name in of_targets}
            for description, of_targets in self.references.items()
        }
        weights = arrays.get("weights")
        return replace(self, x=x, y=y, weights=weights, rows=rows, references=references)

    def require_aligned(self) -> None:
        """Raise DataError unless x and y are arrays of equally many samples."""
        arrays = self.labeled_arrays()
        for name, array in arrays:
            if array.ndim == 0:
                raise DataError(f"{name} is a single number; its first axis is samples")
        first, target = arrays[len(self.inputs)]
        for name, array in arrays:
            if len(array) != len(target):
                raise DataError(f"{name} has {len(array)} samples, but {first} has {len(target)}")
