"""Adam and its variants: momentum divided by the running magnitude of each gradient."""

from math import log
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState, Schedule, Scheduled


class Adam(Optimizer):
    """w -= learning_rate * m / (sqrt(v) + epsilon), with both moments bias-corrected.

    m = (1 - beta_1) * momentum / (1 - beta_1**step),  momentum = beta_1 * momentum + dw
    v = (1 - beta_2) * cache / (1 - beta_2**step),     cache = beta_2 * cache + dw**2

    The factors (1 - beta) are outside the sums, so they are applied once per step to two numbers
    instead of to each element; the step is the same as the book's (chapter 10), and as in PyTorch,
    which has epsilon 1e-8. Keras adds epsilon before the correction.

    Kingma and Ba, Adam, ICLR 2015.
    """

    type = "adam"
    other_keys = {
        "eps": "epsilon",
        "beta1": "beta_1",
        "beta2": "beta_2",
        "betas": "write the two as beta_1 and beta_2",
        "weight_decay": 'the optimizer "adamw" has it',
    }
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"learning_rate": 0.02, "decay": 5e-7})
    usual_learning_rates = (1e-6, 0.1)

    learning_rate: LearningRate = 0.001
    beta_1: float = Field(
        default=0.9, ge=0, lt=1, description="fraction of the momentum kept each step"
    )
    beta_2: float = Field(
        default=0.999, ge=0, lt=1, description="fraction of the cache kept each step"
    )
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root to avoid 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the discounted sums of gradients and of their squares."""
        return ("momentum", "cache")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """W -= learning_rate * scale_m / scale_v * momentum / (sqrt(cache) + epsilon / scale_v)."""
        momentum, cache, change = state.momentum, state.cache, state.scratch[0]
        scale_m = (1 - self.beta_1) / (1 - self.beta_1**step)
        scale_v = ((1 - self.beta_2) / (1 - self.beta_2**step)) ** 0.5
        np.multiply(momentum, self.beta_1, out=momentum)
        np.add(momentum, dw, out=momentum)
        np.multiply(dw, dw, out=dw)
        np.multiply(cache, self.beta_2, out=cache)
        np.add(cache, dw, out=cache)
        np.sqrt(self._squares(state), out=change)
        np.add(change, self.epsilon / scale_v, out=change)
        np.divide(momentum, change, out=change)
        np.multiply(change, learning_rate * scale_m / scale_v, out=change)
        np.subtract(w, change, out=w)

    def _squares(self, state: OptimizerState) -> Array:
        """Return the discounted sum of squares that the step is divided by."""
        return state.cache


class AdamW(Adam):
    """w *= 1 - learning_rate * weight_decay;  then Adam's step.

    w -= learning_rate * m / (sqrt(v) + epsilon), with both moments bias-corrected:
    m = (1 - beta_1) * momentum / (1 - beta_1**step),  momentum = beta_1 * momentum + dw
    v = (1 - beta_2) * cache / (1 - beta_2**step),     cache = beta_2 * cache + dw**2

    The decay does not pass through the moments, as l2's gradient would. It applies to all
    trainable parameters, biases included; as in PyTorch without parameter groups, which has
    epsilon 1e-8.
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """

    type = "adamw"
    other_keys = {"wd": "weight_decay"}
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"learning_rate": 0.02, "weight_decay": 1e-3},
        {"weight_decay": {"type": "flat_cosine", "initial_rate": 0.02}},
    )

    weight_decay: Annotated[float | Schedule, Scheduled(ge=0)] = Field(
        default=0.01,
        description="fraction of w removed each step, times the learning rate; or a schedule of it",
    )

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Decay the parameters, then take Adam's step."""
        np.multiply(w, 1 - learning_rate * state.now.weight_decay, out=w)
        super().update(w, dw, state, learning_rate, step)


