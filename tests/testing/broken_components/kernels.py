"""Kernels that do something else than what they replace does."""

import numpy as np

from declnet import OptimizerKernel, RegularizerKernel

from .optimizers import Descent
from .regularizers import Squares


class SquaresKernel(RegularizerKernel):
    """dw += 2 * strength * w; right, the others spoil it."""

    type = "squares"

    regularizer: Squares

    def bind(self, w, dw):
        def call():
            np.add(dw, 2 * self.regularizer.strength * w, out=dw)

        return (call,)


class HalfTheSlope(SquaresKernel):
    """dw += strength * w."""

    type = "half_the_slope"

    def bind(self, w, dw):
        def call():
            np.add(dw, self.regularizer.strength * w, out=dw)

        return (call,)


class NeverTakesOver(SquaresKernel):
    """Leaves all to the component."""

    type = "never_takes_over"

    def bind(self, w, dw):
        return None


class OnlyFloat64(SquaresKernel):
    """Leaves float32 to the component."""

    type = "only_float64"

    def bind(self, w, dw):
        return super().bind(w, dw) if w.dtype == np.float64 else None


class SwallowsNaN(SquaresKernel):
    """Takes NaN for 0."""

    type = "swallows_nan"

    def bind(self, w, dw):
        def call():
            np.add(dw, 2 * self.regularizer.strength * np.nan_to_num(w), out=dw)

        return (call,)


class WritesToTheWeights(SquaresKernel):
    """dw += 2 * strength * w, by way of w."""

    type = "writes_to_the_weights"

    def bind(self, w, dw):
        def call():
            np.multiply(w, 2 * self.regularizer.strength, out=w)
            np.add(dw, w, out=dw)

        return (call,)


class OtherBitsEachTime(SquaresKernel):
    """dw += 2 * strength * w and a little noise."""

    type = "other_bits_each_time"

    def bind(self, w, dw):
        rng = np.random.default_rng()

        def call():
            noise = 1 + 1e-14 * rng.normal()
            np.add(dw, 2 * self.regularizer.strength * noise * w, out=dw, casting="same_kind")

        return (call,)


class CountsStepsItself(OptimizerKernel):
    """Plain descent that halves the rate after its third step."""

    type = "counts_steps_itself"

    optimizer: Descent

    def bind(self, w, dw, state):
        def update(rate, step):
            np.subtract(w, (rate if step <= 3 else rate / 2) * dw, out=w)

        return update


WRONG = {
    HalfTheSlope: "equals_its_components",
    NeverTakesOver: "replaces_its_components",
    OnlyFloat64: "replaces_its_components",
    SwallowsNaN: "passes_non_finite_numbers_on",
    WritesToTheWeights: "leaves_what_it_reads_alone",
    OtherBitsEachTime: "repeats_its_bits",
    CountsStepsItself: "equals_its_components",
}
