"""The learning rate of a spec, and the search for a better one: a range test, then trainings."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.optimizer import Schedule
from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks.check import Checked
from declnet.training.compile import CompiledTraining, compile_training
from declnet.training.divergence import divergence
from declnet.training.epochs import NonFiniteLossError, Update
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import MetricAccumulator
from declnet.training.numerics import arithmetic_for, blas_threads_for
from declnet.training.preparation import Prepared, prepare
from declnet.training.state import put_back

RATE: KeyPath = ("optimizer", "learning_rate")

LOWEST, HIGHEST = 1e-6, 100.0
"""The learning rates of a range test, unless the loss diverges before."""

LONGEST = 160
"""The updates of a range test; 20 per factor of ten."""

SHORTEST = 40
"""The updates of a range test of a run of few updates."""

EXPLODED = 9.0
"""A range test ends when the loss has risen by this many times the untrained model's."""

TINY = 1e-9
"""A rise of the loss that is no divergence, even if the untrained model's loss is 0."""

EVALUATIONS = 3
"""How often the validation data is evaluated towards the end of a training."""

RISEN = 0.25
"""The fraction of the untrained model's loss that it must not rise by."""

SMOOTHING = 40
"""Losses of a range test are averaged over a window of one in so many updates to either side."""

FACTOR = math.sqrt(10)
"""The factor between two rates that are compared."""

FEWEST_RATES = 8
"""How many rates are compared in the first round, if not more."""

KEPT = (3, 2)
"""How many rates the second and third round train, for longer than the round before."""

SHARES = (1 / 4, 1 / 3, 1.0)
"""The fraction of what is left of the budget that each round takes."""

TOO_LOW = 3
"""After so many rates, each worse than the larger one before, still lower ones are skipped."""

FEWEST, MOST = 30, 100
"""Bounds of an eighth of a run, the least updates of a comparison whatever the budget."""

NEGLIGIBLE = 1e-3
"""Losses below this fraction of the untrained model's are taken for equal."""

TAIL = 0.2
"""The last part of a training, whose losses are averaged."""


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
        return [sum(each) / len(each) for each in windows]

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


@dataclass(frozen=True)
class RateSearch:
    """The outcome of a search for a learning rate.

    Attributes:
        path: the key of the spec that holds the rate, e.g. `optimizer.learning_rate`.
        current: the spec's rate.
        suggested: the rate to take.
        curve: the range test.
        trials: the trainings, in order.
        judged_by: which loss the trainings were compared by.
        updates: all updates made.
        run_updates: the updates of a run of the spec.
    """

    path: KeyPath
    current: float
    suggested: float
    curve: Curve
    trials: tuple[Trial, ...]
    judged_by: str
    updates: int
    run_updates: int

    @property
    def runs(self) -> float:
        """The cost of the search, in runs of the spec."""
        return self.updates / self.run_updates


Watch = Callable[[Curve | Trial], None]
"""Called with the range test, and with each training once it has ended."""


Ranking = Callable[[Trial], tuple[float, float]]
"""The order of trainings, the best first: by their losses, and then the lower rate."""


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
            hint = "take a number or another schedule, or compare specs with `declnet sweep`"
            problem = Diagnostic(message, hint, path, "E060")
            raise SpecError(spec.source_map.locate([problem]))
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


def rounded(rate: float) -> float:
    """Return a rate with two significant digits."""
    return float(f"{rate:.1e}")