class AMSGrad(Adam):
    """w -= learning_rate * m / (sqrt(v) + epsilon): Adam's step, with v from the largest cache.

    v = (1 - beta_2) * peak / (1 - beta_2**step),  peak = max(peak, cache)

    The maximum is taken before the bias correction, as in PyTorch (amsgrad=True) and Keras; Keras
    adds epsilon before the correction. Reddi, Kale and Kumar, On the Convergence of Adam and
    Beyond, ICLR 2018 (without the corrections).
    """

    type = "amsgrad"
    examples = ({}, {"learning_rate": 0.02, "beta_2": 0.99})

    def state_names(self) -> tuple[str, ...]:
        """Return the names of Adam's sums and of the peak."""
        return ("momentum", "cache", "peak")

    def _squares(self, state: OptimizerState) -> Array:
        peak: Array = np.maximum(state.peak, state.cache, out=state.peak)
        return peak


class NAdam(Adam):
    """w -= learning_rate * (g + m) / (sqrt(v) + epsilon): Adam with Nesterov momentum.

    g = (1 - mu_t) * dw / (1 - mu_1 * ... * mu_t),  mu_t = beta_1 * (1 - 0.96**(t*momentum_decay)/2)
    m = mu_t+1 * (1 - beta_1) * momentum / (1 - mu_1 * ... * mu_t+1),  momentum and v as Adam's

    As in PyTorch; Keras has momentum_decay = 1. Dozat, Incorporating Nesterov Momentum into Adam,
    ICLR workshop 2016.
    """

    type = "nadam"
    examples = ({}, {"learning_rate": 0.02, "momentum_decay": 0.0})

    learning_rate: LearningRate = 0.002
    momentum_decay: float = Field(default=4e-3, ge=0, description="how fast mu approaches beta_1")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """w -= learning_rate * (by_dw * dw + by_m * momentum) / (sqrt(cache) + ...) / scale_v."""
        momentum, cache = state.momentum, state.cache
        size, change = state.scratch
        scale_v = ((1 - self.beta_2) / (1 - self.beta_2**step)) ** 0.5
        product = mu_product(self.beta_1, self.momentum_decay, step)
        mu, mu_next = (_mu(self.beta_1, self.momentum_decay, t) for t in (step, step + 1))
        by_dw = (1 - mu) / (1 - product)
        by_m = mu_next * (1 - self.beta_1) / (1 - product * mu_next)
        lead, factor = by_m / by_dw, by_dw * (learning_rate / scale_v)
        np.multiply(momentum, self.beta_1, out=momentum)
        np.add(momentum, dw, out=momentum)
        np.multiply(dw, dw, out=size)
        np.multiply(cache, self.beta_2, out=cache)
        np.add(cache, size, out=cache)
        np.sqrt(cache, out=size)
        np.add(size, self.epsilon / scale_v, out=size)
        np.multiply(momentum, lead.astype(w.dtype), out=change)
        np.add(change, dw, out=change)
        np.divide(change, size, out=change)
        np.multiply(change, factor.astype(w.dtype), out=change)
        np.subtract(w, change, out=w)


def mu_product(beta_1: float, momentum_decay: float, step: Any) -> Any:
    """Return mu_1 * ... * mu_step, computed from the step, as state must be elementwise.

    With q = 0.96**momentum_decay its logarithm is step * log(beta_1) + the sum of log(1 - q**t / 2)
    over t. The logarithm's series, -(q**t / 2)**k / k, turns that into geometric sums over t, for
    r = q**k: r * (r**step - 1) / (r - 1); the terms k > 60 are below the rounding of the first.
    """
    if not (beta_1 and momentum_decay):
        return np.power(np.array([beta_1 / 2]), step)
    k = np.arange(1, 61)
    log_r = k * momentum_decay * log(0.96)
    terms = 0.5**k / k * np.exp(log_r) / np.expm1(log_r)
    grown = np.expm1(np.multiply(log_r, step))
    total = np.add.reduce(np.multiply(terms, grown), keepdims=True)
    return np.exp(np.subtract(np.multiply(np.array([log(beta_1)]), step), total))


def _mu(beta_1: float, momentum_decay: float, t: Any) -> Any:
    return beta_1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
