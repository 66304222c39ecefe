"""Trainings of one spec with several learning rates, from the same initial parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from declnet import Diagnostic, DivergenceError, RunSpec, Schedule, SpecError, StepwiseTraining

KeyPath = tuple[str | int, ...]
"""A key of a spec, by its parts."""

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
        criterion: the loss that trainings are compared by, e.g. `validation loss`.
        continues: whether a longer training is the continuation of a shorter one, rather than a run
            of another length with a schedule for that length.
    """

    def __init__(self, training: StepwiseTraining) -> None:
        self._training, self._spec = training, training.spec
        self._states: dict[float, dict[str, Any]] = {}
        self.run_updates = training.steps
        self.continues = not isinstance(training.spec.optimizer.learning_rate, Schedule)
        self._is_validated = training.count("validation") > 0
        self.criterion = "validation loss" if self._is_validated else "training loss"

    @property
    def updates(self) -> int:
        """The updates made so far."""
        return self._training.made

    def range_test(self) -> Curve:
        """Train with a rate that grows by the same factor in each update, until it diverges."""
        training = self._training
        count = min(LONGEST, max(SHORTEST, self.run_updates // 4))
        constant = {"learning_rate": 1.0, "decay": 0.0}
        optimizer = self._spec.optimizer.model_copy(update=constant)
        spec = self._spec.model_copy(update={"optimizer": optimizer})
        training.restart(self._of_length(spec, count) if count > self.run_updates else spec)
        factor = (HIGHEST / LOWEST) ** (1 / (count - 1))
        rates: list[float] = []
        losses: list[float] = []
        for number in range(count):
            training.learning_rate_scale = LOWEST * factor**number
            try:
                losses.append(training.advance(explain=not losses))
            except DivergenceError:
                if not losses:  # whatever the rate
                    raise
                return Curve(tuple(rates), tuple(losses), diverged=True)
            rates.append(training.learning_rate_scale)
            if losses[-1] - losses[0] > EXPLODED * abs(losses[0]) + TINY:
                return Curve(tuple(rates), tuple(losses), diverged=True)
        return Curve(tuple(rates), tuple(losses), diverged=False)

    def train(self, rate: float, updates: int) -> Trial:
        """Train with a rate: from where a shorter training ended, or as a run of that length."""
        training, state = self._training, self._states.get(rate)
        spec = with_rate(self._spec, rate)
        spec = self._of_length(spec, self.run_updates if self.continues else updates)
        training.restart(spec, adapt=state is None)
        if state is not None:
            training.restore(state)
        tail = max(1, round(TAIL * (updates - training.step)))
        parts = min(tail, EVALUATIONS) if self._is_validated else 1
        sizes = [tail // parts] * (parts - 1) + [tail - tail // parts * (parts - 1)]
        losses = []
        try:
            training.advance(updates - tail - training.step, explain=False)
            for size in sizes:
                loss = training.advance(size, explain=False)
                losses.append(training.evaluate()["data_loss"] if self._is_validated else loss)
        except DivergenceError:
            return Trial(rate, updates, math.inf)
        loss = sum(losses) / len(losses)
        if self.continues:
            self._states[rate] = training.state()
        return Trial(rate, updates, loss if math.isfinite(loss) else math.inf)

    def forget_others(self, rates: Sequence[float]) -> None:
        """Forget where the trainings with other rates ended."""
        self._states = {rate: state for rate, state in self._states.items() if rate in rates}

    def _of_length(self, spec: RunSpec, updates: int) -> RunSpec:
        """Return a spec that makes this many updates or, to whole epochs, more."""
        epochs = -(-updates // self._training.epoch_steps)
        training = spec.training.model_copy(update={"epochs": epochs, "max_steps": None})
        return spec.model_copy(update={"training": training})
