"""The loop: epochs as an iterator of events."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from declnet.components.callback import EpochLogged
from declnet.components.fusion import Fusion
from declnet.data.batches import Batches
from declnet.graph.clipping import clippings
from declnet.graph.model import Model
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet.registry.registry import Registry
from declnet.spec.run_spec import RunSpec
from declnet.training.divergence import divergence, finite_evaluation
from declnet.training.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch, NonFiniteLossError
from declnet.training.evaluation import Evaluation
from declnet.training.events import Event, Progressed
from declnet.training.figures import Figures
from declnet.training.ready_data import ReadyData

SIGN_OF_LIFE = 0.2
"""Seconds between two `Progressed` events."""


class Trainer:
    """Trains a model as a spec says.

    Args:
        spec: the run.
        model: changed in place.
        train: the training data.
        validation: evaluated after each logged epoch, if there is any.
        registry: where fusions are looked up.

    Attributes:
        fusion: what joins the last layer and the loss, or None.
    """

    fusion: Fusion | None

    def __init__(
        self,
        spec: RunSpec,
        model: Model,
        train: ReadyData,
        validation: ReadyData | None,
        registry: Registry,
    ) -> None:
        self._training, self._model = spec.training, model
        self._validation = (
            Evaluation(model, spec.loss, spec.training.metrics, validation)
            if validation is not None
            else None
        )
        self._epoch, self._update = self._compile(spec, train, registry)
        self._step = 0
        self._next_sign = 0.0

    def _compile(self, spec: RunSpec, train: ReadyData, registry: Registry) -> tuple[Epoch, Update]:
        model, batch_size = self._model, spec.training.batch_size or len(train)
        capacity = min(batch_size, len(train))
        graph = TrainingGraph(model, spec.loss, registry, capacity, spec.seed)
        self.fusion = graph.fusion
        epoch: Epoch
        if spec.training.batch_size is None:
            epoch = FullBatchEpoch(graph, train)
        else:
            batches = Batches(len(train), batch_size, spec.training.shuffle, spec.seed)
            epoch = MiniBatchEpoch(graph, train, batches)
        return epoch, Update(
            spec.optimizer,
            model.store.vector,
            graph.gradient,
            clippings(spec.training.clip_norm, spec.training.clip_value),
        )

    def events(self) -> Iterator[Event]:
        """Trains; yields each logged epoch, and signs of life between.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        last = self._training.epochs - 1
        epoch = 0
        self._next_sign = time.perf_counter() + SIGN_OF_LIFE
        while epoch <= last:
            if epoch % self._training.log_every and epoch != last:
                epoch = self._silent_epochs(epoch, last)
                if self._sign_is_due():
                    yield Progressed(float(epoch))
            else:
                yield self._logged_epoch(epoch)
                epoch += 1

    def _silent_epochs(self, epoch: int, last: int) -> int:
        """Runs up to the next epoch to log, or until a sign of life is due."""
        every = self._training.log_every
        stop = min(epoch + every - epoch % every, last)
        run, update, steps = self._epoch.run, self._update, self._epoch.steps
        now = time.perf_counter
        with np.errstate(all="ignore"):
            while epoch < stop:
                try:
                    run(update, self._step, None)
                except NonFiniteLossError as error:
                    raise divergence(self._model, epoch, error.loss, error.x) from None
                self._step += steps
                epoch += 1
                if now() > self._next_sign:
                    break
        return epoch

    def _logged_epoch(self, epoch: int) -> EpochLogged:
        figures = Figures(self._training.metrics)
        with np.errstate(all="ignore"):
            try:
                rate = self._epoch.run(self._update, self._step, figures)
            except NonFiniteLossError as error:
                raise divergence(self._model, epoch, error.loss, error.x) from None
        self._step += self._epoch.steps
        validation = (
            finite_evaluation(self._validation, self._model, epoch) if self._validation else {}
        )
        return EpochLogged(epoch, rate, figures.result(), validation)

    def _sign_is_due(self) -> bool:
        due = time.perf_counter() > self._next_sign
        if due:
            self._next_sign = time.perf_counter() + SIGN_OF_LIFE
        return due
