"""Activations: functions of one number, each in one pass over the arrays.

The arrays of the routines have one axis, in the order in which they are in memory. A function whose
derivative follows from y keeps nothing; of the others, the forward pass keeps the derivative.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import (
    CompiledKernel,
    Routine,
    exp,
    expm1,
    log1p,
    logistic,
    of_its_type,
    share,
    tanh,
)
from declnet_plugins.kernels.memory_orders import flat_for_elementwise
from declnet_plugins.standard.layers.activations import (
    ALPHA,
    ELU,
    SCALE,
    SELU,
    HardSigmoid,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.gelu import CUBE, DENOMINATOR, FAR, GELU, NUMERATOR, ROOT

F = np.float32

Function = Callable[..., Any]


def forward_of(value: Function) -> Routine:
    """Return the routine of a function of x and of two numbers of the layer."""

    @Routine
    def fill_y(part, parts, x, a, b, y):  # type: ignore[no-untyped-def]
        """Y = value(x)."""
        start, stop = share(x.size, part, parts)
        for i in range(start, stop):
            y[i] = value(x[i], a, b)

    return fill_y


def backward_of(slope: Function) -> Routine:
    """Return the routine of a derivative as a function of y and of two numbers of the layer."""

    @Routine
    def fill_dx(part, parts, y, dy, a, b, dx):  # type: ignore[no-untyped-def]
        """Dx = dy * slope(y)."""
        start, stop = share(y.size, part, parts)
        for i in range(start, stop):
            dx[i] = dy[i] * slope(y[i], a, b)

    return fill_dx


def both_of(value_and_slope: Function) -> Routine:
    """Return the routine of a function of x that also returns its derivative."""

    @Routine
    def fill_both(part, parts, x, y, slope):  # type: ignore[no-untyped-def]
        """Y, slope = value_and_slope(x)."""
        start, stop = share(x.size, part, parts)
        for i in range(start, stop):
            y[i], slope[i] = value_and_slope(x[i])

    return fill_both


@Routine
def multiply(part, parts, slope, dy, dx):  # type: ignore[no-untyped-def]
    """Dx = dy * slope."""
    start, stop = share(dx.size, part, parts)
    for i in range(start, stop):
        dx[i] = dy[i] * slope[i]


def relu(x: Any, zero: Any, _one: Any) -> Any:
    """Return max(x, 0); NaN stays."""
    return zero if x < zero else x


def relu_slope(y: Any, zero: Any, one: Any) -> Any:
    """Return 1 where y > 0, else 0."""
    return one if y > zero else zero


def leaky_relu(x: Any, slope: Any, one: Any) -> Any:
    """Return x where x > 0, slope * x elsewhere."""
    return x if x > one - one else slope * x


def leaky_relu_slope(y: Any, slope: Any, one: Any) -> Any:
    """Return 1 where y > 0, else the slope."""
    return one if y > one - one else slope


def elu(x: Any, right: Any, left: Any) -> Any:
    """Return right * x where x > 0, left * (exp(x) - 1) elsewhere."""
    zero = right - right
    return right * x if x > zero else left * expm1(zero if x > zero else x)


def elu_slope(y: Any, right: Any, left: Any) -> Any:
    """Return right where y > 0, y + left elsewhere."""
    return right if y > right - right else y + left


def softplus(x: Any, beta: Any, _one: Any) -> Any:
    """Return max(x, 0) + log(1 + exp(-beta * |x|)) / beta."""
    zero = beta - beta
    return (zero if x < zero else x) + log1p(exp(-beta * abs(x))) / beta


def softplus_slope(y: Any, beta: Any, _one: Any) -> Any:
    """Return 1 - exp(-beta * y)."""
    return -expm1(-beta * y)


def sigmoid(x: Any, _zero: Any, _one: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    return logistic(x)


def sigmoid_slope(y: Any, _zero: Any, one: Any) -> Any:
    """Return y * (1 - y)."""
    return y * (one - y)


def hard_sigmoid(x: Any, three: Any, sixth: Any) -> Any:
    """Return (x + 3) / 6, clipped to [0, 1]."""
    low = (x + three) * sixth
    low = three - three if low < three - three else low
    return (three + three) * sixth if low > (three + three) * sixth else low


def hard_sigmoid_slope(y: Any, three: Any, sixth: Any) -> Any:
    """Return 1/6 where 0 < y < 1, else 0."""
    return sixth if three - three < y < (three + three) * sixth else three - three


def hyperbolic_tangent(x: Any, _zero: Any, _one: Any) -> Any:
    """Return tanh(x)."""
    return tanh(x)


def hyperbolic_tangent_slope(y: Any, _zero: Any, one: Any) -> Any:
    """Return 1 - y**2."""
    return one - y * y


def silu(x: Any) -> Any:
    """Return y = x * s, s = 1 / (1 + exp(-x)), and s + y * (1 - s)."""
    s = logistic(x)
    return x * s, s + x * s * (of_its_type(x, F(1), 1.0) - s)


def mish(x: Any) -> Any:
    """Return y = x * t, t = tanh(log(1 + exp(x))), and t + x * (1 - t**2) * sigmoid(x).

    With e = exp(-|x|), t = (1 + 2 e) / (1 + 2 e + 2 e**2) for x >= 0, else e (e + 2) / (e (e + 2)
    + 2). From x = 20 on, t and the derivative are 1.
    """
    one, two = of_its_type(x, F(1), 1.0), of_its_type(x, F(2), 2.0)
    most = of_its_type(x, F(20), 20.0)
    e = exp(-abs(x))
    above = x >= one - one
    part = one + two * e if above else e * (e + two)
    t = part / (part + (two * e * e if above else two))
    below = x if x < most else most
    return x * t, t + below * (one - t * t) * ((one if above else e) / (one + e))


def gelu_by_tanh(x: Any) -> Any:
    """Return x / 2 * (1 + t), t = tanh(u), u = ROOT * (x + CUBE * x**3), and its derivative."""
    one, half = of_its_type(x, F(1), 1.0), of_its_type(x, F(0.5), 0.5)
    root, cubic = of_its_type(x, F(ROOT), ROOT), of_its_type(x, F(ROOT * CUBE), ROOT * CUBE)
    three, square = one + one + one, x * x
    t = tanh(x * (root + cubic * square))
    du = root + three * cubic * square
    return x * (half + half * t), half * (one + t + x * (one - t * t) * du)


def of_type(x: Any, number: Any) -> Any:
    """Return a number in the type of x."""
    return of_its_type(x, F(number), np.float64(number))


def gelu(x: Any) -> Any:
    """Return max(x, 0) - a * Phi(-a), a = |x|, and its derivative Phi(x) + x * phi(x).

    Phi(-a) = exp(-a**2 / 2) * P(a) / Q(a), as in `declnet_plugins.standard.layers.gelu`.
    """
    zero, half = of_type(x, 0), of_type(x, 0.5)
    a = abs(x)
    a = of_type(x, FAR) if a > of_type(x, FAR) else a
    p = of_type(x, NUMERATOR[0])
    p = p * a + of_type(x, NUMERATOR[1])
    p = p * a + of_type(x, NUMERATOR[2])
    p = p * a + of_type(x, NUMERATOR[3])
    p = p * a + of_type(x, NUMERATOR[4])
    p = p * a + of_type(x, NUMERATOR[5])
    p = p * a + of_type(x, NUMERATOR[6])
    q = of_type(x, DENOMINATOR[0])
    q = q * a + of_type(x, DENOMINATOR[1])
    q = q * a + of_type(x, DENOMINATOR[2])
    q = q * a + of_type(x, DENOMINATOR[3])
    q = q * a + of_type(x, DENOMINATOR[4])
    q = q * a + of_type(x, DENOMINATOR[5])
    q = q * a + of_type(x, DENOMINATOR[6])
    q = q * a + of_type(x, DENOMINATOR[7])
    bell = exp(-half * a * a)
    tail = bell * (p / q)
    beside = half - (tail - a * bell * of_type(x, DENSITY))
    positive = zero if x < zero else x
    return positive - a * tail, half + (beside if x > zero else -beside)


DENSITY = 1 / sqrt(2 * pi)


class ActivationKernel(CompiledKernel):
    """An activation whose derivative is a function of y."""

    routines: ClassVar[tuple[Routine, Routine]]
    """They fill y and dx."""
    numbers: ClassVar[tuple[str | float, str | float]] = (0.0, 1.0)
    """The two numbers that the functions take, or the layer's fields that hold them."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y and dx in a call each."""
        flat = flat_for_elementwise(site.x, site.y, site.dy, site.dx)
        if flat is None:
            return None
        before, (x, y, dy, dx) = flat
        layer, kind = site.components[0], y.dtype.type
        a, b = (kind(getattr(layer, n) if isinstance(n, str) else n) for n in self.numbers)
        fill_y, fill_dx = self.routines
        backward = () if dx is None else (fill_dx.bound(y, dy, a, b, dx),)
        return KernelCalls((*before, fill_y.bound(x, a, b, y)), backward)


