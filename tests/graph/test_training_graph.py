"""Gradients of the training graph against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.graph.kernels import Kernels
from declnet.graph.training_graph import TrainingGraph
from declnet.spec.heads import Head

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))


@given(data=st.data())
def test_gradients_equal_central_differences(dags, toys, make_model, registry, data):
    drawn = dags(smooth=True, most=6, orders=data.draw(st.booleans()), changed=True)
    model = make_model(data.draw(drawn))
    graph = TrainingGraph(model, [Head("", toys.HalfSquares())], 7, 0, Kernels(registry))
    x = np.full_like(X, np.nan)
    step = graph.step({"": x}, [Y])
    step.run()  # fills all memory with NaN, which a read before a write would show
    x[...] = X / 2
    step.run()
    exact, vector, h = graph.gradient.copy(), model.store.vector, 1e-6
    for position, start in enumerate(vector.tolist()):
        vector[position] = start + h
        above = step.run()
        vector[position] = start - h
        slope = (above - step.run()) / (2 * h)
        vector[position] = start
        assert slope == pytest.approx(exact[position], rel=1e-4, abs=1e-6)
