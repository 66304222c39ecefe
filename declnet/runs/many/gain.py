"""The gain of a study: how much better its best trial is than the spec's own values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from declnet.contracts.network.directions import Direction, as_loss
from declnet.display.tables import format_metric

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5th percentiles of Student's t with 1, 2, … degrees of freedom; the last one for more."""


@dataclass(frozen=True)
class Gain:
    """How much better the best trial of a study is than the spec's own values.

    Attributes:
        untuned: the objective of the spec's own values, the mean over its runs.
        value: how much better the best trial is, the mean over runs; negative if it is worse.
        pairs: the number of pairs of runs with the same seed and fold; 0 if another machine trained
            the best trial.
        standard_error: that of `value`, by the differences within pairs; None for fewer than two.
    """

    untuned: float
    value: float
    pairs: int
    standard_error: float | None = None

    @property
    def is_beyond_noise(self) -> bool | None:
        """Whether a paired t-test at 5 % finds a difference; None for fewer than two pairs."""
        if self.standard_error is None:
            return None
        limit = STUDENT[min(self.pairs - 1, len(STUDENT)) - 1]
        return abs(self.value) > limit * self.standard_error

    def sentence(self, objective: str) -> str:
        """Return a sentence for the summary of a study."""
        amount = f"{'better' if self.value > 0 else 'worse'} by {format_metric(abs(self.value))}"
        if self.value == 0:
            amount = "no better"
        start = f"untuned: {objective} {format_metric(self.untuned)}; the best trial is {amount}"
        if self.standard_error is None:
            if self.pairs == 0:
                return f"{start}; another machine has its runs, so its noise is unknown"
            hint = "add seeds = [0, 1, 2] to [tune]"
            return f"{start}; a single run cannot tell whether that is noise: {hint}"
        verdict = "beyond noise" if self.is_beyond_noise else "within noise"
        error = format_metric(self.standard_error)
        return f"{start} ± {error} (standard error of {self.pairs} pairs of runs), {verdict}"


def gain_of(
    untuned: Sequence[float], best: float, runs: Sequence[float], better: Direction
) -> Gain | None:
    """Return the gain; None if a run of the spec's own values has failed.

    Args:
        untuned: the objective of each run of the spec's own values, at least one.
        best: the objective of the best trial.
        runs: that of each of its runs, with the same seeds and folds, in the same order; empty if
            another machine has them.
        better: which values of the objective are better.
    """
    if not all(map(math.isfinite, untuned)):
        return None
    losses = [as_loss(value, better) for value in untuned]
    value, error = fmean(losses) - as_loss(best, better), None
    if len(runs) > 1:
        pairs = zip(losses, runs, strict=True)
        differences = [loss - as_loss(other, better) for loss, other in pairs]
        error = stdev(differences) / math.sqrt(len(differences))
    return Gain(fmean(untuned), value, len(runs), error)
