"""Gradients compared with differences at numbers of many sizes, at kinks, and where they jump."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from declnet import Array, Layer
from declnet.testing.checking import Subject
from declnet.testing.comparison import require_gradient
from declnet.testing.layer_harness import LayerHarness, harness_for, names_of_dx
from declnet.testing.trial import SCALES, USUAL, VALUES, Batch

Evaluate = Callable[[Array], tuple[Array, Array, Callable[[], Array]]]
"""Returns for a point the value of each row, the size of its terms, and the gradient if asked."""

FEW = 3
"""Samples for gradients of a layer that mixes them."""

EXACT, KINKS = 9, ("zeros", "ones", "integers")
"""Samples at likely kinks, and the values that they hold."""

DRAWS = 2
"""Random directions for the gradient of a sum over samples."""

HALVINGS, DIGITS = 14, 4
"""How closely a jump is located, and how the numbers there are rounded, to hit it exactly."""


def require_gradient_along(
    evaluate: Evaluate, point: Array, end: Array | None, direction: Array, what: str
) -> None:
    """Compare a gradient with differences at a point, and where it jumps on the way to an end.

    Raises CheckFailed if it is wrong, see `require_gradient`.
    """
    places = [point] if end is None else [point, _roughest(evaluate, point, end).round(DIGITS)]
    for place in places:
        gradient = evaluate(place)[2]()
        require_gradient(lambda x: evaluate(x)[:2], place, gradient, direction, what)


def _roughest(evaluate: Evaluate, start: Array, end: Array) -> Array:
    """Return for each row where between two points the gradient explains the values least.

    That is a kink, a narrow branch with a wrong gradient, or else where it bends most.
    """

    def measure(point: Array) -> Array:
        value, _, gradient = evaluate(point)
        return np.stack([value, (gradient() * way).reshape(len(value), -1).sum(axis=1)])

    def unexplained(low: Array, high: Array) -> Array:
        missing: Array = np.abs(high[0] - low[0] - width / 2 * (low[1] + high[1]))
        return missing

    way, width, position = end - start, 1.0, np.zeros(1)
    low, high = measure(start), measure(end)
    for _ in range(HALVINGS):
        width /= 2
        middle = measure(start + in_rows(position + width, way))
        right = unexplained(middle, high) > unexplained(low, middle)
        position = position + width * right
        low, high = np.where(right, middle, low), np.where(right, high, middle)
    return start + in_rows(position + width / 2, way)


def in_rows(factors: Array, x: Array) -> Array:
    """Return x with each row multiplied by its factor."""
    product: Array = x * factors.reshape(-1, *[1] * (x.ndim - 1))
    return product


def require_gradients(
    subject: Subject, shape: Any, note: str = "", *, parameters: bool = False, frozen: bool = False
) -> dict[str, bool]:
    """Compare a layer's gradients by all inputs, or by all parameters.

    Each sample is of another size, and some are at kinks. A layer that mixes samples gets few, all
    of one size. Where samples are not told apart, there are several random directions. Words about
    other fields, in `note`, mean that only the formula may differ: kinks are not searched.

    Returns:
        Whether each gradient is anywhere not 0, by what it belongs to.
    """
    layer: Layer = subject.instance
    by_sample = not (parameters or layer.mixes_samples)
    samples = FEW if layer.mixes_samples else len(SCALES) + EXACT
    harness = harness_for(subject, shape, USUAL.but(samples=samples), frozen=frozen)
    dx = names_of_dx(layer, shape)
    names: dict[Any, str] = {position: dx[position] for position in harness.floats}
    if parameters:
        names = {name: f"grad.{name}" for name in harness.trainable}
    slopes = dict.fromkeys(names, False)
    for seed in range(1 if by_sample or note else DRAWS):
        batch, sizes, exact = _at_every_scale(harness, layer.mixes_samples, seed, samples)
        other, rng = harness.batch(DRAWS, samples), np.random.default_rng([seed, 99])
        for by, name in names.items():
            evaluate = partial(_evaluate, harness, batch, by, name, by_sample)
            where = f"{name} for input shape {shape}{note}{', while frozen' if frozen else ''}"
            point = harness.initial[by] if parameters else batch.x[by]
            direction, end = rng.normal(size=point.shape), None
            if parameters:
                slopes[by] |= bool(evaluate(point)[2]().any())
            else:
                direction = in_rows(sizes, direction)
                end = None if note else in_rows(sizes, other.x[by])
            for row in () if parameters else exact:  # where one number changes
                at = rng.integers(direction[row].size)
                direction[row].flat[np.arange(direction[row].size) != at] = 0
            require_gradient_along(evaluate, point, end, direction, where)
    return slopes


def _evaluate(
    harness: LayerHarness, batch: Batch, by: Any, name: str, by_sample: bool, values: Array
) -> tuple[Array, Array, Callable[[], Array]]:
    """Return the sum of the outputs, weighted by dy, for other values of an input or parameter."""
    if isinstance(by, str):
        harness.begin(batch, parameters={by: values})
    else:
        harness.begin(batch.with_x(*batch.x[:by], values, *batch.x[by + 1 :]))
    terms = (harness.forward() * batch.y).reshape(len(batch.y) if by_sample else 1, -1)
    return terms.sum(axis=1), np.abs(terms).sum(axis=1), lambda: harness.backward()[name]


def _at_every_scale(
    harness: LayerHarness, is_mixed: bool, seed: int, samples: int
) -> tuple[Batch, Array, Array]:
    """Return samples, their sizes, and the positions of those at kinks.

    The sizes are many where samples and numbers may be of any size, else one.
    """
    batch, exact = harness.batch(seed, samples), np.arange(0)
    sizes = np.full(samples, 1.0 if batch.is_bounded else 10.0**seed)
    if not (batch.is_bounded or is_mixed):
        sizes, exact = np.append(SCALES, np.ones(EXACT)), np.arange(len(SCALES), samples)
    x = [in_rows(sizes, x) if i in harness.floats else x for i, x in enumerate(batch.x)]
    for i, row in product(harness.floats, exact):
        x[i][row] = VALUES[KINKS[row % len(KINKS)]](x[i][row])
    batch.y[exact] = np.abs(batch.y[exact])  # so that maxima have one-sided slopes
    return batch.with_x(*x), sizes, exact
