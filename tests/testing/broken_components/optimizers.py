"""Optimizers that break their contract."""

from typing import Any

import numpy as np

from declnet import LearningRate, Optimizer

_kept: dict[str, Any] = {"steps": 0}


class Descent(Optimizer):
    """w -= learning_rate * dw; right, the others spoil it."""

    type = "descent"

    learning_rate: LearningRate = 0.1

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, learning_rate, out=dw)
        np.subtract(w, dw, out=w)


class NormalizedDescent(Descent):
    """w -= learning_rate * dw / norm(dw)."""

    type = "normalized_descent"

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw / (np.linalg.norm(dw) + 1e-7)


class CountsSteps(Descent):
    """w -= learning_rate / steps * dw, counting steps in the module."""

    type = "counts_steps"

    def update(self, w, dw, state, learning_rate, step):
        _kept["steps"] += 1
        w -= learning_rate / _kept["steps"] ** 0.5 * dw


class KeepsMomentumInTheModule(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, kept in the module."""

    type = "keeps_momentum_in_the_module"

    def update(self, w, dw, state, learning_rate, step):
        old = _kept.get("momentum")
        fits = step > 1 and old is not None and old.shape == w.shape
        _kept["momentum"] = dw + old / 2 if fits else dw.copy()
        w -= learning_rate * _kept["momentum"]


class UndeclaredState(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, in an undeclared array."""

    type = "undeclared_state"

    def update(self, w, dw, state, learning_rate, step):
        state.momentum = getattr(state, "momentum", 0) / 2 + dw
        w -= learning_rate * state.momentum


class ReplacesItsState(Descent):
    """momentum = momentum / 2 + dw, w -= learning_rate * momentum, in a new array each step."""

    type = "replaces_its_state"

    def state_names(self):
        return ("momentum",)

    def update(self, w, dw, state, learning_rate, step):
        state.momentum = state.momentum / 2 + dw
        w -= learning_rate * state.momentum


class Ascent(Descent):
    """w += learning_rate * dw."""

    type = "ascent"

    def update(self, w, dw, state, learning_rate, step):
        w += learning_rate * dw


class IgnoresTheRate(Descent):
    """w -= its own learning rate * dw, whatever the decay."""

    type = "ignores_the_rate"

    def update(self, w, dw, state, learning_rate, step):
        w -= self.learning_rate * dw


class DividesByZero(Descent):
    """w -= learning_rate * dw / |dw|."""

    type = "divides_by_zero"

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw / np.abs(dw)


class NamesWithSpaces(Descent):
    """w -= learning_rate * dw."""

    type = "names_with_spaces"

    def state_names(self):
        return ("running mean",)


class ClipsTheNorm(Descent):
    """w -= learning_rate * dw, with dw scaled down where its norm is above 300."""

    type = "clips_the_norm"

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw * min(1, 300 / (float(np.linalg.norm(dw)) + 1e-7))


class OnlyAThousand(Descent):
    """w -= learning_rate * dw, of the first thousand."""

    type = "only_a_thousand"

    def update(self, w, dw, state, learning_rate, step):
        w[:1000] -= learning_rate * dw[:1000]


class NamesAKeyword(Descent):
    """w -= learning_rate * dw."""

    type = "names_a_keyword"

    def state_names(self):
        return ("lambda",)


class NamesTheScratch(Descent):
    """w -= learning_rate * dw."""

    type = "names_the_scratch"

    def state_names(self):
        return ("scratch",)


WRONG = {
    NormalizedDescent: "parts_equal_the_whole",
    CountsSteps: "keeps_uses_apart",
    KeepsMomentumInTheModule: "keeps_uses_apart",
    UndeclaredState: "declares_its_state",
    ReplacesItsState: "declares_its_state",
    Ascent: "descends",
    IgnoresTheRate: "rate_zero_changes_nothing",
    DividesByZero: "survives_zero_gradients",
    NamesWithSpaces: "declares_its_state",
    ClipsTheNorm: "parts_equal_the_whole",
    OnlyAThousand: "parts_equal_the_whole",
    NamesAKeyword: "declares_its_state",
    NamesTheScratch: "declares_its_state",
}
