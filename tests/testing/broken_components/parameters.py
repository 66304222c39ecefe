"""Initializers, regularizers, optimizers and schedules that break their contract."""

from typing import Annotated, Any, ClassVar

import numpy as np

from declnet import Initializer, Schedule, Scheduled

from ..right.others import Descent, Squares
from .expected import caught_by


@caught_by("writes_every_output")
class LeavesTheLastRow(Initializer):
    """w ~ N(0, 1), but for the last of the first axis."""

    type = "leaves_the_last_row"

    def fill(self, w, rng, fan_in, fan_out):
        w[:-1] = rng.normal(size=w[:-1].shape)


@caught_by("overwrites_outputs")
class AddsNoise(Initializer):
    """w += N(0, 1)."""

    type = "adds_noise"

    def fill(self, w, rng, fan_in, fan_out):
        w += rng.normal(size=w.shape)


@caught_by("is_deterministic")
class IgnoresTheStream(Initializer):
    """w ~ N(0, 1), from a private random stream."""

    type = "ignores_the_stream"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.random.default_rng().normal(size=w.shape)


@caught_by("leaves_global_generators_alone")
class GlobalDraws(Initializer):
    """w ~ N(0, 1), from NumPy's global generator."""

    type = "global_draws"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.random.standard_normal(w.shape)


@caught_by("fills_alike_in_both_float_types")
class DividesByTheSpread(Initializer):
    """w = 0, divided by the spread of the output on the first batch."""

    type = "divides_by_the_spread"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = 0

    def adapt(self, w, x, forward, rng):
        w /= (forward() - x.mean()).std() if w.ndim == 1 else forward().std()


@caught_by("is_deterministic")
class AdaptsByChance(Initializer):
    """w = 1 / a private random number."""

    type = "adapts_by_chance"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = 1

    def adapt(self, w, x, forward, rng):
        w /= 1 + np.random.default_rng().random()


@caught_by("fills_alike_in_both_float_types")
class LogarithmOfDraws(Initializer):
    """w = log(N(0, 1)), which is NaN for half of the draws."""

    type = "logarithm_of_draws"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.log(rng.normal(size=w.shape))


@caught_by("adds_to_the_gradient")
class OverwritesTheGradient(Squares):
    """penalty = strength * sum w**2."""

    def add_gradient(self, w, dw):
        np.multiply(w, 2 * self.strength, out=dw)


@caught_by("gradient_of_penalty")
class HalfTheGradient(Squares):
    """penalty = strength * sum w**2."""

    def add_gradient(self, w, dw):
        np.add(dw, self.strength * w, out=dw)


@caught_by("leaves_inputs_alone")
class ShrinksTheWeights(Squares):
    """penalty = strength * sum w**2."""

    def add_gradient(self, w, dw):
        w *= 1 - self.strength
        super().add_gradient(w, dw)


@caught_by("strength_zero_does_nothing")
class NeverOff(Squares):
    """penalty = (strength + 0.01) * sum w**2."""

    def penalty(self, w):
        return (self.strength + 0.01) * float(np.sum(w * w))

    def add_gradient(self, w, dw):
        np.add(dw, 2 * (self.strength + 0.01) * w, out=dw)


@caught_by("penalty_is_a_finite_number")
class UndefinedAtZero(Squares):
    """penalty = strength * sum |w|**1.5, with a gradient that divides by w."""

    def penalty(self, w):
        return self.strength * float(np.sum(np.abs(w) ** 1.5))

    def add_gradient(self, w, dw):
        np.add(dw, 1.5 * self.strength * np.abs(w) ** 1.5 / w, out=dw)


@caught_by("leaves_inputs_alone")
class ClipsTheWeights(Squares):
    """penalty = strength * sum w**2, with w clipped to a range that it never leaves."""

    def penalty(self, w):
        np.clip(w, -1e9, 1e9, out=w)
        return super().penalty(w)


_kept: dict[str, Any] = {"steps": 0}


@caught_by("parts_equal_the_whole")
class NormalizedDescent(Descent):
    """w -= learning_rate * dw / norm(dw)."""

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw / (np.linalg.norm(dw) + 1e-7)


@caught_by("keeps_uses_apart")
class CountsSteps(Descent):
    """w -= learning_rate / steps * dw, counting steps in the module."""

    def update(self, w, dw, state, learning_rate, step):
        _kept["steps"] += 1
        w -= learning_rate / _kept["steps"] ** 0.5 * dw


