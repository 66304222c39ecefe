"""ExportedModel: a trained model from raw columns to predictions, as exporters see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

import numpy as np

from declnet import (
    Array,
    Calibrator,
    CalibratorState,
    ColumnType,
    Dtype,
    Layer,
    Loss,
    Registry,
    Sequences,
    Shape,
    Transform,
    TransformState,
    class_name,
)

InputDtype = Literal["float", "integer"]
"""What a layer takes."""

Part = Literal["values", "lengths", "weights"]
"""A part of a column; all but the values are of `Sequences` only."""


def parts_of(column: Array | Sequences) -> dict[Part, Array]:
    """Return the parts of a prepared column."""
    if not isinstance(column, Sequences):
        return {"values": column}
    parts: dict[Part, Array] = {"values": column.values, "lengths": column.lengths}
    return parts if column.weights is None else {**parts, "weights": column.weights}


@dataclass(frozen=True)
class ExportedColumn:
    """A raw column that the exported file takes.

    Attributes:
        name: its name, unique among the columns.
        type: what it holds; missing numbers are NaN, missing text is None.
        shape: the shape of one sample: `()` for a column of a table.
        window: for a model of windows, how many consecutive rows make a sample, the earliest first:
            the column has the shape (n, window), while its steps see single rows; else None.
        source: the table's column, if `name` is not its name.
        missing: of a table's column, the texts that mean a missing value; declnet removes the
            spaces and tabs around text first.
        decimal: the decimal sign of numbers that are written as text.
    """

    name: str
    type: ColumnType
    shape: Shape = ()
    window: int | None = None
    source: str = ""
    missing: tuple[str, ...] = ()
    decimal: str = "."


@dataclass(frozen=True, eq=False)
class ExportedStep:
    """A transform of a column, with what it learned.

    Attributes:
        column: the name of the column that it replaces.
        input_type: what the column holds before it.
        input_shape: the shape of one row before it.
        output_type: what the column holds after it.
        output_shape: the shape of one row after it.
        gives: the parts of what the column becomes; those of `Sequences` are an input each.
    """

    column: str
    transform: Transform
    state: TransformState
    input_type: ColumnType
    input_shape: Shape
    output_type: ColumnType
    output_shape: Shape
    gives: tuple[Part, ...] = ("values",)


@dataclass(frozen=True)
class ExportedInput:
    """An input of the network, joined from prepared columns.

    Attributes:
        value: its name among the values: `input`, or `input.NAME` for one of several.
        columns: the names of the columns that are joined, in order, each (n,) or (n, …), flattened;
            a column of a model without a table, or of sequences, is the unchanged input.
        shape: the shape of one sample.
        dtype: whether the layers take it as floats of the model's type or as integers.
        part: which part of the columns it holds: the values, or the lengths or weights of the only
            column, which are sequences.
        window: how many consecutive rows make a sample: then rows of the columns are joined, and
            `window` of them are a sample (window, numbers of a row); None if each row is one.
        limit: the largest integer that the layers take, from 0 on; None if there is no limit.
    """

    value: str
    columns: tuple[str, ...]
    shape: Shape
    dtype: InputDtype = "float"
    part: Part = "values"
    window: int | None = None
    limit: int | None = None


@dataclass(frozen=True, eq=False)
class ExportedNode:
    """A layer, as the graph evaluates it.

    Attributes:
        name: the layer's name, which is also that of the value that it computes.
        layer: the layer, with what it learned from its inputs.
        inputs: the names of the values that it reads: of inputs, and of earlier nodes.
        input_shapes: the shape of one sample of each.
        input_dtypes: whether it takes each as floats or integers.
        output_shape: the shape of one sample of its value.
        parameters: its arrays by name; of a layer that shares parameters, the shared ones.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    input_dtypes: tuple[InputDtype, ...]
    output_shape: Shape
    parameters: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class ExportedFinish:
    """What leads from a network's value to the predictions of one loss.

    Attributes:
        value: the node whose value the loss takes.
        value_shape: the shape of one sample of it.
        loss: the loss, whose `predictions` follow.
        target_steps: the transforms of the target with what they learned, in the order in which
            they were fitted; predictions get their inverses in the opposite order.
        calibration: the calibrators with what they learned, in the order in which they follow.
    """

    value: str
    value_shape: Shape
    loss: Loss
    target_steps: tuple[tuple[Transform, TransformState], ...] = ()
    calibration: tuple[tuple[Calibrator, CalibratorState], ...] = ()


