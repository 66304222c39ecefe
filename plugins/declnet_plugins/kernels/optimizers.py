"""Optimizers that update each parameter from its own gradient, in one pass over all arrays.

They do the components' operations one by one, and so give the same bits: the time goes into reading
and writing memory, which rounding less would not save.
"""

from math import sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, rounded_as_written, share
from declnet_plugins.kernels.memory_orders import FLOATS
from declnet_plugins.standard.optimizers.adagrad import Adadelta, Adagrad, RMSProp
from declnet_plugins.standard.optimizers.adam import Adam, AdamW, AMSGrad, NAdam, mu_product
from declnet_plugins.standard.optimizers.sgd import SGD, Lion


@rounded_as_written
def descend(part, parts, w, dw, rate):  # type: ignore[no-untyped-def]
    """W -= rate * dw."""
    factor = w.dtype.type(rate[0])
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        w[i] -= factor * dw[i]


@rounded_as_written
def roll(part, parts, w, dw, velocity, momentum, nesterov, rate):  # type: ignore[no-untyped-def]
    """Velocity = momentum * velocity - rate * dw; w += velocity.

    With nesterov, w += momentum * velocity - rate * dw.
    """
    factor, keep = w.dtype.type(rate[0]), w.dtype.type(momentum)
    start, stop = share(w.size, part, parts)
    if nesterov:
        for i in range(start, stop):
            descent = factor * dw[i]
            speed = keep * velocity[i] - descent
            velocity[i] = speed
            w[i] += keep * speed - descent
    else:
        for i in range(start, stop):
            speed = keep * velocity[i] - factor * dw[i]
            velocity[i] = speed
            w[i] += speed


@rounded_as_written
def lion(part, parts, w, dw, momentum, beta_1, beta_2, decay, rate):  # type: ignore[no-untyped-def]
    """W = w * (1 - rate * decay) - rate * sign(dw + lead * momentum).

    lead = beta_1 * (1 - beta_2) / (1 - beta_1); then momentum = beta_2 * momentum + dw.
    """
    kind = w.dtype.type
    zero, one, factor, keep = kind(0), kind(1), kind(rate[0]), kind(beta_2)
    lead, shrink = kind(beta_1 * (1 - beta_2) / (1 - beta_1)), kind(1 - rate[0] * decay[0])
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope, before = dw[i], momentum[i]
        direction = lead * before + slope
        sign = one if direction > zero else (-one if direction < zero else direction)
        sign = zero if direction == zero else sign  # not -0
        w[i] = w[i] * shrink - sign * factor
        momentum[i] = keep * before + slope


@rounded_as_written
def adagrad(part, parts, w, dw, cache, epsilon, rate):  # type: ignore[no-untyped-def]
    """Cache += dw**2; w -= rate * dw / (sqrt(cache) + epsilon)."""
    small, factor = w.dtype.type(epsilon), w.dtype.type(rate[0])
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope = dw[i]
        total = cache[i] + slope * slope
        cache[i] = total
        w[i] -= slope / (np.sqrt(total) + small) * factor


@rounded_as_written
def rmsprop(part, parts, w, dw, cache, rho, epsilon, rate):  # type: ignore[no-untyped-def]
    """Cache = rho * cache + (1 - rho) * dw**2; w -= rate * dw / (sqrt(cache) + epsilon)."""
    kind = w.dtype.type
    keep, gain, small, factor = kind(rho), kind(1 - rho), kind(epsilon), kind(rate[0])
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope = dw[i]
        mean = keep * cache[i] + gain * (slope * slope)
        cache[i] = mean
        w[i] -= slope / (np.sqrt(mean) + small) * factor


@rounded_as_written
def adadelta(part, parts, w, dw, cache, changes, rho, epsilon, rate):  # type: ignore[no-untyped-def]
    """Cache = rho * cache + dw**2; change = dw * sqrt((changes + small) / (cache + small)).

    changes = rho * changes + change**2; w -= rate * change; small = epsilon / (1 - rho).
    """
    kind = w.dtype.type
    keep, small, factor = kind(rho), kind(epsilon / (1 - rho)), kind(rate[0])
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope, before = dw[i], changes[i]
        total = keep * cache[i] + slope * slope
        change = slope * np.sqrt((before + small) / (total + small))
        cache[i] = total
        changes[i] = keep * before + change * change
        w[i] -= factor * change