@caught_by("keeps_uses_apart")
class KeepsMomentumInTheModule(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, kept in the module."""

    def update(self, w, dw, state, learning_rate, step):
        old = _kept.get("momentum")
        fits = step > 1 and old is not None and old.shape == w.shape
        _kept["momentum"] = dw + old / 2 if fits else dw.copy()
        w -= learning_rate * _kept["momentum"]


@caught_by("declares_its_state")
class UndeclaredState(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, in an undeclared array."""

    def update(self, w, dw, state, learning_rate, step):
        state.momentum = getattr(state, "momentum", 0) / 2 + dw
        w -= learning_rate * state.momentum


@caught_by("declares_its_state")
class ReplacesItsState(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, in a new array each step."""

    def state_names(self):
        return ("momentum",)

    def update(self, w, dw, state, learning_rate, step):
        state.momentum = state.momentum / 2 + dw
        w -= learning_rate * state.momentum


@caught_by("descends")
class Ascent(Descent):
    """w += learning_rate * dw."""

    def update(self, w, dw, state, learning_rate, step):
        w += learning_rate * dw


@caught_by("rate_zero_changes_nothing")
class IgnoresTheRate(Descent):
    """w -= its own learning rate * dw, whatever the decay."""

    def update(self, w, dw, state, learning_rate, step):
        w -= self.learning_rate * dw


@caught_by("gives_the_same_rates_at_once")
class ForgetsItsOwnRate(Descent):
    """Halves the rate of each update, but not those of several at once."""

    def rate(self, step, total):
        return super().rate(step, total) / 2

    def rates(self, steps, total):
        return 2 * super().rates(steps, total)


@caught_by("follows_its_schedules")
class ShrinksLate(Descent):
    """w -= learning_rate * dw + shrink * w, but with a schedule's last shrink at each step."""

    shrink: Annotated[float | Schedule, Scheduled(ge=0, lt=1)] = 0.01

    def update(self, w, dw, state, learning_rate, step):
        last = self.shrink.rate(99, 99) if isinstance(self.shrink, Schedule) else self.shrink
        w -= learning_rate * (dw + last * w)


@caught_by("survives_zero_gradients")
class DividesByZero(Descent):
    """w -= learning_rate * dw / |dw|."""

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw / np.abs(dw)


@caught_by("declares_its_state")
class NamesWithSpaces(Descent):
    """w -= learning_rate * dw."""

    def state_names(self):
        return ("running mean",)


@caught_by("parts_equal_the_whole")
class ClipsTheNorm(Descent):
    """w -= learning_rate * dw, with dw scaled down where its norm is above 300."""

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw * min(1, 300 / (float(np.linalg.norm(dw)) + 1e-7))


@caught_by("parts_equal_the_whole")
class OnlyAThousand(Descent):
    """w -= learning_rate * dw, of the first thousand."""

    def update(self, w, dw, state, learning_rate, step):
        w[:1000] -= learning_rate * dw[:1000]


@caught_by("declares_its_state")
class NamesAKeyword(Descent):
    """w -= learning_rate * dw."""

    def state_names(self):
        return ("lambda",)


@caught_by("declares_its_state")
class NamesTheScratch(Descent):
    """w -= learning_rate * dw."""

    def state_names(self):
        return ("scratch",)


_asked: list[int] = []


@caught_by("keeps_uses_apart")
class FallsAtEachCall(Schedule):
    """rate = 1 / (how often it was asked)."""

    type = "falls_at_each_call"

    def rate(self, step, total):
        _asked.append(step)
        return 1 / len(_asked)


@caught_by("rates_are_right")
class FallsBelowZero(Schedule):
    """rate = 1 - step / 5000."""

    type = "falls_below_zero"

    def rate(self, step, total):
        return 1 - step / 5000


@caught_by("rates_are_right")
class Overflows(Schedule):
    """rate = 1.01**step."""

    type = "overflows"

    def rate(self, step, total):
        return 1.01**step


@caught_by("keeps_nothing_on_itself")
class NotesItsSteps(Schedule):
    """rate = 1 / step, with the requested steps in a list on the class."""

    type = "notes_its_steps"
    asked: ClassVar[list[Any]] = []

    def rate(self, step, total):
        self.asked.append(step)
        return 1 / step


@caught_by("rates_are_right")
class EndsBelowZero(Schedule):
    """rate = 1 - 1.1 * step / total."""

    type = "ends_below_zero"

    def rate(self, step, total):
        return 1 - 1.1 * step / total


@caught_by("rates_are_right")
class GivesNothing(Schedule):
    """No rate after step 100."""

    type = "gives_nothing"

    def rate(self, step, total):
        return 0.1 if step <= 100 else None
