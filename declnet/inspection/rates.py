"""The search for a learning rate: a range test, then trainings that are compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from declnet.contracts.attribution import attributing_errors
from declnet.errors import KeyPath
from declnet.inspection.trainings import FACTOR, HIGHEST, LOWEST, Curve, Trainings, Trial, rate_of
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks.check import Checked
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import prepare

FEWEST_RATES = 8
"""The least number of rates in the first round."""

KEPT = (3, 2)
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
"""Return a key that sorts trainings, the best first: by loss, then by rate."""


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
        budget: the total cost, in runs of the spec; 0 for only a range test.
        checked: the result of checking this same spec.
        watch: called after each step of the search.

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
        with one_blas_thread():
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
        rates = rates_to_keep(found, most, ranking) if most else rates
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
