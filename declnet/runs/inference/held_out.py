"""Predictions of a fold's validation data that do not depend on choices made by the same rows.

Each part of the rows is predicted by the epoch that the other parts select, and completed by the
calibrators as fitted to the other parts. It is stored with the run, which itself keeps the epoch
and the calibration that all of its validation data select.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from declnet.contracts.arrays import Array
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.inference.calibration import (
    Calibrations,
    FittedCalibration,
    restored,
    stored,
)
from declnet.runs.inference.predictions import OutputReading
from declnet.runs.storage.checkpoints import packed, unpacked
from declnet.spec.heads import Head
from declnet.training.checks.calibration import require_samples, require_targets
from declnet.training.metrics import Unscale
from declnet.training.preparation import ReadyData
from declnet.training.tasks import predictions_of


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """The predictions of a fold's validation data, in parts.

    Attributes:
        part_of: the part (n,) of each sample, from 0.
        outputs: the output that each loss takes, (n, …), by the loss's name.
        calibrations: of each part, the calibrations for it.
    """

    part_of: Array
    outputs: Mapping[str, Array]
    calibrations: Sequence[Calibrations]

    @classmethod
    def fitted(
        cls,
        part_of: Array,
        outputs: Sequence[Sequence[Array]],
        data: ReadyData,
        heads: Sequence[Head],
        readings: Sequence[OutputReading],
        unscale: Mapping[int, Unscale],
    ) -> Self:
        """Fit the calibrators for each part to the others.

        Args:
            part_of: the part of each sample.
            outputs: for each part, the output that each loss takes for all samples.
            data: the samples.
            heads: the losses.
            readings: how to interpret their predictions.
            unscale: for each loss with a prepared target, how to invert that.
        """
        calibrations: list[Calibrations] = []
        for part, of_part in enumerate(outputs):
            rows, fitted = part_of != part, dict[str, FittedCalibration]()
            for number, (head, reading) in enumerate(zip(heads, readings, strict=True)):
                if head.calibration:
                    y_pred = predictions_of(head.loss, of_part[number][rows])
                    y_pred = unscale[number](y_pred) if number in unscale else y_pred
                    y = np.asarray(data.y[number])[rows]
                    fitted[head.name] = FittedCalibration.fitted(head, reading, y_pred, y)
            calibrations.append(fitted)
        parts = range(len(outputs))
        joined = {}
        for number, head in enumerate(heads):
            joined[head.name] = np.empty_like(outputs[0][number])
            for part in parts:
                rows = part_of == part
                joined[head.name][rows] = outputs[part][number][rows]
        return cls(part_of, joined, calibrations)

    def stored(self) -> bytes:
        """Return the content of a file; numbers are exact."""
        calibrations = [stored(of_part).decode() for of_part in self.calibrations]
        content = {"part_of": self.part_of, "outputs": dict(self.outputs)}
        return packed({**content, "calibrations": calibrations})

    @classmethod
    def restored(
        cls,
        content: bytes,
        heads: Sequence[Head],
        readings: Sequence[OutputReading],
        registry: Registry,
    ) -> Self:
        """Return the predictions that `stored` converted.

        Raises:
            ValueError: the content was not written by `stored`, or for other losses.
        """
        values = unpacked(content)
        try:
            part_of, outputs, files = (
                values[name] for name in ("part_of", "outputs", "calibrations")
            )
        except KeyError as error:
            raise ValueError(f"it has no {error}") from None
        if [*outputs] != [head.name for head in heads]:
            raise ValueError(f"its losses are {[*outputs]}, unlike the spec's")
        fitted = [restored(file.encode(), heads, readings, registry) for file in files]
        return cls(part_of, outputs, fitted)

    def outputs_at(self, positions: Array) -> dict[str, Array]:
        """Return the outputs for some of the samples."""
        return {name: y_pred[positions] for name, y_pred in self.outputs.items()}


def can_be_fitted(heads: Sequence[Head], data: ReadyData, part_of: Array) -> bool:
    """Return whether the samples outside each part are enough for the calibrators."""
    try:
        for part in range(part_of.max() + 1):
            rows = part_of != part
            require_samples(heads, int(rows.sum()))
            require_targets(heads, [[np.asarray(y)[rows] for y in data.y]])
    except DataError:
        return False
    return True
