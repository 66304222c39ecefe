"""Schedules with one defect each."""

import math

from pydantic import Field, PrivateAttr

from declnet import Schedule


class HalfWave(Schedule):
    """It ignores the total number of steps: the wave always ends after 1000."""

    type = "half_wave"
    rate_field = "initial_rate"
    examples = ({"initial_rate": 0.1},)

    initial_rate: float = Field(ge=0, description="rate of the first step")

    def rate(self, step, total):
        done = min((step - 1) / 1000, 1.0)
        return self.initial_rate * 0.5 * (1 + math.cos(math.pi * done))


class NeverRising(Schedule):
    """It has state: a rate is never above the last one that was requested."""

    type = "never_rising"
    rate_field = "initial_rate"
    examples = ({"initial_rate": 0.1},)

    initial_rate: float = Field(ge=0, description="rate of the first step")
    _last: float = PrivateAttr(default=math.inf)

    def rate(self, step, total):
        rate = self.initial_rate * (1.1 + math.cos(20 * step / total)) / (1 + step / total)
        self._last = min(self._last, rate)
        return self._last


class WarmedUp(Schedule):
    """If the training is not longer than the warm-up, the last step divides by zero."""

    type = "warmed_up"
    rate_field = "peak"
    examples = ({"peak": 0.1},)

    peak: float = Field(ge=0, description="the largest rate")
    warmup: int = Field(default=10, ge=0, description="steps in which the rate rises")

    def rate(self, step, total):
        if step < self.warmup:
            return self.peak * step / self.warmup
        done = (step - self.warmup) / (total - self.warmup)
        return self.peak * 0.5 * (1 + math.cos(math.pi * done))


class ToZero(Schedule):
    """Rounding makes the last rate of some trainings slightly negative."""

    type = "to_zero"
    rate_field = "initial_rate"
    examples = ({"initial_rate": 0.1},)

    initial_rate: float = Field(ge=0, description="rate before the first step")

    def rate(self, step, total):
        return self.initial_rate - step * (self.initial_rate / total)


DEFECTS = (("A", HalfWave), ("A", NeverRising), ("B", WarmedUp), ("B", ToZero))
