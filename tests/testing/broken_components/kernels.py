"""Kernels whose results differ from the components they replace."""

from ctypes import CFUNCTYPE, c_void_p, cast
from functools import partial

import numpy as np

from declnet import Kernel, KernelCalls, Layer, NativeCall, Parameter

from ..right.others import (
    Descent,
    DoubledSquared,
    ShrinkingKernel,
    SquaresKernel,
    SquaresOfTwoStrengths,
)
from .expected import caught_by


@caught_by("equals_its_components")
class HalfTheSlope(SquaresKernel):
    """dw += strength * w."""

    def add(self, strength, w, dw):
        np.add(dw, strength * w, out=dw)


@caught_by("equals_its_components")
class KnowsOneStrength(SquaresKernel):
    """dw += 2 * 0.1 * w, whatever the strength: right for the first example."""

    replaces = (SquaresOfTwoStrengths,)

    def add(self, strength, w, dw):
        super().add(0.1, w, dw)


@caught_by("equals_its_components")
class KeepsTheLastShrink(ShrinkingKernel):
    """Takes a schedule's last shrink at each step."""

    def shrink(self, site):
        shrink = site.components[0].shrink
        return shrink if isinstance(shrink, float) else shrink.rate(9, 9)


class Recent(Layer):
    """y = x; mean is that of the last batch."""

    type = "recent"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, "zeros", trainable=False)}

    def forward(self, x, y, state):
        np.copyto(y, x)
        if state.training and not state.frozen:
            np.mean(x, axis=0, out=state.mean)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


@caught_by("equals_its_components")
class LeavesTheMean(Kernel):
    """Right y and dx, but mean stays as it was."""

    replaces = (Recent,)

    def bind(self, site):
        backward = () if site.dx is None else (partial(np.copyto, site.dx, site.dy),)
        return KernelCalls((partial(np.copyto, site.y, site.x),), backward)


@caught_by("replaces_its_components")
class NeverTakesOver(SquaresKernel):
    """Leaves all to the component."""

    def bind(self, site):
        return None


@caught_by("replaces_its_components")
class OnlyFloat64(SquaresKernel):
    """Leaves float32 to the component."""

    def bind(self, site):
        return super().bind(site) if site.w.dtype == np.float64 else None


@caught_by("passes_non_finite_numbers_on")
class SwallowsNaN(SquaresKernel):
    """Takes NaN for 0."""

    def add(self, strength, w, dw):
        np.add(dw, 2 * strength * np.nan_to_num(w), out=dw)


@caught_by("leaves_what_it_reads_alone")
class WritesToTheWeights(SquaresKernel):
    """dw += 2 * strength * w, by way of w."""

    def add(self, strength, w, dw):
        np.multiply(w, 2 * strength, out=w)
        np.add(dw, w, out=dw)


@caught_by("leaves_what_it_reads_alone")
class CompiledWritesToTheWeights(WritesToTheWeights):
    """The same, as a compiled kernel, whose arrays are not locked."""

    compiled = True


@caught_by("repeats_its_bits")
class OtherBitsEachTime(SquaresKernel):
    """dw += 2 * strength * w and a little noise."""

    def add(self, strength, w, dw):
        noise = 1 + 1e-14 * np.random.default_rng().normal()
        np.add(dw, 2 * strength * noise * w, out=dw, casting="same_kind")


@caught_by("repeats_its_bits")
class AddsUpByParts(SquaresKernel):
    """dw += 2 * strength * w in a native call, of which each part does all of the work."""

    compiled = True

    def bind(self, site):
        (python,) = super().bind(site).backward
        function = CFUNCTYPE(None, c_void_p)(lambda _: python())
        address = cast(function, c_void_p).value
        block = np.array([0, 1], np.int64)
        return KernelCalls(backward=(NativeCall(address, block, (function,), divisible=True),))


@caught_by("replaces_its_components")
class ReturnsAList(SquaresKernel):
    """Returns a list of calls, without KernelCalls."""

    def bind(self, site):
        return list(super().bind(site).backward)


@caught_by("equals_its_components")
class CountsStepsItself(Kernel):
    """Plain descent that halves the rate after its third step."""

    type = "counts_steps_itself"
    replaces = (Descent,)

    def bind(self, site):
        def update():
            rate = site.rate.item() if site.step[0] <= 3 else site.rate.item() / 2
            np.subtract(site.w, rate * site.dw, out=site.w)

        return KernelCalls(update=(update,))


@caught_by("equals_its_components")
class ForgetsTheLayersSlope(DoubledSquared):
    """As doubled_squared, but dx lacks a factor."""

    def fill_back(self, site):
        site.components[1].backward(site.y, site.y_true, site.dx)


@caught_by("equals_its_components")
class ForgetsTheWeights(DoubledSquared):
    """As doubled_squared, but without sample weights."""

    def bind(self, site):
        calls = super().bind(site)
        if site.dx is None:
            return calls
        same = partial(np.divide, site.dx, len(site.dx), site.dx)
        return KernelCalls(calls.forward, (calls.backward[0], same))


@caught_by("equals_its_components")
class SumsInsteadOfMeans(DoubledSquared):
    """As doubled_squared, but losses are sums."""

    def fill(self, site):
        np.multiply(site.x, 2, out=site.y)
        axes = tuple(range(1, site.y.ndim))
        np.sum((site.y - site.y_true) ** 2, axis=axes, out=site.losses)


@caught_by("equals_its_components")
class LeavesPredictionsOut(DoubledSquared):
    """As doubled_squared, but y is not filled."""

    def fill(self, site):
        site.components[1].forward(2 * site.x, site.y_true, site.losses)

    def fill_back(self, site):
        np.subtract(2 * site.x, site.y_true, out=site.dx)
        np.multiply(site.dx, 4 * len(site.dx) / site.dx.size, out=site.dx)


@caught_by("leaves_what_it_reads_alone")
class WritesToPredictions(DoubledSquared):
    """As doubled_squared, but backward writes to y."""

    def fill_back(self, site):
        np.subtract(site.y, site.y_true, out=site.y)
        np.multiply(site.y, 4 * len(site.dx) / site.dx.size, out=site.dx)
