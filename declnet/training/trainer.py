"""The loop: epochs as an iterator of events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from declnet.contracts.callback import Callback, EpochFinished, EpochLogged
from declnet.contracts.metric import Metric
from declnet.contracts.returned import checked_monitors
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.training.compile import compile_training
from declnet.training.divergence import divergence, finite_evaluation
from declnet.training.epochs import NonFiniteLossError
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import LOSSES, VALIDATION, MetricAccumulator
from declnet.training.numerics import arithmetic_for
from declnet.training.ready_data import ReadyData
from declnet.training.state import StateError, TrainingState, put_back


@dataclass(frozen=True)
class Progressed:
    """A heartbeat between logged epochs, a few times a second.

    Attributes:
        epochs_done: whole epochs, with the finished share of the one at work.
    """

    epochs_done: float


Event = EpochLogged | EpochFinished | Progressed


SIGN_OF_LIFE = 0.2
"""Seconds between two signs of life."""

PART = 0.05
"""Seconds that a part of an epoch takes at most, unless one batch takes longer."""


class Pace:
    """Says when a sign of life is due, and how many batches to do at a time.

    Attributes:
        next_sign: when one is due, by `time.perf_counter`.
        part: batches of the next part of an epoch: few at first, then as many as `PART` allows.
    """

    def __init__(self) -> None:
        self.next_sign, self.part = 0.0, 1

    def begin(self) -> None:
        """The training begins, or goes on."""
        self.next_sign = time.perf_counter() + SIGN_OF_LIFE

    def sign_is_due(self) -> bool:
        """Whether it is time for a sign of life; if so, the next one is due later."""
        due = time.perf_counter() > self.next_sign
        if due:
            self.begin()
        return due

    def took(self, batches: int, seconds: float) -> None:
        """Makes the parts longer or shorter, after one of so many batches took so long."""
        if seconds > PART:
            self.part = max(1, min(self.part, int(batches * PART / seconds)))
        elif batches == self.part and seconds < PART / 2:
            self.part *= 2


class Trainer:
    """Trains a model as a spec says.

    Args:
        spec: the run.
        model: changed in place.
        train: the training data.
        validation: evaluated after each logged epoch, if there is any.
        registry: where kernels are looked up.

    Attributes:
        kernels: those that may take components' places, and those that have.
        epoch: the epoch that is at work or comes next, from 0.
        batch: batches of that epoch that are done.
        step: updates made.
        samples_a_step: in the batch of an update; the last one of an epoch may be smaller.
        halt_every: epochs from one event to the next, logged or not; None where nobody needs that.
    """

    halt_every: int | None = None

    def __init__(
        self,
        spec: RunSpec,
        model: Model,
        train: ReadyData,
        validation: ReadyData | None,
        registry: Registry,
    ) -> None:
        self._training, self._loss, self._model = spec.training, spec.loss, model
        self._monitored = _Monitored.of(spec.training.callbacks, spec.training.metrics)
        self._validation = (
            Evaluation(model, spec.loss, spec.training.metrics, validation)
            if validation is not None
            else None
        )
        compiled = compile_training(spec, model, train, registry)
        self._epoch, self._update, self._streams = (
            compiled.epoch,
            compiled.update,
            compiled.streams,
        )
        self.kernels = compiled.kernels
        self.samples_a_step = compiled.batch
        self.epoch = self.batch = self.step = 0
        self._metrics: MetricAccumulator | None = None
        self._pace = Pace()

    def events(self) -> Iterator[Event]:
        """Train; yield each logged epoch, each other one that a callback follows, and heartbeats.

        Between two events the training stands between two steps, and may be written down by
        `state`, changed by `scale_learning_rate`, or left for good.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        last = self._training.epochs - 1
        self._pace.begin()
        while self.epoch <= last:
            if self._is_logged(self.epoch) or self._monitored.every_epoch:
                yield from self._followed_epoch()
            else:
                yield from self._silent_epochs(last)

    def state(self) -> TrainingState:
        """Everything that the rest of the training depends on, as arrays at work and plain values.

        Raises:
            StateError: a metric whose state cannot be written is in the middle of an epoch; at its
                end there is nothing to keep of it.
        """
        metrics = self._metrics.state() if self._metrics is not None else None
        if self._metrics is not None and metrics is None:
            raise StateError("a metric's state cannot be written down within an epoch")
        return TrainingState(
            self.epoch,
            self.batch,
            self.step,
            dict(self._model.store.arrays),
            dict(self._update.state),
            self._update.scale,
            self._epoch.order(),
            [dict(stream.bit_generator.state) for stream in self._streams],
            metrics,
        )

    def restore(self, state: TrainingState) -> None:
        """Goes on from a state, of this process or another one, to the same bits.

        Raises:
            StateError: it is the state of another model, optimizer, data or other metrics.
        """
        if not 0 <= state.batch < self._epoch.steps or len(state.layers) != len(self._streams):
            raise StateError("the checkpoint is of other batches or layers")
        metrics = self._metrics_of(state.epoch)
        if state.batch and (state.metrics is None) != (metrics is None):
            raise StateError("log_every or callbacks changed since this checkpoint was written")
        try:
            self._metrics = (
                MetricAccumulator.restored(self._loss, metrics, state.metrics)
                if state.metrics is not None and metrics is not None
                else None
            )
            self._epoch.restore_order(state.order)
        except ValueError as error:
            raise StateError(f"the checkpoint does not fit: {error}") from None
        put_back(state.parameters, self._model.store.arrays, "parameter")
        put_back(state.optimizer, self._update.state, "the optimizer's")
        for stream, saved in zip(self._streams, state.layers, strict=True):
            stream.bit_generator.state = saved
        self._update.scale = state.learning_rate_scale
        self.epoch, self.batch, self.step = state.epoch, state.batch, state.step

    def scale_learning_rate(self, factor: float) -> None:
        """Multiplies every learning rate from now on."""
        self._update.scale *= factor

    def _is_logged(self, epoch: int) -> bool:
        return epoch % self._training.log_every == 0 or epoch == self._training.epochs - 1

    def _metrics_of(self, epoch: int) -> Sequence[Metric] | None:
        """The metrics that are computed from the training batches of an epoch; None for no loss."""
        return self._training.metrics if self._is_logged(epoch) else self._monitored.training

    def _silent_epochs(self, last: int) -> Iterator[Progressed]:
        """Runs up to the next epoch to log or to halt at, or until a sign of life is due."""
        steps, halt = self._epoch.steps, self.halt_every
        stop = min(_next(self.epoch, self._training.log_every), last)
        if halt is not None:
            stop = min(stop, _next(self.epoch, halt))
        if self.batch == 0 and steps <= self._pace.part:
            self._whole_epochs(stop)
        else:
            yield from self._parts()
            self.epoch, self.batch = self.epoch + 1, 0
        if self._pace.sign_is_due() or (halt is not None and self.epoch % halt == 0):
            yield Progressed(float(self.epoch))

    def _whole_epochs(self, stop: int) -> None:
        """The loop of short epochs: nothing in it but them and a look at the clock."""
        run, update, steps = self._epoch.run, self._update, self._epoch.steps
        now, epoch, step, next_sign = time.perf_counter, self.epoch, self.step, self._pace.next_sign
        try:
            with arithmetic_for(self.samples_a_step):
                while epoch < stop:
                    run(update, step, None)
                    step += steps
                    epoch += 1
                    if now() > next_sign:
                        break
        except NonFiniteLossError as error:
            raise divergence(self._model, epoch, error.loss, error.x) from None
        self.epoch, self.step = epoch, step

    def _followed_epoch(self) -> Iterator[Event]:
        """Runs an epoch that is logged, or that a callback follows, and says what came of it."""
        logged, wanted = self._is_logged(self.epoch), self._metrics_of(self.epoch)
        if self._metrics is None and wanted is not None:
            self._metrics = MetricAccumulator(self._loss, wanted)
        yield from self._parts()
        metrics = self._metrics.result() if self._metrics is not None else {}
        validation = self._validated(None if logged else self._monitored.validation, logged)
        kind = EpochLogged if logged else EpochFinished
        finished = kind(self.epoch, self._rate, metrics, validation)
        self.epoch, self.batch, self._metrics = self.epoch + 1, 0, None
        yield finished
        if not logged and self._pace.sign_is_due():
            yield Progressed(float(self.epoch))

    def _validated(self, metrics: Sequence[Metric] | None, logged: bool) -> dict[str, float]:
        """Evaluates the validation data if it is there and somebody looks at it."""
        if self._validation is None or (metrics is None and not logged):
            return {}
        return finite_evaluation(self._validation, self._model, self.epoch, metrics)

    def _parts(self) -> Iterator[Progressed]:
        """Runs the rest of an epoch; between its parts, yields a sign of life when one is due."""
        steps = self._epoch.steps
        while self.batch < steps:
            stop, start = min(self.batch + self._pace.part, steps), time.perf_counter()
            try:
                with arithmetic_for(self.samples_a_step):
                    self._rate = self._epoch.run(
                        self._update, self.step, self._metrics, self.batch, stop
                    )
            except NonFiniteLossError as error:
                raise divergence(self._model, self.epoch, error.loss, error.x) from None
            done = stop - self.batch
            self.step, self.batch = self.step + done, stop
            self._pace.took(done, time.perf_counter() - start)
            if stop < steps and self._pace.sign_is_due():
                yield Progressed(self.epoch + stop / steps)


