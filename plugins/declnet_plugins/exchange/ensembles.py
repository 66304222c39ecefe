"""The predictions of several networks as one, recorded like what a component computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet import Array, Dtype, Shape
from declnet_plugins.exchange.recorded import write_recorded
from declnet_plugins.exchange.translation import TranslationSite


def mean_of(weights: Sequence[float], dtype: Dtype) -> Callable[..., Array]:
    """Return a function that computes the weighted mean of several arrays, in a type."""

    def mean(*arguments: Any) -> Array:
        first, *others = (
            part * weight for part, weight in zip(arguments[:-1], weights, strict=True)
        )
        total: Array = np.asanyarray(sum(others, first)).astype(dtype)
        return total

    return mean


def median(*arguments: Any) -> Array:
    """Return the median of several arrays, which pairs of minima and maxima sort."""
    parts = list(arguments[:-1])
    for end in range(len(parts) - 1, 0, -1):
        for at in range(end):
            low, high = parts[at : at + 2]
            parts[at : at + 2] = np.minimum(low, high), np.maximum(low, high)
    middle: Array = (parts[(len(parts) - 1) // 2] + parts[len(parts) // 2]) * 0.5
    return middle


def majority(*arguments: Any) -> Array:
    """Return the classes that more than half of several sets have."""
    first, *others = (part * 2 for part in arguments[:-1])
    classes: Array = sum(others, first) > len(arguments) - 1
    return classes


def combined(
    name: str, function: Callable[..., Array], handles: Sequence[Any], shape: Shape, writer: Any
) -> Any:
    """Write what a function makes of several networks' results of one shape."""
    kind: Any = "boolean" if function is majority else "number"
    site = TranslationSite(
        name=name,
        inputs=tuple(handles),
        input_shapes=(shape,) * len(handles),
        input_types=(kind,) * len(handles),
        output_shape=shape,
        output_type=kind,
        method="apply",
        dtype=np.dtype(float),
        writer=writer,
    )
    (handle,) = write_recorded(function, site)
    return handle
