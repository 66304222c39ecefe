"""The intervals and sets of calibrators in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.calibrators import (
    LARGEST_BOUND,
    Conformal,
)
from declnet_plugins.standard.temperature import LEAST_POSITIVE


def interval(
    y: Array, *, limit: Any, quantiles: bool, side: int, scale: str, shift: float
) -> Array:
    """Return the lower (-1) or upper (1) bounds of values, which do not cross."""
    low = high = y.astype(float)
    if scale == "log":
        low = high = np.log(np.maximum(low + shift, LEAST_POSITIVE))
    if quantiles:
        low, high = low.min(axis=1), high.max(axis=1)
    lower, upper = low - limit, high + limit
    middle = (lower + upper) / 2
    bound = np.minimum(lower, middle) if side < 0 else np.maximum(upper, middle)
    if scale == "log":
        bound = np.exp(np.minimum(bound, LARGEST_BOUND)) - shift
    return np.asarray(bound.astype(y.dtype))


def conformal_sets(p: Array, *, limit: float, method: str) -> Array:
    """Return the classes whose score is within the limit."""
    p = p.astype(float)
    p = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
    if method == "lac":
        return np.asarray(1 - p <= limit)
    order = np.argsort(-p, axis=1, kind="stable")
    scores = np.empty_like(p)
    np.put_along_axis(scores, order, np.take_along_axis(p, order, axis=1).cumsum(axis=1), axis=1)
    return np.asarray(scores <= limit)


class NumpyConformal(NumpyTranslation):
    """Intervals, or sets of classes."""

    replaces = (Conformal,)

    def translate(self, component: Any, site: TranslationSite) -> tuple[Any, ...]:
        """Write both bounds, or the sets."""
        if site.method == "sets":
            options = {"limit": site.state["limit"], "method": component.method}
            return (site.writer.call(conformal_sets, site.name, *site.inputs, **options),)
        options = {**site.state, "scale": component.scale, "shift": component.shift}
        return tuple(
            site.writer.call(interval, f"{site.name}.{name}", *site.inputs, **options, side=side)
            for name, side in (("lower", -1), ("upper", 1))
        )
