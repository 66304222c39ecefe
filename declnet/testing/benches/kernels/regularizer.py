"""A kernel of a regularizer beside the regularizer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from declnet.testing.benches.kernels.comparison import Comparison, components
from declnet.testing.benches.plain_benches import PARAMETER_SHAPES, weights
from declnet.testing.failures import calling
from declnet.testing.subjects import Subject


def of_regularizer(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    """Each setting; None where the kernel leaves it out."""
    (regularizer,) = components(subject)
    for dtype, shape in product(("float32", "float64"), PARAMETER_SHAPES):
        w = weights(shape).astype(dtype)
        w.flat[0] = 0 if special is None else special
        before = np.random.default_rng(37).normal(size=shape).astype(dtype)
        apart = before.copy()
        regularizer.add_gradient(w, apart)
        found, handed = [], w.copy()
        for _ in range(2):
            dw = before.copy()
            with calling("bind"):
                calls = subject.instance.bind(handed, dw)
            if calls is None:
                break
            for call in calls:
                call()
            found.append({"dw": dw})
        if len(found) < 2:
            yield None
            continue
        changed = [] if np.array_equal(handed, w, equal_nan=True) else ["w"]
        label = f"w of shape {shape}, {dtype}"
        yield Comparison(label, dtype, {"dw": apart}, found[0], found[1], changed)
