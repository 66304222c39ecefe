"""The loop: epochs as an iterator of events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from declnet.contracts.arrays import Array
from declnet.contracts.runs.callback import Callback, EpochFinished, EpochLogged
from declnet.contracts.runs.observer import StepObserver
from declnet.errors import ChangedFileError, DivergenceError
from declnet.graph.evaluated import EvaluatedParameters
from declnet.graph.kernels import Kernels
from declnet.graph.step import Step
from declnet.training.choice import ChosenKernels, choose_kernels, usable_kernels
from declnet.training.compile import CompiledTraining
from declnet.training.compiled_steps import NonFiniteLossError, RecordingVerifier
from declnet.training.culprits import culprit_of_evaluation, divergence, non_finite_parameter
from declnet.training.epochs import ApplyUpdate, Epoch
from declnet.training.evaluation import Evaluation
from declnet.training.heartbeat import HeartbeatTimer, Progressed
from declnet.training.metrics import MetricAccumulator, Monitored, NamedMetric, metrics_of
from declnet.training.numerics import arithmetic_for
from declnet.training.preparation import Prepared
from declnet.training.rewind import Rewind
from declnet.training.state import StateError, TrainingState

Event = EpochLogged | EpochFinished | Progressed

Followers = Sequence[Callable[[int], None]]
"""Functions that are called in the course of a training, with the number of an update or epoch."""

PYTHON_RUN, PYTHON_EPOCH, PYTHON_STEP = 8e-3, 3e-4, 5e-5
"""Seconds that Python takes for a run, a logged epoch, and a step whose predictions it reads."""

NATIVE = 0.3
"""The time of an engine's steps relative to NumPy's, about."""


class Trainer:
    """The training loop of a model, configured by a spec.

    Args:
        prepared: the spec, its data and its model, which is changed in place. Validation data is
            evaluated after each logged epoch.
        kernels: the kernels that may replace components; default: those that a run may use.
        epoch_updates: as for `CompiledTraining`.
        stored_kernels: what a run that is resumed has used, which `auto` then stands for.

    Attributes:
        choice: whether the run uses compiled kernels, and why.
        kernels: the kernels that may replace components, and those that have.
        epoch: the epoch in progress, or the next one, from 0.
        batch: finished batches of that epoch.
        step: updates made.
        epochs: the number of epochs in the whole training; `max_steps` may end the last one early.
        is_adapted: whether data-driven initializers have seen the first batch.
        steps: the number of updates in the whole training, unless a callback ends it early.
        samples_a_step: the batch size; the last batch of an epoch may be smaller.
        halt_every: epochs between events, logged or not; None if unneeded.
        evaluated_parameters: those that the model has while it is evaluated.
        validation: evaluates the validation data, if there is any.
    """

    halt_every: int | None = None

    def __init__(
        self,
        prepared: Prepared,
        kernels: Kernels | None = None,
        epoch_updates: int | None = None,
        stored_kernels: ChosenKernels | None = None,
    ) -> None:
        spec, model = prepared.spec, prepared.model
        train, validation = prepared.data["train"], prepared.data.get("validation")
        self._training, self._heads, self._model = spec.training, spec.heads, model
        self._monitored = Monitored.of(spec.training.callbacks, self._heads)
        self._unscale, self._registry = train.unscale, prepared.registry
        self.choice = choose_kernels(spec, model, len(train), stored_kernels)
        kernels = kernels or usable_kernels(self.choice, spec, prepared.registry)
        self._compiled = compiled = CompiledTraining(prepared, kernels, epoch_updates)
        self.validation = None
        if validation is not None:
            self.validation = Evaluation(model, self._heads, validation, kernels=kernels)
        self._update = compiled.update
        self._apply: ApplyUpdate = compiled.update
        self._streams, self.kernels = compiled.streams, compiled.kernels
        self.samples_a_step, self.is_adapted = compiled.batch, False
        self.epoch = self.batch = self.step = 0
        self.steps = spec.training.updates(len(train))
        self.epochs = spec.training.started_epochs(len(train))
        self._metrics: MetricAccumulator | None = None
        self._timer = HeartbeatTimer(self.choice.seconds / (self.steps * spec.training.accumulate))
        self._observers: Sequence[StepObserver] = ()
        self._rewind = Rewind(prepared, compiled, self._batches_of)
        self._verifier = RecordingVerifier()
        self._after_updates: Followers = ()
        self._after_epochs: Followers = ()
        self.evaluated_parameters = EvaluatedParameters(
            model.store, compiled.update, self.recompute_statistics, lambda: self.step
        )

    def events(self) -> Iterator[Event]:
        """Train; yield logged epochs, other epochs that a callback follows, and heartbeats.

        If `max_steps` decides on the number of epochs, a heartbeat says so first.

        Between two events the training is between two steps. It can then be saved with `state`,
        changed with `learning_rate_scale`, or abandoned.

        Raises:
            BrokenContractError: a component no longer does what the engine recorded.
            DivergenceError: the loss became NaN or infinite.
        """
        last = self.epochs - 1
        if self.epochs != self._training.epochs:
            yield Progressed(float(self.epoch), self.epochs)
        self._timer.begin()
        self._verifier.begin(self.step)
        self._adapt()
        self.evaluated_parameters.forget()
        while self.epoch <= last:
            with ChangedFileError.during(f"epoch {self.epoch}"):
                self._compiled.enter(self.epoch)
                self._rewind.keep(self.epoch, self.batch, self.step)
                if self._is_logged(self.epoch) or self._monitored.every_epoch:
                    yield from self._followed_epoch()
                else:
                    yield from self._silent_epochs(last)

    def state(self) -> TrainingState:
        """Return everything needed to resume the training, as live arrays and plain values.

        Raises:
            StateError: in the middle of an epoch, the state of a metric cannot be written; at the
                end of an epoch it is not needed.
        """
        metrics = self._metrics.state() if self._metrics is not None else None
        if self._metrics is not None and metrics is None:
            raise StateError("a metric's state cannot be saved within an epoch")
        state = self._compiled.state(self.epoch, self.batch, self.step)
        return replace(state, metrics=metrics)

    def restore(self, state: TrainingState, *, with_metrics: bool = True) -> None:
        """Resume from a state of this or another process, with bitwise identical results.

        Args:
            with_metrics: whether the epoch's metrics go on; not for steps that `advance` makes.

        Raises:
            StateError: the state is from another model, optimizer, data or other metrics.
        """
        self._compiled.enter(state.epoch)
        if not 0 <= state.batch < self._epoch.steps or len(state.layers) != len(self._streams):
            raise StateError("the checkpoint belongs to other batches or layers")
        metrics = self._metrics_of(state.epoch) if with_metrics else None
        if with_metrics and state.batch and (state.metrics is None) != (metrics is None):
            raise StateError("log_every or callbacks changed since this checkpoint was written")
        try:
            self._metrics = None
            if state.metrics is not None and metrics is not None:
                self._metrics = self._accumulator(metrics)
                self._metrics.restore(state.metrics)
        except ValueError as error:
            raise StateError(f"the checkpoint does not fit: {error}") from None
        self._compiled.restore(state)
        self._rewind.forget()
        self.evaluated_parameters.forget()
        self.epoch, self.batch, self.step = state.epoch, state.batch, state.step

    @property
    def _epoch(self) -> Epoch:
        """Runs the epoch entered last."""
        return self._compiled.epoch

    def observe(self, observers: Sequence[StepObserver]) -> None:
        """Call these observers in the last step of each logged epoch from now on."""
        self._observers = observers

    def follow(self, updates: Followers, epochs: Followers = ()) -> None:
        """Call functions in the course of the training from now on.

        Args:
            updates: called after each update, with its number, from 1.
            epochs: called after the last update of each epoch that a callback follows, with the
                epoch, before its validation.
        """
        self._after_updates, self._after_epochs = updates, epochs
        self._apply = self._followed_update if updates else self._update

    def _followed_update(self, step: int) -> float:
        """Make an update; call what follows it."""
        rate = self._update(step)
        self.step = step
        self.evaluated_parameters.forget()
        for follower in self._after_updates:
            follower(step)
        return rate

    def estimated_seconds(self, *, is_followed: bool = False) -> tuple[float, float]:
        """Return about how long the training takes in Python, and in loops of an engine.

        Args:
            is_followed: whether something else than callbacks decides after each logged epoch.
        """
        training = self._training
        unused = Callback.after_update
        follows = any(type(c).after_update is not unused for c in training.callbacks)
        if follows or not self._epoch.is_compiled:
            return self.choice.seconds, 0.0
        epochs = self.epochs if self._monitored.every_epoch else self.epochs / training.log_every
        reads_steps = self._epoch.reads_each_step(bool(metrics_of(self._heads)))
        steps = self._epoch.steps if reads_steps else 0
        an_epoch = (2 if is_followed else 1) * PYTHON_EPOCH + steps * PYTHON_STEP
        return PYTHON_RUN + epochs * an_epoch, NATIVE * self.choice.seconds

    @property
    def steps_an_epoch(self) -> int:
        """The number of updates in an epoch."""
        return self._epoch.updates

    def advance(
        self,
        steps: int,
        metrics: MetricAccumulator | None = None,
        observer: StepObserver | None = None,
        *,
        explain: bool = True,
    ) -> None:
        """Make this many updates, or those that are left, without events.

        There is no validation and there are no callbacks. Before the first update, data-driven
        initializers see its batch.

        Args:
            metrics: accumulates the batches' losses and metrics; default: nothing does.
            observer: observes the only step.
            explain: whether an error names what made the loss non-finite, for which steps are
                repeated.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        self._adapt()
        self.evaluated_parameters.forget()
        last = min(self.step + steps, self.steps)
        observers = () if observer is None else (observer,)
        while self.step < last:
            self._compiled.enter(self.epoch)
            if explain:
                self._rewind.keep(self.epoch, self.batch, self.step)
            batches = self._batches_of(self.epoch)
            stop = min(self._epoch.after(self.batch, last - self.step), batches)
            self._run(stop, self._update, metrics, observers, explain=explain)
            if self.batch == batches:
                self.epoch, self.batch = self.epoch + 1, 0

    def _adapt(self) -> None:
        """Let data-driven initializers see the first batch, unless a step was made or they did."""
        if self.step == 0 and not self.is_adapted:
            self.is_adapted = True
            self._compiled.adapt()

    def next_batch(self) -> tuple[Array, Step]:
        """Gather the batch of the next step, which must then not be made.

        Returns:
            The positions of its samples in the training data (n,), and the step on its arrays.
        """
        self._compiled.enter(self.epoch)
        return self._epoch.gathered(self.batch)

    def recompute_statistics(self) -> None:
        """Compute the running statistics of the current parameters from the training data.

        Layers that the last epoch did not train keep theirs. The state of the training is otherwise
        unchanged, so that the same state gives the same statistics.
        """
        step = max(self.step, 1)
        self._compiled.recompute_statistics((step - 1) // self._epoch.updates, step)

    @property
    def learning_rate_scale(self) -> float:
        """The factor of every learning rate from now on."""
        return self._update.scale

    @learning_rate_scale.setter
    def learning_rate_scale(self, factor: float) -> None:
        self._update.scale = factor
        self._rewind.forget()

    def evaluated(
        self, evaluation: Evaluation, epoch: int, metrics: Sequence[NamedMetric] | None = None
    ) -> dict[str, float]:
        """Evaluate the model after an epoch, with the parameters that are to be evaluated.

        Args:
            metrics: the metrics to compute; default: all.

        Raises:
            DivergenceError: the loss is not finite.
        """
        with self.evaluated_parameters.in_model():
            values = evaluation.evaluate(metrics)
            if math.isfinite(values["loss"]):
                return values
            if non_finite_parameter(self._model) is not None:
                raise self._divergence(epoch, values["loss"], self.step)
            culprit = culprit_of_evaluation(self._model, self._heads, evaluation.data)
            raise divergence(epoch, values["loss"], culprit, self._registry, self._rewind.at_first)

    def _divergence(self, epoch: int, loss: float, stop: int) -> DivergenceError:
        """Return the error for a loss that is not finite after some updates, or before them."""
        at = self.epoch, self.batch, self.step
        culprit = self._rewind.culprit(at, stop) or self._rewind.unexplained()
        return divergence(epoch, loss, culprit, self._registry, self._rewind.at_first)

    def _is_logged(self, epoch: int) -> bool:
        return epoch % self._training.log_every == 0 or epoch == self.epochs - 1

    def _batches_of(self, epoch: int) -> int:
        """Return the number of batches in an epoch of the training."""
        if epoch < self.epochs - 1:
            return self._epoch.steps
        updates = self.steps - epoch * self._epoch.updates
        return min(self._epoch.after(0, updates), self._epoch.steps)

    def _metrics_of(self, epoch: int) -> Sequence[NamedMetric] | None:
        """Return the metrics to compute from an epoch's training batches; None for no loss."""
        return metrics_of(self._heads) if self._is_logged(epoch) else self._monitored.training

    def _accumulator(self, metrics: Sequence[NamedMetric]) -> MetricAccumulator:
        return MetricAccumulator(self._heads, metrics, unscale=self._unscale)

    def _silent_epochs(self, last: int) -> Iterator[Progressed]:
        """Run up to the next epoch to log or halt at, or until a heartbeat is due."""
        steps, halt = self._epoch.steps, self.halt_every
        stop = min(_next(self.epoch, self._training.log_every), last)
        if halt is not None:
            stop = min(stop, _next(self.epoch, halt))
        change = self._compiled.same_until(self.epoch)
        if change is not None:
            stop = min(stop, change)
        if self.batch == 0 and steps <= self._timer.part:
            self._whole_epochs(stop)
        else:
            yield from self._parts()
            self.epoch, self.batch = self.epoch + 1, 0
        if self._timer.is_due() or (halt is not None and self.epoch % halt == 0):
            yield Progressed(float(self.epoch), self.epochs)

    def _whole_epochs(self, stop: int) -> None:
        """Run short epochs, several at a time, until a heartbeat is due."""
        steps, timer = self._epoch.steps, self._timer
        while self.epoch < stop:
            epochs = min(stop - self.epoch, max(1, timer.part // steps))
            self._run(epochs * steps, self._apply)
            self.epoch, self.batch = self.epoch + epochs, 0
            if time.perf_counter() > timer.next_beat:
                break

    def _followed_epoch(self) -> Iterator[Event]:
        """Run an epoch that is logged or followed by a callback, and yield its result."""
        logged, metrics_to_compute = self._is_logged(self.epoch), self._metrics_of(self.epoch)
        if self._metrics is None and metrics_to_compute is not None:
            self._metrics = self._accumulator(metrics_to_compute)
        yield from self._parts()
        if logged:
            step, update = self._epoch.compiled_step(), self._update.compiled
            last = self.epoch == self.epochs - 1
            self._verifier.verify(step, update, step=self.step, last=last)
        for follower in self._after_epochs:
            follower(self.epoch)
        metrics = self._metrics.result() if self._metrics is not None else {}
        validation = self._validated(None if logged else self._monitored.validation, logged)
        kind = EpochLogged if logged else EpochFinished
        finished = kind(self.epoch, self._rate, metrics, validation)
        self.epoch, self.batch, self._metrics = self.epoch + 1, 0, None
        yield finished
        self.evaluated_parameters.forget()
        if not logged and self._timer.is_due():
            yield Progressed(float(self.epoch), self.epochs)

    def _validated(self, metrics: Sequence[NamedMetric] | None, logged: bool) -> dict[str, float]:
        """Evaluate the validation data if there is any and the result is used."""
        if self.validation is None or (metrics is None and not logged):
            return {}
        with ChangedFileError.during(f"the validation of epoch {self.epoch}"):
            return self.evaluated(self.validation, self.epoch, metrics)

    def _parts(self) -> Iterator[Progressed]:
        """Run the rest of an epoch; between its parts, yield a heartbeat when one is due."""
        steps = self._batches_of(self.epoch)
        observers = self._observers if self._is_logged(self.epoch) else ()
        while self.batch < steps:
            stop = min(self.batch + self._timer.part, steps)
            observing = observers if self.batch == steps - 1 else ()
            if observers and not observing:
                stop = min(stop, steps - 1)
            self._rate = self._run(stop, self._apply, self._metrics, observing)
            if stop < steps and self._timer.is_due():
                yield Progressed(self.epoch + stop / steps, self.epochs)
                self._rewind.keep(self.epoch, self.batch, self.step)

    def _run(
        self,
        stop: int,
        update: ApplyUpdate,
        metrics: MetricAccumulator | None = None,
        observers: Sequence[StepObserver] = (),
        *,
        explain: bool = True,
    ) -> float:
        """Run and count the batches up to `stop`, which is counted on through following epochs.

        Args:
            observers: observe the only batch.
            explain: as for `advance`.

        Returns:
            The learning rate of the last update.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        epoch, first, step, start = self._epoch, self.batch, self.step, time.perf_counter()
        try:
            with arithmetic_for(self.samples_a_step):
                if not observers:
                    rate = epoch.run(update, step, metrics, first, stop)
                else:
                    rate = epoch.run_observed(update, step, metrics, first, observers, self.epoch)
        except NonFiniteLossError as error:
            at = self.epoch + (error.step - step) // epoch.updates
            if not explain:
                raise divergence(at, error.loss, None, self._registry) from None
            last = max(min((at + 1) * epoch.updates, self.steps), step + 1)
            raise self._divergence(at, error.loss, last) from None
        self.step, self.batch = step + epoch.updates_in(first, stop), stop
        self._timer.took(stop - first, time.perf_counter() - start)
        return rate


def _next(epoch: int, every: int) -> int:
    """Return the first multiple of `every` after an epoch."""
    return epoch + every - epoch % every
