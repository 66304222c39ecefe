"""Whether a layer is random in training."""

from __future__ import annotations

import numpy as np

from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import working_shapes
from declnet.testing.benches.layer_values import SAMPLES, data_for
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject


def draws_at_random(subject: Subject) -> bool:
    """Whether a training pass depends on the layer's random stream, as in dropout."""

    def find() -> bool:
        for shape in working_shapes(subject):
            found = []
            for seed in (0, 1, 2):
                bench = LayerBench(subject, shape, USUAL.but(capacity=SAMPLES, seed=seed))
                bench.place(data_for(subject, bench))
                found.append(bench.forward())
            if any(not np.array_equal(found[0], other, equal_nan=True) for other in found[1:]):
                return True
        return False

    return subject.once("draws at random", find)