def _next(epoch: int, every: int) -> int:
    """The first multiple of `every` after an epoch."""
    return epoch + every - epoch % every


@dataclass(frozen=True)
class _Monitored:
    """What callbacks want of epochs that are not logged.

    Attributes:
        every_epoch: whether any is told of them at all.
        training: the metrics of the training data; None if not even the loss is needed.
        validation: the same of the validation data.
    """

    every_epoch: bool
    training: tuple[Metric, ...] | None
    validation: tuple[Metric, ...] | None

    @classmethod
    def of(cls, callbacks: Sequence[Callback], metrics: Sequence[Metric]) -> _Monitored:
        monitored = [(each, checked_monitors(each, each.monitors())) for each in callbacks]
        names = {name for _, own in monitored for name in own}
        follows = any(_follows(each, own) for each, own in monitored)
        validation = [name for name in names if name.startswith(VALIDATION)]
        others = {name.removeprefix(VALIDATION) for name in validation}
        return cls(follows, _among(metrics, names), _among(metrics, others))


def _follows(callback: Callback, monitors: tuple[str, ...]) -> bool:
    """Whether a callback is to be called after epochs that are not logged."""
    cls = type(callback)
    could_monitor = cls.monitors is not Callback.monitors
    return cls.after_epoch is not Callback.after_epoch and (bool(monitors) or not could_monitor)


def _among(metrics: Sequence[Metric], names: set[str]) -> tuple[Metric, ...] | None:
    """The metrics of these names; None if there is none and no loss is named either."""
    found = tuple(metric for metric in metrics if metric.label in names)
    return found if found or names & set(LOSSES) else None
