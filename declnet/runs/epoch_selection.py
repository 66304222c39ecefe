"""Unbiased predictions of the validation data, although it selects the model's epoch.

The metric by which a callback selects an epoch is too optimistic an estimate for new rows. So the
validation data is divided into parts, and each part is predicted by the epoch that the callbacks
select by the metrics of all other parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Self

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.network.metric import Metric
from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback, EpochFinished
from declnet.runs.callbacks import ActiveRun, Callbacks, FollowedModel
from declnet.runs.inference.held_out import HeldOutPredictions, can_be_fitted
from declnet.runs.inference.member import readings_of
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import Monitored, combined_losses, metrics_of, selecting_callbacks
from declnet.training.preparation import Prepared
from declnet.training.tasks import predictions_of
from declnet.training.trainer import Trainer

MOST_OUTPUTS = 2**21
"""Maximum number of outputs for the validation data with which epochs are selected by parts: more
would take over 64 MB, and an epoch that so many samples select is hardly overfitted to them."""


class PartModel(FollowedModel):
    """The model as the callbacks of all parts see it, whose parameters are copied once an epoch."""

    _copies: dict[str, Array] | None = None

    def parameters(self) -> dict[str, Array]:
        """See `RunningModel.parameters`."""
        if self._copies is None:
            self._copies = super().parameters()
        return dict(self._copies)

    def forget(self) -> None:
        """Forget the parameters of the last epoch."""
        self._copies = None


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
    """The outputs of the epoch that is selected for each part of the validation data.

    Args:
        prepared: the run's spec, data and model.
        part_of: the part (n,) of each sample of the validation data.
        trainer: the run's trainer.
        active: the run as its callbacks see it.
    """

    def __init__(
        self, prepared: Prepared, part_of: Array, trainer: Trainer, active: ActiveRun
    ) -> None:
        self._prepared, self._part_of, self._trainer = prepared, part_of, trainer
        self._heads, self._data = prepared.spec.heads, prepared.data["validation"]
        parts = range(int(part_of.max()) + 1)
        callbacks = selecting_callbacks(prepared.spec.training.callbacks)
        self._epoch = RecordedOutputs(len(part_of))
        if callbacks and trainer.validation is not None:
            trainer.validation.record = self._epoch.record
        self._model = PartModel(active.model.trained, active.model.evaluated)
        self._runs = [
            PartRun(active.name, active.epochs, None, self._model, trainer, active.directions)
            for _ in parts
        ]
        self._callbacks = [Callbacks(callbacks) for _ in parts]
        self._outputs: list[list[Array] | None] = [None for _ in parts]
        self._set_up_metrics(callbacks)

    def _set_up_metrics(self, callbacks: Sequence[Callback]) -> None:
        """Find the metrics that the callbacks monitor, and the targets and weights of each part."""
        monitored = Monitored.of(callbacks, self._heads).validation or ()
        follows_all = any(type(one).monitors is Callback.monitors for one in callbacks)
        self._metrics = metrics_of(self._heads) if follows_all else monitored
        (data,) = self._data.parts()
        self._targets = [read_only(np.asarray(y)) for y in data.y]
        weights = np.ones(len(data)) if data.weights is None else data.weights.astype(float)
        self._weights, self._is_other = weights, 1 - np.eye(len(self._runs))
        of_others = self._is_other @ np.bincount(self._part_of, weights)
        self._weight_of_others = np.where(of_others > 0, of_others, 1)

    @classmethod
    def needed(cls, prepared: Prepared, trainer: Trainer, active: ActiveRun) -> Self | None:
        """Return the selection for a run whose validation data select or calibrate, else None.

        There is none either for more than `MOST_OUTPUTS`, or too few samples for a calibrator.
        """
        part_of, training = prepared.part_of, prepared.spec.training
        calibrates = any(head.calibration for head in prepared.spec.heads)
        if part_of is None or not (calibrates or selecting_callbacks(training.callbacks)):
            return None
        outputs = sum(prod(node.output_shape) for node in prepared.model.outputs.values())
        (data,) = prepared.data["validation"].parts()
        if outputs * len(part_of) > MOST_OUTPUTS:
            return None
        if not can_be_fitted(prepared.spec.heads, data, part_of):
            return None
        return cls(prepared, part_of, trainer, active)

    def start(self, saved: Mapping[str, Any] | None = None) -> None:
        """Start the callbacks, or restore what `state` returned."""
        outputs, states = (saved or {}).get("outputs", ()), (saved or {}).get("parts", ())
        for part, (run, callbacks) in enumerate(zip(self._runs, self._callbacks, strict=True)):
            state = states[part] if part < len(states) else None
            callbacks.start(run, state["callbacks"] if state is not None else ())
            if state is not None:
                run.stopped, number = state["stopped"], state["outputs"]
                self._outputs[part] = None if number is None else outputs[number]

    def after_epoch(self, event: EpochFinished) -> None:
        """Let the callbacks select the epoch for each part by the metrics of the others."""
        if not event.validation or not self._epoch.outputs:
            return
        self._model.forget()
        copies: list[Array] | None = None
        others = self._metrics_of_others(event)
        for part, (run, callbacks) in enumerate(zip(self._runs, self._callbacks, strict=True)):
            if run.has_stopped():
                continue
            metrics = {name: values[part] for name, values in others.items()}
            callbacks.after_epoch(
                EpochFinished(event.epoch, event.learning_rate, event.metrics, metrics)
            )
            selects = run.take_selection()
            if selects is False:
                self._outputs[part] = None
            if selects or (run.has_stopped() and self._outputs[part] is None):
                copies = copies or [outputs.copy() for outputs in self._epoch.outputs]
                self._outputs[part] = copies

    def _metrics_of_others(self, event: EpochFinished) -> dict[str, list[float]]:
        """Return an epoch's metrics, each on the samples outside of each part."""
        means = []
        for of_loss in self._epoch.losses:
            of_others = self._is_other @ np.bincount(self._part_of, self._weights * of_loss)
            means.append(of_others / self._weight_of_others)
        losses = combined_losses(self._heads, means, event.validation["regularization_loss"])
        predictions = {}
        for number in {metric.head for metric in self._metrics}:
            y_pred = predictions_of(self._heads[number].loss, self._epoch.outputs[number])
            unscale = self._data.unscale.get(number)
            predictions[number] = read_only(y_pred if unscale is None else unscale(y_pred))
        for named in self._metrics:
            samples = predictions[named.head], self._targets[named.head], self._part_of
            losses[named.label] = verified(Metric.leaving_out, named.metric, *samples)
        return {
            name: values.tolist() if isinstance(values, np.ndarray) else [values] * len(self._runs)
            for name, values in losses.items()
        }

    def state(self) -> dict[str, Any]:
        """Return the state as plain values: distinct outputs, and which of them each part has."""
        outputs = {id(of_part): of_part for of_part in self._outputs if of_part is not None}
        numbers = {key: number for number, key in enumerate(outputs)}
        parts = [
            {
                "callbacks": callbacks.state(),
                "stopped": run.stopped,
                "outputs": numbers.get(id(of_part)),
            }
            for run, callbacks, of_part in zip(
                self._runs, self._callbacks, self._outputs, strict=True
            )
        ]
        return {"outputs": list(outputs.values()), "parts": parts}

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