@rounded_as_written
def adam(  # type: ignore[no-untyped-def]
    part, parts, w, dw, momentum, cache, beta_1, beta_2, epsilon, decay, rate, step
):
    """Update both moments; w = w * (1 - rate * decay) - factor * momentum / (sqrt(cache) + small).

    The moments are sums without the factors 1 - beta_1 and 1 - beta_2; these and the corrections of
    the bias are in `factor` and `small`.
    """
    kind, number = w.dtype.type, float(step[0])
    scale_m = (1 - beta_1) / (1 - beta_1**number)
    scale_v = sqrt((1 - beta_2) / (1 - beta_2**number))
    keep_1, keep_2, shrink = kind(beta_1), kind(beta_2), kind(1 - rate[0] * decay[0])
    small, factor = kind(epsilon / scale_v), kind(rate[0] * scale_m / scale_v)
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope = dw[i]
        first = momentum[i] * keep_1 + slope
        second = cache[i] * keep_2 + slope * slope
        momentum[i] = first
        cache[i] = second
        w[i] = w[i] * shrink - first / (np.sqrt(second) + small) * factor


@rounded_as_written
def amsgrad(  # type: ignore[no-untyped-def]
    part, parts, w, dw, momentum, cache, peak, beta_1, beta_2, epsilon, rate, step
):
    """Update both moments; peak = max(peak, cache); w -= factor * momentum / (sqrt(peak) + small).

    `factor` and `small` as in `adam`.
    """
    kind, number = w.dtype.type, float(step[0])
    scale_m = (1 - beta_1) / (1 - beta_1**number)
    scale_v = sqrt((1 - beta_2) / (1 - beta_2**number))
    keep_1, keep_2 = kind(beta_1), kind(beta_2)
    small, factor = kind(epsilon / scale_v), kind(rate[0] * scale_m / scale_v)
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope, highest = dw[i], peak[i]
        first = momentum[i] * keep_1 + slope
        second = cache[i] * keep_2 + slope * slope
        highest = highest if second <= highest else second
        momentum[i] = first
        cache[i] = second
        peak[i] = highest
        w[i] -= first / (np.sqrt(highest) + small) * factor


product_of_mu = mu_product.__wrapped__


@rounded_as_written
def nadam(  # type: ignore[no-untyped-def]
    part, parts, w, dw, momentum, cache, beta_1, beta_2, momentum_decay, epsilon, rate, step
):
    """Update both moments; w -= factor * (dw + lead * momentum) / (sqrt(cache) + small).

    mu = beta_1 * (1 - 0.96**(step * momentum_decay) / 2), and mu_next of the next step;
    factor = rate * (1 - mu) / (1 - the product of all mu), without the momentum's own mu_next.
    """
    kind, number = w.dtype.type, float(step[0])
    scale_v = sqrt((1 - beta_2) / (1 - beta_2**number))
    product = product_of_mu(beta_1, momentum_decay, step[0])
    mu = beta_1 * (1 - 0.5 * 0.96 ** (number * momentum_decay))
    mu_next = beta_1 * (1 - 0.5 * 0.96 ** ((number + 1) * momentum_decay))
    by_dw = (1 - mu) / (1 - product)
    by_m = mu_next * (1 - beta_1) / (1 - product * mu_next)
    keep_1, keep_2, lead = kind(beta_1), kind(beta_2), kind(by_m / by_dw)
    small, factor = kind(epsilon / scale_v), kind(rate[0] * by_dw / scale_v)
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        slope = dw[i]
        first = momentum[i] * keep_1 + slope
        second = cache[i] * keep_2 + slope * slope
        momentum[i] = first
        cache[i] = second
        w[i] -= (first * lead + slope) / (np.sqrt(second) + small) * factor