def find_rate(
    spec: RunSpec,
    registry: Registry | None = None,
    *,
    budget: float = 1.0,
    checked: Checked | None = None,
    watch: Watch = lambda _: None,
) -> RateSearch:
    """Search for the learning rate with which a spec trains best.

    A range test trains with a rate that grows with every update until the loss diverges. Rates
    below that are then compared by short trainings, of which the best ones are repeated for longer.
    Everything is drawn from the spec's seed, and no file is written.
    Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017; Jamieson and Talwalkar,
    Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016.

    Args:
        budget: the length of everything together, in runs of the spec; 0 for only a range test.
        checked: the result of checking this same spec.
        watch: is told of every step of the search.

    Raises:
        SpecError: the spec is invalid, or its schedule declares no rate.
        DataError: the data is invalid.
        DivergenceError: the loss of the untrained model is NaN or infinite.
        ComponentError: a component raised an exception.
    """
    path, current = rate_of(spec)
    registry = registry_for(spec.plugins, registry)
    with attributing_errors(registry):
        trainings = Trainings(spec, prepare(spec, registry, checked=checked), registry)
        with trainings.numerics():
            curve = trainings.range_test()
            watch(curve)
            left = budget * trainings.run_updates - len(curve.rates)
            negligible = NEGLIGIBLE * abs(curve.losses[0])

            def ranking(trial: Trial) -> tuple[float, float]:
                return max(trial.loss, negligible), trial.rate

            trials, best = (
                _compare(trainings, candidates(curve, current), left, ranking, watch)
                if budget > 0
                else ([], None)
            )
    suggested = rounded(curve.suggested) if best is None else best.rate
    return RateSearch(
        path,
        current,
        suggested,
        curve,
        tuple(trials),
        trainings.judged_by,
        trainings.updates,
        trainings.run_updates,
    )


