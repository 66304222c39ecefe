"""Gradients of layers, compared with differences at samples of many sizes and at likely kinks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from declnet import Array, Layer
from declnet.testing.checking import Subject
from declnet.testing.comparison import require_gradient
from declnet.testing.grid import SCALES, VALUES
from declnet.testing.layer_harness import LayerHarness, batch_of, names_of_dx
from declnet.testing.trial import USUAL, Batch

FEW = 3
"""Samples for gradients of a layer that mixes them."""

EXACT, KINKS = 9, ("zeros", "ones", "integers")
"""Samples at likely kinks, and the values that they hold."""

AT_KINKS = 1.0
"""The size of these samples, which is none of `SCALES`."""

DRAWS = 2
"""Random directions for the gradient of a sum over samples."""


def require_gradients(
    subject: Subject, shape: Any, *, parameters: bool = False, frozen: bool = False
) -> bool:
    """Compare gradients by all inputs, or by all parameters; return whether there are any.

    Each sample is of another size, and some are at kinks. A layer that mixes samples gets few, all
    of one size. Where samples are not told apart, there are several random directions.
    """
    layer: Layer = subject.instance
    by_sample = not (parameters or layer.mixes_samples)
    for seed in range(1 if by_sample else DRAWS):
        samples = FEW if layer.mixes_samples else len(SCALES) + EXACT
        harness = LayerHarness(subject, shape, USUAL.but(samples=samples, seed=seed), frozen=frozen)
        names: dict[str, Any] = {f"grad.{name}": name for name in harness.trainable}
        if not parameters:
            dx = names_of_dx(layer, shape)
            names = {dx[position]: position for position in harness.floats}
        if not names:
            return False
        batch, sizes = _at_every_scale(subject, harness, seed, samples)
        filled, rng = harness.run(batch), np.random.default_rng([seed, 99])
        for name, by in names.items():
            point = harness.initial[by] if parameters else batch.x[by]
            direction = rng.normal(size=point.shape)
            if not parameters:
                direction *= sizes.reshape(-1, *[1] * (point.ndim - 1))
                for row in np.flatnonzero(sizes == AT_KINKS):  # where one number changes
                    at = rng.integers(direction[row].size)
                    direction[row].flat[np.arange(direction[row].size) != at] = 0
            function = partial(_weighted_sum, harness, batch, by, by_sample)
            where = f"{name} for input shape {shape}{', while frozen' if frozen else ''}"
            require_gradient(function, point, filled[name], direction, where)
    return True


def _at_every_scale(
    subject: Subject, harness: LayerHarness, seed: int, samples: int
) -> tuple[Batch, Array]:
    """Return samples of many sizes, the last ones at kinks, or all of one size; and the sizes."""
    batch, sizes = batch_of(subject, harness, seed, samples), np.ones(samples)
    if batch.is_bounded:
        return batch, sizes
    if subject.instance.mixes_samples:
        sizes[:] = 10.0 ** (seed % 2)
    else:
        sizes[:] = [*SCALES, *np.full(samples - len(SCALES), AT_KINKS)]

    def resized(x: Array) -> Array:
        x = x * sizes.reshape(-1, *[1] * (x.ndim - 1))
        for row in np.flatnonzero(sizes == AT_KINKS):
            x[row] = VALUES[KINKS[row % len(KINKS)]](x[row])
        return x

    x = tuple(resized(x) if i in harness.floats else x for i, x in enumerate(batch.x))
    dy = batch.y.copy()
    dy[sizes == AT_KINKS] = np.abs(dy[sizes == AT_KINKS])  # so that maxima have one-sided slopes
    return replace(batch, x=x, y=dy), sizes


def _weighted_sum(
    harness: LayerHarness, batch: Batch, by: int | str, by_sample: bool, values: Array
) -> tuple[Array, Array]:
    """Return the sum of the outputs, weighted by dy, for other values of an input or parameter."""
    if isinstance(by, str):
        before, harness.initial[by] = harness.initial[by], values
        harness.begin(batch)
        harness.initial[by] = before
    else:
        harness.begin(batch.with_x(*batch.x[:by], values, *batch.x[by + 1 :]))
    terms = (harness.forward() * batch.y).reshape(len(batch.y) if by_sample else 1, -1)
    return terms.sum(axis=1), np.abs(terms).sum(axis=1)
