"""Trainings of one spec with several learning rates, from the same initial parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from declnet.contracts.network.schedule import Schedule
from declnet.errors import Diagnostic, DivergenceError, KeyPath, SpecError
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.training.compile import CompiledTraining
from declnet.training.compiled_steps import NonFiniteLossError
from declnet.training.culprits import culprit_of_step
from declnet.training.divergence import divergence
from declnet.training.epochs import ApplyUpdate
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import MetricAccumulator
from declnet.training.numerics import arithmetic_for
from declnet.training.preparation import Prepared
from declnet.training.state import TrainingState

RATE: KeyPath = ("optimizer", "learning_rate")

LOWEST, HIGHEST = 1e-6, 100.0
"""The lowest and the highest learning rate of a range test, unless the loss diverges before."""

LONGEST = 160
"""The updates of a range test; 20 per factor of ten."""

SHORTEST = 40
"""The updates of a range test if a run has few."""

EXPLODED = 9.0
"""A range test ends when the loss has risen by this many times the untrained model's."""

TINY = 1e-9
"""A rise of the loss that never counts as divergence, for untrained models whose loss is 0."""

EVALUATIONS = 3
"""Number of evaluations on the validation data toward the end of a training."""

RISEN = 0.25
"""A rate is too high if the smoothed loss exceeds the untrained model's by this fraction."""

SMOOTHING = 40
"""The losses of a range test are averaged over 1/SMOOTHING of its updates to either side."""

FACTOR = math.sqrt(10)
"""The factor between two rates that are compared."""

TAIL = 0.2
"""The fraction at the end of a training over which losses are averaged."""