class OptimizerKernel(CompiledKernel):
    """An optimizer that updates each parameter from its own gradient, all of them in one call."""

    routine: ClassVar[Routine]
    """It takes the parameters, their gradient, the optimizer's arrays, `fields`, `now`, the rate,
    and the step if the optimizer counts steps."""
    fields: ClassVar[tuple[str, ...]] = ()
    """The optimizer's fields that are plain numbers."""
    now: ClassVar[tuple[str, ...]] = ()
    """Its fields that may have a schedule."""
    counts_steps: ClassVar[bool] = False

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the update of all parameters in one call."""
        if site.w.dtype not in FLOATS:
            return None
        (optimizer,), state = site.components, site.state
        arrays = [getattr(state, name) for name in optimizer.state_names()]
        routine, numbers = self._chosen(optimizer)
        step = (site.step,) if self.counts_steps else ()
        call = routine.bound(
            site.w, site.dw, *arrays, *numbers, *self._changing(site), site.rate, *step
        )
        return KernelCalls(update=(call,))

    def _chosen(self, optimizer: Any) -> tuple[Routine, list[Any]]:
        """Return the routine for an optimizer, and the numbers that it takes."""
        return self.routine, [getattr(optimizer, field) for field in self.fields]

    def _changing(self, site: KernelSite) -> list[Array]:
        """Return arrays of one number that may change from step to step, besides rate and step."""
        state: Any = site.state
        return [state.now[field] for field in self.now]


class SGDKernel(OptimizerKernel):
    """velocity = momentum * velocity - learning_rate * dw;  w += velocity."""

    type = "sgd_jit"
    replaces = (SGD,)
    routine, fields = roll, ("momentum", "nesterov")

    def _chosen(self, optimizer: Any) -> tuple[Routine, list[Any]]:
        return super()._chosen(optimizer) if optimizer.momentum else (descend, [])


class LionKernel(OptimizerKernel):
    """w -= learning_rate * (sign(beta_1 * m + (1 - beta_1) * dw) + weight_decay * w)."""

    type = "lion_jit"
    replaces = (Lion,)
    reads_schedules = True
    routine, fields, now = lion, ("beta_1", "beta_2"), ("weight_decay",)


class AdagradKernel(OptimizerKernel):
    """cache += dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon)."""

    type = "adagrad_jit"
    replaces = (Adagrad,)
    routine, fields = adagrad, ("epsilon",)


class RMSPropKernel(OptimizerKernel):
    """w -= learning_rate * dw / (sqrt(cache) + epsilon), cache a running mean."""

    type = "rmsprop_jit"
    replaces = (RMSProp,)
    routine, fields = rmsprop, ("rho", "epsilon")


class AdadeltaKernel(OptimizerKernel):
    """w -= learning_rate * dw * sqrt(d + epsilon) / sqrt(v + epsilon)."""

    type = "adadelta_jit"
    replaces = (Adadelta,)
    routine, fields = adadelta, ("rho", "epsilon")


class AdamKernel(OptimizerKernel):
    """w -= learning_rate * m / (sqrt(v) + epsilon), both moments bias-corrected."""

    type = "adam_jit"
    replaces: ClassVar[tuple[Any, ...]] = (Adam,)
    routine, fields, counts_steps = adam, ("beta_1", "beta_2", "epsilon"), True

    def _changing(self, site: KernelSite) -> list[Array]:
        return super()._changing(site) or [np.zeros(1)]  # no decay


class AdamWKernel(AdamKernel):
    """w *= 1 - learning_rate * weight_decay;  then Adam's step."""

    type = "adamw_jit"
    replaces = (AdamW,)
    reads_schedules = True
    now = ("weight_decay",)


class AMSGradKernel(OptimizerKernel):
    """w -= learning_rate * m / (sqrt(v) + epsilon), v from the largest cache."""

    type = "amsgrad_jit"
    replaces = (AMSGrad,)
    routine, fields, counts_steps = amsgrad, ("beta_1", "beta_2", "epsilon"), True


class NAdamKernel(OptimizerKernel):
    """w -= learning_rate * (g + m) / (sqrt(v) + epsilon), with Nesterov momentum."""

    type = "nadam_jit"
    replaces = (NAdam,)
    routine, counts_steps = nadam, True
    fields = ("beta_1", "beta_2", "momentum_decay", "epsilon")
