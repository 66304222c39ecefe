"""Transforms of targets."""

import numpy as np

from declnet import Array, TransformState
from declnet_plugins.standard.transforms.scaling import NumberTransform, finite_numbers, saved


class Clamp(NumberTransform):
    """y = x; predictions are limited to the range of x in the training data.

    For `data.prepare_targets`: targets are unchanged, so training is the same; a prediction below
    the smallest target of the training data becomes that, one above the largest becomes the
    largest. First in the list, it limits numbers in the target's own unit.

    RealMLP-TD clamps its output like this: Holzmüller, Grinsztajn and Steinwart, Better by Default,
    NeurIPS 2024, arXiv:2407.04491.
    """

    type = "clamp"

    def fit(self, x: Array) -> TransformState:
        """Return the smallest and the largest value."""
        values = finite_numbers(x)
        return {"min": saved(np.nanmin(values, axis=0)), "max": saved(np.nanmax(values, axis=0))}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return a copy of x."""
        return x.copy()

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return y, limited to the range."""
        limited: Array = np.clip(y, state["min"], state["max"])
        return limited
