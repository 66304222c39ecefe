"""A kernel of an optimizer beside the optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.state import OptimizerState
from declnet.testing.benches.kernels.comparison import Comparison, components
from declnet.testing.benches.optimizer_bench import RATE, OptimizerBench
from declnet.testing.failures import calling
from declnet.testing.subjects import Subject

VECTORS = (1, 13, 1000)
"""Sizes of parameter vectors."""


def of_optimizer(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    """Each setting; None where the kernel leaves it out."""
    (optimizer,) = components(subject)
    for dtype, size in product(("float32", "float64"), VECTORS):
        rng = np.random.default_rng(size)
        w = rng.normal(size=size).astype(dtype)
        slopes = rng.normal(size=(6, size)).astype(dtype)
        slopes[3:, 0] = 0 if special is None else special
        bench = OptimizerBench(optimizer, w)
        bench.run(slopes)
        apart = {"w": bench.w, **bench.state}
        found = [_updated(subject, optimizer, w, slopes) for _ in range(2)]
        if found[0] is None or found[1] is None:
            yield None
        else:
            yield Comparison(f"{size} parameters, {dtype}", dtype, apart, found[0], found[1])


def _updated(subject: Subject, optimizer: Any, w: Array, slopes: Array) -> dict[str, Array] | None:
    w, dw = w.copy(), np.empty_like(w)
    state = OptimizerState((w[:0], w[:0]))
    arrays = {name: np.zeros_like(w) for name in optimizer.state_names()}
    for name, array in arrays.items():
        setattr(state, name, array)
    with calling("bind"):
        update = subject.instance.bind(w, dw, state)
    if update is None:
        return None
    for step, slope in enumerate(slopes, start=1):
        dw[...] = slope
        with calling("the update"):
            update(RATE, step)
    return {"w": w, **arrays}