def _compare(
    trainings: Trainings, rates: Sequence[float], updates: float, ranking: Ranking, watch: Watch
) -> tuple[list[Trial], Trial | None]:
    """Train with each rate; each round takes the best of the last and trains for longer.

    Returns:
        All trainings, and the best of the last round; None if even that diverged.
    """
    floor = min(trainings.run_updates, max(FEWEST, min(MOST, trainings.run_updates // 8)))
    before, length = trainings.updates, 0
    trials: list[Trial] = []
    found: list[Trial] = []
    for left, most in zip(range(len(KEPT), -1, -1), (0, *KEPT), strict=True):
        rates = _kept(found, most, ranking) if most else rates
        trainings.keep(rates)
        unused = updates - (trainings.updates - before)
        share = max(floor, int(unused * SHARES[-1 - left] / max(1, len(rates))))
        each = min(trainings.run_updates, share + (length if trainings.continue_ else 0))
        if each <= length or not rates:
            break
        found, length = [], each
        for rate in rates:
            found.append(trainings.train(rate, each))
            watch(found[-1])
            if not most and _only_gets_worse(found, ranking):
                break
        trials += found
    found.sort(key=ranking)
    return trials, found[0] if found and not found[0].diverged else None


def _only_gets_worse(found: Sequence[Trial], ranking: Ranking) -> bool:
    """Return whether each of the last rates was worse than the larger one before it."""
    last = found[-TOO_LOW - 1 :]
    return len(last) > TOO_LOW and all(
        ranking(one) < ranking(other) for one, other in pairwise(last)
    )


def _kept(found: Sequence[Trial], most: int, ranking: Ranking) -> list[float]:
    """Return the rates of the best trainings; if more than two, also those next to the best one.

    Short trainings favor rates that are too small for longer ones: Wu et al., Understanding
    Short-Horizon Bias in Stochastic Meta-Optimization, ICLR 2018.
    """
    finite = sorted((each for each in found if not each.diverged), key=lambda trial: -trial.rate)
    ranked = sorted(finite, key=ranking)
    kept = ranked[:most]
    if kept and most > 2:
        at = finite.index(kept[0])
        kept = [*kept[:2], *finite[max(0, at - 1) : at + 2]]
    return sorted({each.rate for each in kept}, reverse=True)


def candidates(curve: Curve, current: float) -> list[float]:
    """Return the rates to compare: from the largest useful one downwards, and the spec's own."""
    lowest = min(curve.limit / FACTOR ** (FEWEST_RATES - 1), curve.suggested / FACTOR)
    count = 1 + round(math.log(curve.limit / lowest) / math.log(FACTOR))
    rates = [rounded(curve.limit / FACTOR**step) for step in range(count)]
    if LOWEST <= current <= HIGHEST and current not in rates:
        nearest = min(rates, key=lambda rate: abs(math.log(rate / current)))
        near = nearest / FACTOR < current < nearest * FACTOR
        rates = [current if near and rate == nearest else rate for rate in rates]
        rates = sorted(rates if near else [*rates, current], reverse=True)
    return rates


@dataclass(frozen=True, eq=False)
class _Saved:
    """The state of a training, to continue it."""

    updates: int
    parameters: dict[str, Array]
    optimizer: dict[str, Array]
    order: dict[str, Any]
    streams: list[Any]

    @classmethod
    def of(cls, model: Model, compiled: CompiledTraining, updates: int) -> _Saved:
        return cls(
            updates,
            model.parameters(),
            {name: array.copy() for name, array in compiled.update.state.items()},
            copy.deepcopy(compiled.epoch.order()),
            [copy.deepcopy(each.bit_generator.state) for each in compiled.streams],
        )

    def restore(self, model: Model, compiled: CompiledTraining) -> None:
        model.load_parameters(self.parameters)
        put_back(self.optimizer, compiled.update.state, "the optimizer's")
        compiled.epoch.restore_order(self.order)
        for stream, state in zip(compiled.streams, self.streams, strict=True):
            stream.bit_generator.state = state


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
        self._spec = spec.model_copy(update={"training": training})
        self._model, self._registry = prepared.model, registry
        self._train, validation = prepared.data["train"], prepared.data.get("validation")
        self._initial = self._model.parameters()
        self._validation = (
            Evaluation(self._model, spec.loss, (), validation) if validation is not None else None
        )
        self._batch = min(training.batch_size or len(self._train), len(self._train))
        self._steps = -(-len(self._train) // self._batch)
        self.run_updates = self._steps * training.epochs
        self.updates = 0
        self.continue_ = not isinstance(spec.optimizer.learning_rate, Schedule)
        self._saved: dict[float, _Saved] = {}
        self.judged_by = "training loss" if validation is None else "validation loss"

    def numerics(self) -> AbstractContextManager[None]:
        """Return the context that trainings of this size run in."""
        return blas_threads_for(self._model, self._batch)

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
                    raise divergence(self._model, 0, error.loss, error.x) from None
                return Curve(tuple(rates), tuple(losses), diverged=True)
            if losses[-1] - losses[0] > EXPLODED * abs(losses[0]) + TINY:
                return Curve(tuple(rates), tuple(losses), diverged=True)
        return Curve(tuple(rates), tuple(losses), diverged=False)

    def train(self, rate: float, updates: int) -> Trial:
        """Train with a rate: from where a shorter training ended, or as a run of that length."""
        saved = self._saved.get(rate)
        done = first = saved.updates if saved is not None else 0
        epochs = -(-(self.run_updates if self.continue_ else updates) // self._steps)
        training = self._spec.training.model_copy(update={"epochs": epochs})
        spec = with_rate(self._spec, rate).model_copy(update={"training": training})
        compiled = self.compiled(spec)
        if saved is not None:
            saved.restore(self._model, compiled)
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
            self._saved[rate] = _Saved.of(self._model, compiled, updates)
        return Trial(rate, updates, loss if math.isfinite(loss) else math.inf)

    def keep(self, rates: Sequence[float]) -> None:
        """Forget where the trainings with other rates ended."""
        self._saved = {rate: saved for rate, saved in self._saved.items() if rate in rates}

    def compiled(self, spec: RunSpec) -> CompiledTraining:
        """Return a training from the initial parameters, with fresh random streams."""
        self._model.load_parameters(self._initial)
        return compile_training(spec, self._model, self._train, self._registry)

    def run(self, compiled: CompiledTraining, update: Update, first: int, updates: int) -> float:
        """Make updates after `first` others; return the mean loss of their batches.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite.
        """
        metrics, step, last = MetricAccumulator(self._spec.loss, ()), first, first + updates
        with arithmetic_for(self._batch):
            while step < last:
                batch = step % self._steps
                stop = min(self._steps, batch + last - step)
                compiled.epoch.run(update, step, metrics, batch, stop)
                step += stop - batch
                self.updates += stop - batch
        return metrics.result()["loss"] if updates else math.nan
