"""Training state: everything needed to resume between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from declnet.contracts.arrays import Array, Dtype

MAX_COPIED_BYTES = 1 << 26
"""The bytes of the largest state that is copied to repeat steps from if the loss diverges."""


class StateError(ValueError):
    """A saved state does not match the training that should resume from it."""


@dataclass(frozen=True, eq=False)
class TrainingState:
    """The values and arrays for a bitwise identical resume (see contracts.serialization).

    Learning rates need only `step`, since schedules are functions of it. The arrays may be the live
    ones: save them before training continues.

    Attributes:
        epoch: the epoch in progress, or the next one.
        batch: finished batches of that epoch.
        step: updates made.
        parameters: all of the model's parameters, trainable or not, by key.
        optimizer: the optimizer's arrays by name.
        learning_rate_scale: the factor set by callbacks.
        order: the samples' order and the random stream that shuffles them; empty if not shuffled.
        layers: the state of each layer's random stream.
        metrics: the metrics accumulated in the epoch; None if there are none.
        gradient: the mean gradient of the batches since the last update; None without any.
    """

    epoch: int
    batch: int
    step: int
    parameters: dict[str, Array]
    optimizer: dict[str, Array]
    learning_rate_scale: float
    order: dict[str, Any]
    layers: list[dict[str, Any]]
    metrics: dict[str, Any] | None
    gradient: dict[str, Any] | None

    def plain(self) -> dict[str, Any]:
        """Return all values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def copied(self) -> Self:
        """Return the state with copies of the parameters, the optimizer's arrays and gradient."""
        gradient = self.gradient and {**self.gradient, "value": self.gradient["value"].copy()}
        return replace(
            self,
            parameters={key: array.copy() for key, array in self.parameters.items()},
            optimizer={name: array.copy() for name, array in self.optimizer.items()},
            gradient=gradient,
        )

    def for_whole_batches(self, dtype: Dtype, layers: int) -> Self:
        """Return the state for a training of another type whose steps use all of its samples.

        Args:
            layers: the number of layers; the random stream of augmentation is left out.
        """

        def converted(arrays: Mapping[str, Array]) -> dict[str, Array]:
            return {name: array.astype(dtype) for name, array in arrays.items()}

        parameters, optimizer = converted(self.parameters), converted(self.optimizer)
        return replace(
            self,
            batch=0,
            parameters=parameters,
            optimizer=optimizer,
            order={},
            layers=self.layers[:layers],
            metrics=None,
            gradient=None,
        )

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Restore a state from its plain values.

        Raises:
            StateError: the values are not a valid state.
        """
        if plain.keys() != {field.name for field in fields(cls)}:
            raise StateError("not the state of a training")
        return cls(**plain)


def put_back(saved: Mapping[str, Array], arrays: Mapping[str, Array], label: str) -> None:
    """Copy saved arrays into the live ones.

    Args:
        label: what the arrays are, for messages.

    Raises:
        StateError: names, shapes or types differ; nothing was changed.
    """
    for name in (*saved, *(name for name in arrays if name not in saved)):
        if name not in arrays or name not in saved:
            where = "the run" if name not in arrays else "the checkpoint"
            raise StateError(f"{label} {name} is not in {where}")
        old, new = saved[name], arrays[name]
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            raise StateError(
                f"{label} {name} is {old.dtype} of shape {old.shape} in the checkpoint, "
                f"and {new.dtype} of shape {new.shape} in the run"
            )
    for name, array in saved.items():
        arrays[name][...] = array