@dataclass(frozen=True, eq=False)
class ExportedMember:
    """One trained network with its own preparation: the only one, or one of an ensemble.

    Attributes:
        name: empty for the only one, else unique, e.g. `fold_1`.
        steps: the transforms, each column's in order.
        inputs: the inputs of the network.
        nodes: the layers, each after those that it reads.
        finish: what follows for each of the model's outputs, in their order.
        weight: its share of the mean of all members' predictions; they add up to 1.
    """

    name: str
    steps: tuple[ExportedStep, ...]
    inputs: tuple[ExportedInput, ...]
    nodes: tuple[ExportedNode, ...]
    finish: tuple[ExportedFinish, ...]
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class ExportedOutput:
    """The predictions of one loss.

    Attributes:
        name: the loss's name; empty for the only one.
        shape: the shape of one prediction.
        task: `classes`: a unit for each class; `binary`: one unit for two classes; `flags`:
            several units for yes or no each; `values`.
        classes: the classes as in the training data's target, in the order of the probabilities,
            or 0, 1, 2, …; None for flags and values.
        threshold: the value above which a binary unit predicts the positive class, or one for
            each of several.
        scores: whether units are scores rather than probabilities.
        intervals: whether a calibrator gives lower and upper bounds of values.
        interval_shape: the shape of one bound.
        sets: whether a calibrator gives sets of classes.
    """

    name: str
    shape: Shape
    task: Literal["classes", "binary", "flags", "values"]
    classes: tuple[str | int | float | bool, ...] | None = None
    threshold: float | tuple[float, ...] = 0.5
    scores: bool = False
    intervals: bool = False
    interval_shape: Shape = ()
    sets: bool = False

    @property
    def task_shape(self) -> Shape:
        """The shape of one prediction as calibrators take it."""
        size = prod(self.shape)
        if self.task == "flags":
            return (size,)
        return () if size == 1 and self.task != "classes" else self.shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes; None if there are none."""
        if self.classes is None:
            return None
        return tuple(map(class_name, self.classes))


@dataclass(frozen=True, eq=False)
class ExportedPredictions:
    """Predictions of one output for n rows.

    Attributes:
        prediction: (n,) the class of each row, as in `ExportedOutput.classes`; (n, outputs) of 0
            and 1 for flags; or the values, (n,) or (n, *shape).
        outputs: (n, *shape): probabilities, scores or values; for `binary`, of the second class.
        lower: the lower bounds, if the output has intervals.
        upper: the upper bounds.
        sets: booleans (n, classes), if the output has sets.
        valid: booleans (n,): whether declnet predicts the row, so that what the other arrays have
            in it means something; the same for all outputs. None if it is not known.
    """

    prediction: Array
    outputs: Array
    lower: Array | None = None
    upper: Array | None = None
    sets: Array | None = None
    valid: Array | None = None

    def take(self, rows: slice | Array) -> ExportedPredictions:
        """Return the predictions for some of the rows."""
        arrays = {
            name: np.asarray(array)[rows] for name, array in vars(self).items() if array is not None
        }
        return replace(self, **arrays)


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A trained model with everything that leads from raw columns to predictions.

    Attributes:
        name: the spec's name.
        columns: the raw columns, in order.
        members: the networks; of the predictions of several, the weighted mean is taken.
        outputs: the predictions, in the order of the losses.
        dtype: the type of the parameters and of the layers' values.
        registry: where translations are looked up.
        metadata: what identifies the run, as texts: `spec` (its hash), `declnet`, the versions of
            its plugins.
        examples: real raw rows by column, (n, …); empty if there are none.
        expected: declnet's own predictions for the examples, by output; empty if there are none.
        odd_examples: such rows with odd cells, as they may come: spaces around text, texts that
            mean a missing value, unknown categories, extreme numbers; empty if there are none.
        odd_expected: declnet's own predictions for these, of which some are not valid.
    """

    name: str
    columns: tuple[ExportedColumn, ...]
    members: tuple[ExportedMember, ...]
    outputs: tuple[ExportedOutput, ...]
    dtype: Dtype
    registry: Registry
    metadata: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, Array] = field(default_factory=dict)
    expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)
    odd_examples: Mapping[str, Array] = field(default_factory=dict)
    odd_expected: Mapping[str, ExportedPredictions] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportedInterface:
    """The inputs and predictions that an exported file declares.

    Attributes:
        columns: the raw columns, in order.
        outputs: the predictions, in the order of the losses.
    """

    columns: tuple[ExportedColumn, ...]
    outputs: tuple[ExportedOutput, ...]
