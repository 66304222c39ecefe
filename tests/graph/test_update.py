from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.update import FLUSH_EVERY, SLICE, Update
from declnet_optimizers import SGD, Adagrad, Adam, RMSProp

OPTIMIZERS = [SGD(momentum=0.9), Adagrad(), RMSProp(), Adam()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_slices_give_what_every_part_gives_alone(optimizer):
    rng = np.random.default_rng(0)
    size = SLICE + 1000
    start, gradients = rng.normal(size=size), rng.normal(size=(3, size))
    whole, parts = start.copy(), start.copy()
    gradient = np.empty(size)
    update = Update(optimizer, whole, gradient, 100)
    for step, dw in enumerate(gradients, start=1):
        gradient[:] = dw
        update(step)
    for cut in (slice(0, 500), slice(500, SLICE), slice(SLICE, size)):
        gradient = np.empty(size)[cut]
        update = Update(optimizer, parts[cut], gradient, 100)
        for step, dw in enumerate(gradients, start=1):
            gradient[:] = dw[cut]
            update(step)
    assert (whole == parts).all()


def test_the_rate_of_the_step_is_returned_and_applied():
    w, dw = np.zeros(3), np.ones(3)
    update = Update(SGD(learning_rate=1.0, decay=1.0), w, dw, 100)
    assert update(1) == 1.0
    dw[:] = 1
    assert update(2) == 0.5
    assert w.tolist() == [-1.5] * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_that_decayed_into_denormals_become_zero(dtype):
    tiny = np.finfo(dtype).tiny
    w, dw = np.zeros(4, dtype), np.zeros(4, dtype)
    update = Update(Adam(), w, dw, 100)
    update.state["momentum"][:] = [tiny / 8, -tiny / 8, 4.0 * tiny, 1.0]
    kept = update.state["momentum"][2:].copy()
    update(FLUSH_EVERY)
    found = update.state["momentum"]
    assert found[:2].tolist() == [0, 0]
    np.testing.assert_allclose(found[2:], kept * np.dtype(dtype).type(0.9), rtol=1e-6)


def test_a_model_without_parameters_is_updated_too():
    assert Update(Adam(), np.zeros(0), np.zeros(0), 100)(FLUSH_EVERY) == 0.001


def test_a_scale_multiplies_the_rates_of_the_schedule():
    w, dw = np.zeros(3), np.ones(3)
    update = Update(SGD(learning_rate=1.0, decay=1.0), w, dw, 100)
    update.scale = 0.25
    assert update(1) == 0.25
    dw[:] = 1
    assert update(2) == 0.125
    assert w.tolist() == [-0.375] * 3
    update.scale = 1.0
    assert update(3) == 1 / 3
