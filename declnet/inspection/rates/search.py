"""The search for a learning rate: a range test, then trainings that are compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from declnet import StepwiseTraining
from declnet.inspection.rates.trainings import (
    FACTOR,
    HIGHEST,
    LOWEST,
    Curve,
    KeyPath,
    Trainings,
    Trial,
    rate_of,
)

FEWEST_RATES = 8
"""The least number of rates in the first round."""

LATER_RATES = (3, 2)
"""Number of rates in the second and third rounds, each trained for longer than the round before."""

SHARES = (1 / 4, 1 / 3, 1.0)
"""The fraction of the remaining budget that each round takes."""

TOO_LOW = 3
"""After this many rates in a row, each worse than the next higher one, lower ones are skipped."""

FEWEST, MOST = 30, 100
"""Each comparison has at least an eighth of a run's updates, clamped to these bounds."""

NEGLIGIBLE = 1e-3
"""Losses below this fraction of the untrained model's count as equal."""


@dataclass(frozen=True)
class RateSearch:
    """The outcome of a search for a learning rate.

    Attributes:
        path: the key of the spec that holds the rate, e.g. `optimizer.learning_rate`.
        current: the spec's rate.
        suggested: the rate to take.
        curve: the range test.
        trials: the trainings, in order.
        criterion: the loss that the trainings were compared by.
        updates: all updates made.
        run_updates: the updates of a run of the spec.
    """

    path: KeyPath
    current: float
    suggested: float
    curve: Curve
    trials: tuple[Trial, ...]
    criterion: str
    updates: int
    run_updates: int

    @property
    def runs(self) -> float:
        """The cost of the search, in runs of the spec."""
        return self.updates / self.run_updates


Watch = Callable[[Curve | Trial], None]
"""Called with the range test, and with each training once it has ended."""


Ranking = Callable[[Trial], tuple[float, float]]
"""Return a key that sorts trainings, the best first: by loss, then by rate."""


def rounded(rate: float) -> float:
    """Return a rate with two significant digits."""
    return float(f"{rate:.1e}")


def find_rate(
    training: StepwiseTraining, *, budget: float = 1.0, watch: Watch = lambda _: None
) -> RateSearch:
    """Search for the learning rate with which a spec trains best.

    A range test trains with a rate that grows with every update until the loss diverges. Rates
    below that are then compared by short trainings, of which the best ones are repeated for longer.
    Everything is drawn from the spec's seed, and no file is written.
    Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017; Jamieson and Talwalkar,
    Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016.

    Args:
        training: the training of the spec, before its first step.
        budget: the total cost, in runs of the spec; 0 for only a range test.
        watch: called after each step of the search.

    Raises:
        SpecError: the schedule declares no rate.
        DivergenceError: the loss of the untrained model is NaN or infinite.
        ComponentError: a component raised an exception.
    """
    path, current = rate_of(training.spec)
    trainings = Trainings(training)
    curve = trainings.range_test()
    watch(curve)
    updates = budget * trainings.run_updates - len(curve.rates)
    negligible = NEGLIGIBLE * abs(curve.losses[0])

    def ranking(trial: Trial) -> tuple[float, float]:
        return max(trial.loss, negligible), trial.rate

    trials, best = list[Trial](), None
    if budget > 0:
        rates = candidates(curve, current)
        trials, best = _compare(trainings, rates, updates, ranking, watch)
    return RateSearch(
        path,
        current,
        rounded(curve.suggested) if best is None else best.rate,
        curve,
        tuple(trials),
        trainings.criterion,
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
    run, before = trainings.run_updates, trainings.updates
    least = min(run, max(FEWEST, min(MOST, run // 8)))
    trials: list[Trial] = []
    finished: list[Trial] = []
    length = 0
    for share, most in zip(SHARES, (None, *LATER_RATES), strict=True):
        if most is not None:
            rates = rates_to_keep(finished, most, ranking)
        trainings.forget_others(rates)
        unused = updates - (trainings.updates - before)
        part = max(least, int(unused * share / max(1, len(rates))))
        longer = min(run, part + (length if trainings.continues else 0))
        if longer <= length or not rates:
            break
        finished, length = [], longer
        for rate in rates:
            finished.append(trainings.train(rate, length))
            watch(finished[-1])
            if most is None and _only_gets_worse(finished, ranking):
                break
        trials += finished
    finished.sort(key=ranking)
    return trials, finished[0] if finished and not finished[0].diverged else None


def _only_gets_worse(trials: Sequence[Trial], ranking: Ranking) -> bool:
    """Return whether each of the last rates was worse than the larger one before it."""
    last = trials[-TOO_LOW - 1 :]
    return len(last) > TOO_LOW and all(
        ranking(one) < ranking(other) for one, other in pairwise(last)
    )


def rates_to_keep(trials: Sequence[Trial], most: int, ranking: Ranking) -> list[float]:
    """Return the rates of the best trainings; if more than two, also those next to the best one.

    Short trainings favor rates that are too small for longer ones: Wu et al., Understanding
    Short-Horizon Bias in Stochastic Meta-Optimization, ICLR 2018.
    """
    finite = sorted(
        (trial for trial in trials if not trial.diverged), key=lambda trial: -trial.rate
    )
    best = sorted(finite, key=ranking)[:most]
    if best and most > 2:
        at = finite.index(best[0])
        best = [*best[:2], *finite[max(0, at - 1) : at + 2]]
    return sorted({trial.rate for trial in best}, reverse=True)


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