class ReLUKernel(ActivationKernel):
    """y = max(x, 0); dx = dy where y > 0, else 0."""

    type = "relu_jit"
    replaces = (ReLU,)
    routines: ClassVar[tuple[Routine, Routine]] = forward_of(relu), backward_of(relu_slope)


class LeakyReLUKernel(ActivationKernel):
    """y = x where x > 0, negative_slope * x elsewhere."""

    type = "leaky_relu_jit"
    replaces = (LeakyReLU,)
    routines: ClassVar[tuple[Routine, Routine]] = (
        forward_of(leaky_relu),
        backward_of(leaky_relu_slope),
    )
    numbers = "negative_slope", 1.0


class ELUKernel(ActivationKernel):
    """y = x where x > 0, alpha * (exp(x) - 1) elsewhere."""

    type = "elu_jit"
    replaces = (ELU,)
    routines: ClassVar[tuple[Routine, Routine]] = forward_of(elu), backward_of(elu_slope)
    numbers = 1.0, "alpha"


class SELUKernel(ActivationKernel):
    """y = SCALE * x where x > 0, SCALE * ALPHA * (exp(x) - 1) elsewhere."""

    type = "selu_jit"
    replaces = (SELU,)
    routines: ClassVar[tuple[Routine, Routine]] = ELUKernel.routines
    numbers = SCALE, SCALE * ALPHA