@dataclass(frozen=True)
class Curve:
    """The losses of a range test, in which the learning rate grows with every update.

    Attributes:
        rates: the learning rate of each update.
        losses: the loss of each batch before its update, so the first is the untrained model's.
        diverged: whether the test ended because the loss exploded or was not finite.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    diverged: bool

    @cached_property
    def smoothed(self) -> list[float]:
        """The moving average of the losses; it does not lag behind them."""
        width, losses = len(self.losses) // SMOOTHING, self.losses
        windows = (losses[max(0, at - width) : at + width + 1] for at in range(len(losses)))
        return [sum(window) / len(window) for window in windows]

    @property
    def lowest(self) -> int:
        """The position of the lowest smoothed loss."""
        return min(range(len(self.smoothed)), key=self.smoothed.__getitem__)

    @property
    def limit(self) -> float:
        """The largest rate before the loss rises above the untrained model's."""
        start = max(self.smoothed[: 1 + len(self.losses) // 4])
        bound = start + RISEN * abs(start)
        after = range(self.lowest, len(self.rates))
        return self.rates[next((at - 1 for at in after if self.smoothed[at] > bound), after[-1])]

    @property
    def suggested(self) -> float:
        """The rate to take by the curve alone: a fraction of the rate with the lowest loss."""
        return max(self.rates[self.lowest] / FACTOR, self.rates[0])


@dataclass(frozen=True)
class Trial:
    """A short training with one learning rate.

    Attributes:
        rate: the learning rate, or the rate that its schedule follows.
        updates: the updates made.
        loss: the mean loss towards its end; infinite if it diverged.
    """

    rate: float
    updates: int
    loss: float

    @property
    def diverged(self) -> bool:
        """Whether the loss became NaN or infinite."""
        return not math.isfinite(self.loss)


def rate_of(spec: RunSpec) -> tuple[KeyPath, float]:
    """Return the key of a spec that holds its learning rate, and the rate.

    Raises:
        SpecError: a schedule does not declare which of its fields that is (`Schedule.rate_field`).
    """
    path, value = RATE, spec.optimizer.learning_rate
    while isinstance(value, Schedule):
        name = value.rate_field
        if name is None:
            message = f'the schedule "{value.type}" declares no field that scales its rates'
            hint = "use a number or another schedule, or compare specs with `declnet sweep`"
            problem = Diagnostic(message, hint, path, "E060")
            raise SpecError(spec.source_map.locate(spec.source_map.as_written([problem])))
        path, value = (*path, name), getattr(value, name)
    return path, float(value)


def with_rate(spec: RunSpec, rate: float) -> RunSpec:
    """Return a spec with another learning rate, at the key that `rate_of` names."""
    path, _ = rate_of(spec)
    changed: RunSpec = _replaced(spec, path, rate)
    return changed


def _replaced(model: Any, path: Sequence[Any], value: Any) -> Any:
    if not path:
        return value
    return model.model_copy(update={path[0]: _replaced(getattr(model, path[0]), path[1:], value)})


class Trainings:
    """Trainings of one spec with several learning rates, all from the same initial parameters.

    Attributes:
        run_updates: the updates of a run.
        updates: the updates made so far.
        judged_by: the loss that trainings are compared by, in words.
        continue_: whether a longer training is the continuation of a shorter one, rather than a
            run of another length with a schedule of its own.
    """

    def __init__(self, spec: RunSpec, prepared: Prepared, registry: Registry) -> None:
        training = spec.training.model_copy(update={"callbacks": (), "metrics": ()})
        self.heads = tuple(replace(head, metrics={}) for head in spec.heads)
        self._spec = spec.model_copy(update={"training": training})
        self._model, self._registry = prepared.model, registry
        self._train, validation = prepared.data["train"], prepared.data.get("validation")
        self._initial = self._model.parameters()
        self._validation = (
            Evaluation(self._model, self.heads, validation) if validation is not None else None
        )
        self._batch = min(training.batch_size or len(self._train), len(self._train))
        self._steps = training.epoch_updates(len(self._train))
        self.run_updates = training.updates(len(self._train))
        self.updates = 0
        self.continue_ = not isinstance(spec.optimizer.learning_rate, Schedule)
        self._saved: dict[float, TrainingState] = {}
        self.judged_by = "training loss" if validation is None else "validation loss"

    def range_test(self) -> Curve:
        """Train with a rate that grows by the same factor in each update, until it diverges."""
        plain = {"learning_rate": 1.0, "decay": 0.0}
        optimizer = self._spec.optimizer.model_copy(update=plain)
        compiled = self.compiled(self._spec.model_copy(update={"optimizer": optimizer}))
        count = min(LONGEST, max(SHORTEST, self.run_updates // 4))
        factor = (HIGHEST / LOWEST) ** (1 / (count - 1))
        rates: list[float] = []
        losses: list[float] = []

        def update(step: int) -> float:
            compiled.update.scale = LOWEST * factor ** (step - 1)
            rates.append(compiled.update(step))
            return rates[-1]

        for step in range(count):
            try:
                losses.append(self.run(compiled, update, step, 1))
            except NonFiniteLossError as error:
                if not losses:  # whatever the rate
                    raise self._divergence(error.loss) from None
                return Curve(tuple(rates), tuple(losses), diverged=True)
            if losses[-1] - losses[0] > EXPLODED * abs(losses[0]) + TINY:
                return Curve(tuple(rates), tuple(losses), diverged=True)
        return Curve(tuple(rates), tuple(losses), diverged=False)

    def _divergence(self, loss: float) -> DivergenceError:
        """Return the error for an untrained model whose loss is not finite."""
        bound, update = self.compiled(self._spec).component_step(0, 0, 0)
        model, registry = self._model, self._registry
        culprit = culprit_of_step(self._spec, model, registry, bound, update, 1)
        return divergence(0, loss, culprit, registry)

    def train(self, rate: float, updates: int) -> Trial:
        """Train with a rate: from where a shorter training ended, or as a run of that length."""
        saved = self._saved.get(rate)
        done = first = saved.step if saved is not None else 0
        epochs = -(-(self.run_updates if self.continue_ else updates) // self._steps)
        training = self._spec.training.model_copy(update={"epochs": epochs, "max_steps": None})
        spec = with_rate(self._spec, rate).model_copy(update={"training": training})
        compiled = self.compiled(spec, fresh=saved is None)
        if saved is not None:
            compiled.restore(saved)
        tail = max(1, round(TAIL * (updates - first)))
        parts = min(tail, EVALUATIONS) if self._validation is not None else 1
        sizes = [tail // parts] * (parts - 1) + [tail - tail // parts * (parts - 1)]
        losses = []
        try:
            self.run(compiled, compiled.update, done, updates - tail - done)
            done = updates - tail
            for size in sizes:
                loss = self.run(compiled, compiled.update, done, size)
                done += size
                if self._validation is not None:
                    loss = self._validation.evaluate()["data_loss"]
                losses.append(loss)
        except NonFiniteLossError:
            return Trial(rate, updates, math.inf)
        loss = sum(losses) / len(losses)
        if self.continue_:
            self._saved[rate] = compiled.state(0, 0, updates).copied()
        return Trial(rate, updates, loss if math.isfinite(loss) else math.inf)

    def keep(self, rates: Sequence[float]) -> None:
        """Forget where the trainings with other rates ended."""
        self._saved = {rate: saved for rate, saved in self._saved.items() if rate in rates}

    def compiled(self, spec: RunSpec, *, fresh: bool = True) -> CompiledTraining:
        """Return a training from the initial parameters, with fresh random streams.

        Args:
            fresh: whether it begins there, rather than with a state that is about to be restored.
        """
        self._model.load_parameters(self._initial)
        compiled = CompiledTraining(spec, self._model, self._train, self._registry)
        if fresh:
            compiled.adapt()
        return compiled

    def run(
        self, compiled: CompiledTraining, update: ApplyUpdate, first: int, updates: int
    ) -> float:
        """Make updates after `first` others; return the mean loss of their batches.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite.
        """
        metrics, step, last = MetricAccumulator(self.heads), first, first + updates
        epoch = compiled.epoch
        with arithmetic_for(self._batch):
            while step < last:
                batch = epoch.after(0, step % self._steps)
                stop = min(epoch.steps, epoch.after(batch, last - step))
                epoch.run(update, step, metrics, batch, stop)
                made = epoch.updates_in(batch, stop)
                step += made
                self.updates += made
        return metrics.result()["loss"] if updates else math.nan
