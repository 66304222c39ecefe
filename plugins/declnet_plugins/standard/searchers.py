"""Searchers that need no other package: random values, and all combinations."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import (
    Diagnostic,
    Dimension,
    Register,
    Scalar,
    Searcher,
    StudyContext,
    StudyTrial,
    hookimpl,
)

MOST_POINTS = 100_000
"""Maximum number of points of a grid; more are taken for a mistake."""

STARTING_TRIALS = 5
"""Number of finished trials before which none is stopped early, as in Optuna."""


class _Pruned(Searcher):
    """A searcher whose trials are compared with those before at the same step."""

    pruner: Literal["median", "none"] = Field(
        default="median",
        description="median, which stops trials whose best objective so far is worse than the "
        "median of those before at the same epoch; or none",
    )

    def should_stop(
        self, study: StudyContext, trial: StudyTrial, trials: Sequence[StudyTrial]
    ) -> bool:
        """Return whether the best value so far is worse than the median at the last step."""
        finished = [other.reported for other in trials if other.state == "finished"]
        if self.pruner == "none" or len(finished) < STARTING_TRIALS:
            return False
        step = max(trial.reported)
        others = [reported[step] for reported in finished if step in reported]
        if not others:
            return False
        if study.better == "lower":
            return min(trial.reported.values()) > median(others)
        return max(trial.reported.values()) < median(others)


class Random(_Pruned):
    """Draws each value on its own: uniform, or uniform in its logarithm.

    The numbers depend on the study's seed and the number of the trial only. Without Optuna it is
    the default.
    """

    type = "random"
    is_default = True
    examples = ({}, {"pruner": "none"})

    def propose(
        self, study: StudyContext, number: int, trials: Sequence[StudyTrial]
    ) -> Mapping[str, Scalar]:
        """Return a value for each dimension that applies."""
        rng = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(number,)))
        values: dict[str, Scalar] = {}
        for dimension in study.space:
            if dimension.applies(values):
                values[dimension.key] = _drawn(dimension, rng)
        return values


def _drawn(dimension: Dimension, rng: np.random.Generator) -> Scalar:
    if dimension.choices:
        return dimension.choices[rng.integers(len(dimension.choices))]
    low, high = float(dimension.low), float(dimension.high)
    if dimension.log and dimension.is_integer:  # each has the share of its rounded neighborhood
        drawn = round(np.exp(rng.uniform(np.log(low - 0.5), np.log(high + 0.5))))
        return int(min(max(drawn, dimension.low), dimension.high))
    if dimension.log:
        return float(min(max(np.exp(rng.uniform(np.log(low), np.log(high))), low), high))
    if dimension.step is None:
        return float(rng.uniform(low, high))
    steps = rng.integers(round((high - low) / dimension.step), endpoint=True)
    value = dimension.low + int(steps) * dimension.step
    return int(value) if dimension.is_integer else float(min(value, high))


class Grid(_Pruned):
    """Tries all combinations of choices and steps once, in an order that depends on the seed."""

    type = "grid"

    def check_study(self, study: StudyContext) -> Iterable[Diagnostic]:
        """Yield what a grid cannot search."""
        return study.check_grid(MOST_POINTS)

    def propose(
        self, study: StudyContext, number: int, trials: Sequence[StudyTrial]
    ) -> Mapping[str, Scalar] | None:
        """Return the next point; None after the last one."""
        points = study.grid_points()
        return points[number] if number < len(points) else None


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the searchers."""
    for searcher in (Grid, Random):
        register(searcher)
