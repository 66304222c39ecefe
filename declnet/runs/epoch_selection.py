"""Unbiased predictions of a fold's validation data, although it selects the model's epoch.

The metric by which a callback selects an epoch is too optimistic an estimate for new rows. So the
validation data of a fold is divided into parts, and each part is predicted by the epoch that the
callbacks select by the metrics of all other parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Self

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.runs.callback import Callback, EpochFinished
from declnet.runs.callbacks import ActiveRun, Callbacks
from declnet.runs.inference.held_out import HeldOutPredictions, can_be_fitted
from declnet.runs.inference.member import readings_of
from declnet.training.evaluation import Evaluation, mean_loss
from declnet.training.metrics import MetricAccumulator, metrics_of
from declnet.training.monitored import Monitored
from declnet.training.preparation import Prepared, ReadyData
from declnet.training.trainer import Trainer

MOST_OUTPUTS = 2**21
"""Maximum number of outputs for the validation data with which epochs are selected by parts: more
would take over 64 MB, and an epoch that so many samples select is hardly overfitted to them."""


class PartRun(ActiveRun):
    """The run as callbacks see it that select an epoch for a part of the validation data."""

    _selects: bool | None = None

    def take_selection(self) -> bool | None:
        """Return whether the epoch was selected, or none is any longer; None if nothing changed."""
        selects, self._selects = self._selects, None
        return selects

    def restore_parameters(
        self,
        parameters: Mapping[str, Array] | None,
        origin: str | None = None,  # noqa: ARG002
    ) -> None:
        """Select the epoch, or no longer any."""
        self._selects = parameters is not None

    def warn(self, message: str) -> None:
        """Ignore what the run itself warns of."""

    def scale_learning_rate(self, factor: float) -> None:
        """Ignore what the run itself decides on."""

    def save_checkpoint(self, best: bool = False) -> None:
        """Ignore what the run itself decides on."""

    def save_checkpoints(self, **_: Any) -> None:
        """Ignore what the run itself decides on."""


class RecordedOutputs:
    """The outputs and losses of one evaluation of the validation data, written batch by batch."""

    def __init__(self, samples: int) -> None:
        self._samples, self._at = samples, 0
        self.outputs: list[Array] = []
        self.losses: list[Array] = []

    def record(self, outputs: Sequence[Array], losses: Sequence[Array]) -> None:
        """Add a batch, the first one after the last of the data."""
        if not self.outputs:
            shapes = [(self._samples, *y_pred.shape[1:]) for y_pred in outputs]
            pairs = zip(shapes, outputs, strict=True)
            self.outputs = [np.empty(shape, y_pred.dtype) for shape, y_pred in pairs]
            self.losses = [np.empty(self._samples, of_loss.dtype) for of_loss in losses]
        start = self._at % self._samples
        self._at = start + len(losses[0])
        for target, batch in zip((*self.outputs, *self.losses), (*outputs, *losses), strict=True):
            target[start : self._at] = batch


class EpochSelection:
    """The outputs of the epoch that is selected for each part of a fold's validation data.

    Args:
        prepared: the run's spec, data and model.
        part_of: the part (n,) of each sample of the validation data.
        trainer: the run's trainer.
        active: the run as its callbacks see it.
    """

    def __init__(
        self, prepared: Prepared, part_of: Array, trainer: Trainer, active: ActiveRun
    ) -> None:
        self._prepared, self._part_of = prepared, part_of
        self._heads, self._data = prepared.spec.heads, prepared.data["validation"]
        self._others = [np.flatnonzero(part_of != part) for part in range(part_of.max() + 1)]
        callbacks = [
            callback for callback in prepared.spec.training.callbacks if callback.selects_epoch
        ]
        monitored = Monitored.of(callbacks, self._heads).validation or ()
        follows_all = any(type(one).monitors is Callback.monitors for one in callbacks)
        self._metrics = metrics_of(self._heads) if follows_all else monitored
        self._epoch = RecordedOutputs(len(part_of))
        self._trainer = trainer
        if callbacks and trainer.validation is not None:
            trainer.validation.record = self._epoch.record
        self._runs = [
            PartRun(active.name, active.epochs, None, active.model, trainer, active.directions)
            for _ in self._others
        ]
        self._callbacks = [Callbacks(callbacks) for _ in self._others]
        self._outputs: list[list[Array] | None] = [None] * len(self._others)

    @classmethod
    def needed(cls, prepared: Prepared, trainer: Trainer, active: ActiveRun) -> Self | None:
        """Return the selection for a fold whose validation data select or calibrate, else None.

        There is none either for more than `MOST_OUTPUTS`, or too few samples for a calibrator.
        """
        heads, part_of = prepared.spec.heads, prepared.part_of
        selects = any(callback.selects_epoch for callback in prepared.spec.training.callbacks)
        if part_of is None or not (selects or any(head.calibration for head in heads)):
            return None
        outputs = sum(prod(node.output_shape) for node in prepared.model.outputs.values())
        (data,) = prepared.data["validation"].parts()
        if outputs * len(part_of) > MOST_OUTPUTS or not can_be_fitted(heads, data, part_of):
            return None
        return cls(prepared, part_of, trainer, active)

    def start(self, saved: Sequence[Mapping[str, Any]] = ()) -> None:
        """Start the callbacks, or restore what `state` returned."""
        for part, (run, callbacks) in enumerate(zip(self._runs, self._callbacks, strict=True)):
            state = saved[part] if part < len(saved) else None
            callbacks.start(run, state["callbacks"] if state is not None else ())
            if state is not None:
                run.stopped, self._outputs[part] = state["stopped"], state["outputs"]

    def after_epoch(self, event: EpochFinished) -> None:
        """Let the callbacks select the epoch for each part by the metrics of the others."""
        if not event.validation or not self._epoch.outputs:
            return
        (data,) = self._data.parts()
        copies: list[Array] | None = None
        for part, run in enumerate(self._runs):
            if run.has_stopped():
                continue
            metrics = self._metrics_on(self._others[part], data, event)
            self._callbacks[part].after_epoch(
                EpochFinished(event.epoch, event.learning_rate, event.metrics, metrics)
            )
            selects = run.take_selection()
            if selects:
                copies = copies or [outputs.copy() for outputs in self._epoch.outputs]
                self._outputs[part] = copies
            elif selects is not None:
                self._outputs[part] = None

    def _metrics_on(self, rows: Array, data: ReadyData, event: EpochFinished) -> dict[str, float]:
        """Return the metrics of an epoch on some of the samples."""
        metrics = MetricAccumulator(self._heads, self._metrics, unscale=self._data.unscale)
        weights = None if data.weights is None else data.weights[rows]
        pairs = [mean_loss(losses[rows], weights) for losses in self._epoch.losses]
        metrics.add(
            [outputs[rows] for outputs in self._epoch.outputs],
            [np.asarray(y)[rows] for y in data.y],
            [mean for mean, _ in pairs],
            event.validation["regularization_loss"],
            pairs[-1][1],
        )
        return metrics.result()

    def state(self) -> list[dict[str, Any]]:
        """Return the state of each part, as plain values."""
        return [
            {"callbacks": callbacks.state(), "stopped": run.stopped, "outputs": outputs}
            for run, callbacks, outputs in zip(
                self._runs, self._callbacks, self._outputs, strict=True
            )
        ]

    def predictions(self, epoch: int) -> HeldOutPredictions:
        """Return what predicts the validation data, once the model is finished.

        Args:
            epoch: the last epoch.
        """
        heads, data, model = self._heads, self._data, self._prepared.model
        outputs = [outputs for outputs in self._outputs if outputs is not None]
        if len(outputs) < len(self._outputs):  # some parts have the epoch of the finished model
            evaluation, finished = Evaluation(model, heads, data), RecordedOutputs(len(data))
            evaluation.record = finished.record
            self._trainer.evaluated(evaluation, epoch, ())
            outputs = [outputs or finished.outputs for outputs in self._outputs]
        (samples,) = data.parts()
        readings = readings_of(heads, model, self._prepared.preparation)
        return HeldOutPredictions.fitted(
            self._part_of, outputs, samples, heads, readings, data.unscale
        )
