"""Data sets in the form that training and evaluation use."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.data_source import Dataset
from declnet.contracts.loss import Loss
from declnet.contracts.returned import checked_targets
from declnet.data.loading import fingerprint
from declnet.errors import DataError
from declnet.graph.model import Model


@dataclass(frozen=True, eq=False)
class ReadyData:
    """Arrays in the types that a model and a loss compute with.

    Attributes:
        x: in the model's type, batch-first.
        y: as passed by the user, for metrics.
        y_true: as prepared by the loss.
        fingerprint: the fingerprint of the data set.
        weights: (n,) in the model's type; None if all samples are weighted equally.
        class_names: the names of the labels 0, 1, 2, …, if known.
    """

    x: Array | MappedArray
    y: Array
    y_true: Array
    fingerprint: str
    weights: Array | None = None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.x)


def make_ready(dataset: Dataset, model: Model, loss: Loss, label: str) -> ReadyData:
    """Convert a data set for a model and a loss.

    Args:
        label: the data set's name in messages, e.g. `"train"`.

    Raises:
        DataError: the data does not match the model or the loss.
    """
    try:
        y_true = checked_targets(
            loss, loss.prepare(dataset.y, model.output_shape, model.dtype), len(dataset.y)
        )
    except ValueError as error:
        raise DataError(f"{label} data: {error}") from None
    weights = dataset.weights
    return ReadyData(
        model.as_input(dataset.x),
        dataset.y,
        y_true,
        fingerprint(dataset),
        weights.astype(model.dtype) if weights is not None else None,
        dataset.class_names,
    )
