"""What the rest of a training depends on, at a point between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from declnet.contracts.arrays import Array

RENAMED = {"figures": "metrics"}
"""Names in checkpoints of the first edition, and what they are called now."""


class StateError(ValueError):
    """A saved state does not fit the training that is to go on from it."""


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Plain values and arrays, enough to resume to the same bits (see contracts.serialization).

    Learning rates need no more than `step`: schedules are functions of it. The arrays may be those
    that training works on: write them down before it goes on.

    Attributes:
        epoch: the epoch that is at work or comes next.
        batch: batches of that epoch that are done.
        step: updates made.
        parameters: all of the model's, those too that are not trained, by key.
        optimizer: its arrays by name.
        learning_rate_scale: what callbacks made of the learning rate.
        order: of the samples, and the random stream that shuffles them; empty without shuffling.
        layers: the state of each layer's random stream.
        metrics: what was collected of the epoch; None if nothing was.
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

    def plain(self) -> dict[str, Any]:
        """All of it by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The state that gave these values.

        Raises:
            StateError: they are not those of a state.
        """
        renamed = {RENAMED.get(name, name): value for name, value in plain.items()}
        if renamed.keys() != {field.name for field in fields(cls)}:
            raise StateError("not the state of a training")
        return cls(**renamed)


def put_back(saved: Mapping[str, Array], arrays: Mapping[str, Array], label: str) -> None:
    """Copies saved arrays into those at work.

    Args:
        label: what they are, for messages.

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
