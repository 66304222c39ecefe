"""Predictions of validation data that do not depend on choices made by the same rows.

Each part of the rows is predicted by the epoch that the other parts select, and completed by the
calibrators as fitted to the other parts. It is stored with the run, which itself keeps the epoch
and the calibration that all of its validation data select.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import UNNAMED
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.inference.calibration import (
    Calibrations,
    FittedCalibration,
    calibrating,
    restored,
    stored,
)
from declnet.runs.inference.member import Member
from declnet.runs.inference.observing import Observed
from declnet.runs.inference.predictions import OutputReading
from declnet.runs.storage.checkpoints import packed, unpacked
from declnet.spec.heads import Head
from declnet.training.checks.calibration import require_samples, require_targets
from declnet.training.evaluation import BatchLosses
from declnet.training.metrics import MetricAccumulator, Unscale
from declnet.training.preparation import ReadyData, ReadySet
from declnet.training.tasks import predictions_of


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """The predictions of a run's validation data, in parts.

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

    def finished(
        self, member: Member, positions: Array | None = None, *, calibrated: bool = True
    ) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them.

        Args:
            member: the run's model.
            positions: positions of samples, (n,); default: all.
            calibrated: as for `Member.outputs`.
        """
        part_of = self.part_of if positions is None else self.part_of[positions]
        finished: dict[str, Array] = {}
        for rows, of_part in self._by_part(member, part_of):
            at = rows if positions is None else positions[rows]
            y_preds = {name: y_pred[at] for name, y_pred in self.outputs.items()}
            for name, y_pred in of_part.finished(y_preds, calibrated=calibrated).items():
                shape = (len(part_of), *y_pred.shape[1:])
                finished.setdefault(name, np.empty(shape, y_pred.dtype))[rows] = y_pred
        return finished

    def evaluate(
        self, member: Member, data: ReadySet, observed: Sequence[Observed]
    ) -> dict[str, float]:
        """Return the losses and metrics of the predictions.

        Args:
            member: the run's model.
            data: the validation data.
            observed: for each loss, what else is counted.
        """
        (samples,), readings = data.parts(), list(member.readings)
        # the outputs are known, so the inputs need not be copied
        samples = replace(samples, x={UNNAMED: np.arange(len(samples))})

        def watch(number: int, y_pred: Array, y: Array) -> None:
            observed[number].add(y_pred, y, readings[number])

        watches = [partial(watch, number) for number in range(len(observed))]
        metrics = MetricAccumulator(member.heads, None, watches)
        capacity = min(len(samples), member.model.samples_at_once)
        batches = BatchLosses(member.model, member.heads, capacity)
        for rows, of_part in self._by_part(member, self.part_of):
            readings[:] = of_part.readings
            metrics.use(
                of_part.heads, calibrating(of_part.heads, of_part.calibrations, data.unscale)
            )
            outputs = [y_pred[rows] for y_pred in self.outputs.values()]
            batches.add_to(metrics, samples.take(rows), outputs)
        return metrics.result()

    def _by_part(self, member: Member, part_of: Array) -> Iterator[tuple[Array, Member]]:
        """Yield the samples of each part, and the model with the part's calibrations."""
        for part, calibrations in enumerate(self.calibrations):
            rows = np.flatnonzero(part_of == part)
            if len(rows):
                yield rows, member.with_calibrations(calibrations)


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
