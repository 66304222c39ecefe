"""Schedule-free AdamW: an average of the iterates in place of a schedule that decreases."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, OptimizerState, ParameterInfo, Shape
from declnet_plugins.standard.optimizers.adam import AdamW


class ScheduleFreeAdamW(AdamW):
    """z -= learning_rate * (dw / (sqrt(v) + epsilon) + weight_decay * w);  x += c * (z - x).

    w = (1 - beta_1) * z + beta_1 * x is trained, x is evaluated, saved and exported.
    c = learning_rate**2 / (the sum of learning_rate**2 over all steps): x is the weighted mean of z
    v = (1 - beta_2) * cache / (1 - beta_2**step),  cache = beta_2 * cache + dw**2

    No schedule needs to decrease the rate, and the training may end at any step; a `warmup` of the
    rate helps, after which larger rates than Adam's are usual.

    Defazio et al., The Road Less Scheduled, NeurIPS 2024, with v corrected as in Adam and in the
    authors' package, whose c takes the largest rate so far: another average if the rate falls. The
    state holds gap = z - x, from which x = w - (1 - beta_1) * gap.
    """

    type = "schedule_free_adamw"
    other_types = ("adamw_schedule_free", "schedule_free", "schedulefree")
    other_keys = {"warmup_steps": 'learning_rate takes a schedule: { type = "warmup", … }'}
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"learning_rate": 0.02, "beta_1": 0.95, "weight_decay": 1e-3},
        {"beta_1": 0.0, "weight_decay": {"type": "flat_cosine", "initial_rate": 0.02}},
    )
    usual_learning_rates = (1e-5, 0.3)
    per_parameter = True

    learning_rate: LearningRate = 0.0025
    beta_1: float = Field(
        default=0.9, ge=0, lt=1, description="share of the average x in w, where gradients are"
    )

    def state_names(self) -> tuple[str, ...]:
        """Return the names of z - x and of the discounted sum of squared gradients."""
        return ("gap", "cache")

    def state_shapes(self, parameter: ParameterInfo) -> dict[str, Shape]:
        """Return their shapes, and (1,) for the sum of squared rates."""
        return {**dict.fromkeys(self.state_names(), parameter.shape), "rates": (1,)}

    def workspace_shapes(self, parameter: ParameterInfo) -> dict[str, Shape]:
        """Return the shape of the share of the old average, 1 - c."""
        return {"share": (1,)}

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Move z by -change: gap = (1 - c) * (gap - change), w += beta_1 * (old - gap) - change."""
        gap, cache, rates, share = state.gap, state.cache, state.rates, state.share
        change, old = state.scratch
        scale_v = ((1 - self.beta_2) / (1 - self.beta_2**step)) ** 0.5
        np.add(rates, learning_rate * learning_rate, out=rates)
        np.maximum(rates, np.finfo(rates.dtype).tiny, out=share)  # rates may have been 0
        np.divide(-learning_rate * learning_rate, share, out=share)
        np.add(share, 1, out=share)
        np.multiply(dw, dw, out=change)
        np.multiply(cache, self.beta_2, out=cache)
        np.add(cache, change, out=cache)
        np.sqrt(cache, out=change)
        np.add(change, self.epsilon / scale_v, out=change)
        np.divide(dw, change, out=change)
        np.multiply(change, learning_rate / scale_v, out=change)
        np.multiply(w, learning_rate * state.now.weight_decay, out=old)
        np.add(change, old, out=change)
        np.copyto(old, gap)
        np.subtract(gap, change, out=gap)
        np.multiply(gap, share, out=gap)
        np.subtract(w, change, out=w)
        np.subtract(old, gap, out=old)
        np.multiply(old, self.beta_1, out=old)
        np.add(w, old, out=w)

    def evaluated(self, w: Array, state: OptimizerState) -> Array:
        """Return x."""
        x: Array = w - (1 - self.beta_1) * state.gap
        return x
