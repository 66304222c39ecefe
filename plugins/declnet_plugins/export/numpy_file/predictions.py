"""The steps after the last layer in NumPy: the predictions of losses, and calibrators."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.numpy_file.activations import softmax
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.calibrators import (
    LARGEST_BOUND,
    LEAST_POSITIVE,
    LEAST_REST,
    Conformal,
    Temperature,
    Threshold,
)
from declnet_plugins.standard.losses.distribution import GaussianNLL
from declnet_plugins.standard.losses.ordinal import Ordinal
from declnet_plugins.standard.losses.regression import LARGEST_LOGARITHM, Poisson
from declnet_plugins.tabular.losses import MembersCrossentropy, MembersSquaredError


def poisson_means(y: Array, *, log_input: bool) -> Array:
    return np.asarray(np.exp(np.minimum(y, LARGEST_LOGARITHM))) if log_input else y


def normal_means(y: Array) -> Array:
    return y[:, : y.shape[1] // 2]


def ordinal_probabilities(y: Array) -> Array:
    """Return the probability of each class, the differences of those to be above a class."""
    falls = np.logaddexp(y[:, 1:], y.dtype.type(0))
    cuts = np.concatenate([y[:, :1], y[:, :1] - np.cumsum(falls, axis=1)], axis=1)
    above = np.tanh(cuts / 2) / 2 + 0.5
    edges = np.ones((len(y), 1), y.dtype)
    at_least, more = [edges, above], [above, np.zeros_like(edges)]
    return np.asarray(np.concatenate(at_least, axis=1) - np.concatenate(more, axis=1))


def members_probabilities(y: Array) -> Array:
    return np.asarray(softmax(y).mean(axis=1))


def members_mean(y: Array) -> Array:
    return np.asarray(y.mean(axis=1))


def temperature(p: Array, *, temperature: float, together: bool) -> Array:
    logits = np.log(np.maximum(p.astype(float), LEAST_POSITIVE))
    if together:
        return softmax(logits / temperature).astype(p.dtype)
    logits = logits - np.log(np.maximum(1 - p.astype(float), LEAST_REST))
    return np.asarray(1 / (1 + np.exp(-logits / temperature))).astype(p.dtype)


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


class NumpyLosses(NumpyTranslation):
    """The predictions of losses."""

    functions: ClassVar[Any] = {
        Poisson: poisson_means,
        GaussianNLL: normal_means,
        Ordinal: ordinal_probabilities,
    }
    replaces = tuple(functions)


class NumpyTabularLosses(NumpyTranslation):
    """The predictions of losses of the package for tables."""

    functions: ClassVar[Any] = {
        MembersCrossentropy: members_probabilities,
        MembersSquaredError: members_mean,
    }
    replaces = tuple(functions)


class NumpyCalibrators(NumpyTranslation):
    """Calibrators that change predictions, or give intervals or sets."""

    functions: ClassVar[Any] = {Temperature: temperature}
    replaces = (Temperature, Threshold, Conformal)

    def translate(self, component: Any, site: TranslationSite) -> tuple[Any, ...]:
        """Write the predictions, both bounds, or the sets."""
        if site.method == "apply":
            return super().translate(component, site)
        if site.method == "sets":
            options = {"limit": site.state["limit"], "method": component.method}
            return (site.writer.call(conformal_sets, site.name, *site.inputs, **options),)
        options = {**site.state, "scale": component.scale, "shift": component.shift}
        return tuple(
            site.writer.call(interval, f"{site.name}.{name}", *site.inputs, **options, side=side)
            for name, side in (("lower", -1), ("upper", 1))
        )
