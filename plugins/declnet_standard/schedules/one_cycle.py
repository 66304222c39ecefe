"""The one-cycle policy, for super-convergence."""

from math import cos, pi

from pydantic import Field

from declnet import Schedule


class OneCycle(Schedule):
    """From max_rate / initial_divisor up to max_rate, down to the initial rate / final_divisor.

    rate = end + (start - end) * (1 + cos(pi * done)) / 2, up and down, steps from 1. The peak is at
    step warmup_share * steps; the lowest rate, from step `steps` (default: the last one) on, stays.
    As in PyTorch's OneCycleLR with cosine annealing (pct_start is warmup_share), but without
    cycling the momentum.
    Smith and Topin, Super-Convergence, arXiv:1708.07120, 2017.
    """

    type = "one_cycle"
    examples = (
        {"max_rate": 0.02},
        {"max_rate": 0.1, "steps": 5000, "warmup_share": 0.1, "final_divisor": 100.0},
    )

    max_rate: float = Field(ge=0, description="the rate at the peak")
    steps: int | None = Field(
        default=None,
        ge=1,
        description="updates of the whole cycle; default: those of the training",
    )
    warmup_share: float = Field(
        default=0.3, ge=0, lt=1, description="share of the steps in which the rate rises"
    )
    initial_divisor: float = Field(
        default=25.0, ge=1, description="how many times the first rate is smaller than max_rate"
    )
    final_divisor: float = Field(
        default=1e4, ge=1, description="how many times the last rate is smaller than the first"
    )

    def rate(self, step: int, total: int) -> float:
        """Return the rate between initial rate and max_rate, or max_rate and final rate."""
        initial = self.max_rate / self.initial_divisor
        steps = self.steps or total
        peak = self.warmup_share * steps
        if step < peak:
            return _annealed(initial, self.max_rate, (step - 1) / (peak - 1))
        done = min((step - peak) / (steps - peak), 1)
        return _annealed(self.max_rate, initial / self.final_divisor, done)


def _annealed(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + cos(pi * done)) / 2
