"""Clipping the flat gradient, by value and by norm."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.update import FLUSH_EVERY, SLICE, Update, clippings
from declnet_standard.optimizers import SGD, Adagrad, Adam, RMSProp


@pytest.mark.parametrize(
    ("gradient", "limits", "expected"),
    [
        ([3.0, 4.0], {"norm": 1.0}, [0.6, 0.8]),
        ([0.3, 0.4], {"norm": 0.5}, [0.3, 0.4]),
        ([-3.0, 0.5, 4.0], {"value": 1.0}, [-1.0, 0.5, 1.0]),
        ([30.0, 1.0], {"value": 1.0, "norm": 1.0}, [0.5**0.5] * 2),  # the norm of what is left
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_is_clipped_by_value_then_by_norm(gradient, limits, expected, dtype):
    found = np.array(gradient, dtype)
    for clip in clippings(limits.get("norm"), limits.get("value")):
        clip(found)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.array(expected, dtype), rtol=2 * np.finfo(dtype).eps)


def test_nothing_is_done_without_limits():
    assert clippings(None, None) == ()


def test_an_update_takes_the_clipped_gradient():
    w, dw = np.zeros(2), np.array([3.0, 4.0])
    Update(SGD(learning_rate=1.0), w, dw, 100, clippings(1.0, None))(1)
    np.testing.assert_allclose(w, [-0.6, -0.8], rtol=1e-15)


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