class SoftplusKernel(ActivationKernel):
    """y = log(1 + exp(beta * x)) / beta."""

    type = "softplus_jit"
    replaces = (Softplus,)
    routines: ClassVar[tuple[Routine, Routine]] = forward_of(softplus), backward_of(softplus_slope)
    numbers = "beta", 1.0


class SigmoidKernel(ActivationKernel):
    """y = 1 / (1 + exp(-x)); dx = dy * y * (1 - y)."""

    type = "sigmoid_jit"
    replaces = (Sigmoid,)
    routines: ClassVar[tuple[Routine, Routine]] = forward_of(sigmoid), backward_of(sigmoid_slope)


class HardSigmoidKernel(ActivationKernel):
    """y = (x + 3) / 6, clipped to [0, 1]."""

    type = "hard_sigmoid_jit"
    replaces = (HardSigmoid,)
    routines: ClassVar[tuple[Routine, Routine]] = (
        forward_of(hard_sigmoid),
        backward_of(hard_sigmoid_slope),
    )
    numbers = 3.0, 1 / 6


class TanhKernel(ActivationKernel):
    """y = tanh(x); dx = dy * (1 - y**2)."""

    type = "tanh_jit"
    replaces = (Tanh,)
    routines: ClassVar[tuple[Routine, Routine]] = (
        forward_of(hyperbolic_tangent),
        backward_of(hyperbolic_tangent_slope),
    )


class SlopeKernel(CompiledKernel):
    """An activation whose derivative the forward pass keeps, in the layer's workspace."""

    workspace: ClassVar[str] = "slope"
    both: ClassVar[Routine]
    """It fills y and the derivative."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y and the derivative, then dx, in a call each."""
        saved = getattr(site.states[0], self.workspace)
        flat = flat_for_elementwise(site.x, site.y, saved, site.dy, site.dx)
        if flat is None:
            return None
        before, (x, y, slope, dy, dx) = flat
        backward = () if dx is None else (multiply.bound(slope, dy, dx),)
        fill_both = self._both(site.components[0])
        return KernelCalls((*before, fill_both.bound(x, y, slope)), backward)

    def _both(self, layer: Any) -> Routine:
        """Return the routine for a layer."""
        return self.both


class SiLUKernel(SlopeKernel):
    """y = x / (1 + exp(-x))."""

    type = "silu_jit"
    replaces = (SiLU,)
    workspace = "sigmoid"
    both = both_of(silu)


class MishKernel(SlopeKernel):
    """y = x * tanh(log(1 + exp(x)))."""

    type = "mish_jit"
    replaces = (Mish,)
    both = both_of(mish)


class GELUKernel(SlopeKernel):
    """y = x * Phi(x), or the approximation by tanh."""

    type = "gelu_jit"
    replaces = (GELU,)
    both = both_of(gelu)
    approximation: ClassVar[Routine] = both_of(gelu_by_tanh)

    def _both(self, layer: Any) -> Routine:
        return self.approximation if layer.approximation == "tanh" else self.both
