"""Gradient clipping, and updates of the whole vector, of slices and of groups."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.graph.update import FLUSH_EVERY, SLICE, Update, VectorUpdate, clippings
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.optimizers.adagrad import Adagrad, RMSProp
from declnet_plugins.standard.optimizers.adam import Adam, AdamW
from declnet_plugins.standard.optimizers.sgd import SGD


@pytest.mark.parametrize(
    ("gradient", "limits", "expected"),
    [
        ([3.0, 4.0], {"norm": 1.0}, [0.6, 0.8]),
        ([0.3, 0.4], {"norm": 0.5}, [0.3, 0.4]),
        ([-3.0, 0.5, 4.0], {"value": 1.0}, [-1.0, 0.5, 1.0]),
        (
            [30.0, 1.0],
            {"value": 1.0, "norm": 1.0},
            [0.5**0.5] * 2,
        ),  # the norm after clipping by value
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_is_clipped_by_value_then_by_norm(gradient, limits, expected, dtype):
    clipped = np.array(gradient, dtype)
    for clip in clippings(limits.get("norm"), limits.get("value")):
        clip(clipped)()
    assert clipped.dtype == dtype
    np.testing.assert_allclose(clipped, np.array(expected, dtype), rtol=2 * np.finfo(dtype).eps)


OPTIMIZERS = [SGD(momentum=0.9), Adagrad(), RMSProp(), Adam()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_updates_in_slices_equal_updates_of_each_part(optimizer):
    rng = np.random.default_rng(0)
    size = SLICE + 1000
    start, gradients = rng.normal(size=size), rng.normal(size=(3, size))
    whole, parts = start.copy(), start.copy()
    gradient = np.empty(size)
    update = VectorUpdate(optimizer, whole, gradient, 100)
    for step, dw in enumerate(gradients, start=1):
        gradient[:] = dw
        update.apply(optimizer.rate(step, 100), step)
    for cut in (slice(0, 500), slice(500, SLICE), slice(SLICE, size)):
        gradient = np.empty(size)[cut]
        update = VectorUpdate(optimizer, parts[cut], gradient, 100)
        for step, dw in enumerate(gradients, start=1):
            gradient[:] = dw[cut]
            update.apply(optimizer.rate(step, 100), step)
    assert (whole == parts).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_denormal_moments_become_zero(dtype):
    tiny = np.finfo(dtype).tiny
    w, dw = np.zeros(4, dtype), np.zeros(4, dtype)
    update = VectorUpdate(Adam(), w, dw, 100)
    update.state["momentum"][:] = [tiny / 8, -tiny / 8, 4.0 * tiny, 1.0]
    before = update.state["momentum"][2:].copy()
    update.apply(0.001, FLUSH_EVERY)
    momentum = update.state["momentum"]
    assert momentum[:2].tolist() == [0, 0]
    np.testing.assert_allclose(momentum[2:], before * np.dtype(dtype).type(0.9), rtol=1e-6)


def grouped(make_groups, **fields):
    """Return an optimizer with groups, bound to a model of two layers, and the model's arrays."""
    optimizer = AdamW(**fields, groups=make_groups)
    layers = infer_network((Dense(units=3), Dense(units=2)), (2,))
    store = Model(layers, "float64", optimizer.groups).store
    rng = np.random.default_rng(4)
    store.vector[:] = rng.normal(size=len(store.vector))
    gradient = np.zeros_like(store.vector)
    return optimizer, store, gradient, rng.normal(size=(5, len(gradient)))


def test_each_group_is_updated_by_its_optimizer_and_the_last_match_wins():
    optimizer, store, gradient, slopes = grouped(
        [
            {"parameters": ["dense_?.biases", "dense_1.weights"], "weight_decay": 0.5},
            {"parameters": ["*_2.biases"], "type": "sgd", "learning_rate": 0.3, "momentum": 0.9},
        ],
        learning_rate=0.01,
        weight_decay=0.1,
    )
    assert [slot.key for slot in sorted(store.slots, key=lambda slot: slot.offset)] == [
        "dense_2.weights",
        "dense_1.weights",
        "dense_1.biases",
        "dense_2.biases",
    ]
    weights, *_, biases = sorted(store.slots, key=lambda slot: slot.offset)
    parts = (
        (slice(weights.size), AdamW(learning_rate=0.01, weight_decay=0.1)),
        (slice(weights.size, biases.offset), AdamW(learning_rate=0.01, weight_decay=0.5)),
        (slice(biases.offset, None), SGD(learning_rate=0.3, momentum=0.9)),
    )
    expected = store.vector.copy()
    for part, alone in parts:
        dw = np.empty_like(expected[part])
        update = VectorUpdate(alone, expected[part], dw, 5)
        for step, slope in enumerate(slopes, start=1):
            dw[:] = slope[part]
            update.apply(alone.rate(step, 5), step)
    update = Update(optimizer, store, gradient, 5)
    for step, slope in enumerate(slopes, start=1):
        gradient[:] = slope
        assert update(step) == 0.01
    assert store.vector.tobytes() == expected.tobytes()
    assert update.state["dense_2.biases:velocity"].shape == (2,)


def test_a_factor_applies_to_schedules_and_rates_scaled_by_callbacks():
    rate = {"type": "step", "initial_rate": 1.0, "factor": 0.5, "every": 1}
    optimizer, store, gradient, _ = grouped(
        [{"parameters": ["*.biases"], "type": "sgd", "learning_rate_factor": 0.1}],
        learning_rate=rate,
    )
    before = store.arrays["dense_2.biases"].copy()
    update = Update(optimizer, store, gradient, 5)
    update.scale = 0.25
    moved = 0.0
    for step in (1, 2, 3):
        gradient[:] = 1
        assert update(step) == 0.25 * 0.5 ** (step - 1)
        moved += 0.1 * 0.25 * 0.5 ** (step - 1)
    np.testing.assert_allclose(before - store.arrays["dense_2.biases"], moved, rtol=1e-14)


def test_the_gradient_of_all_groups_is_clipped_together():
    optimizer, store, gradient, slopes = grouped(
        [{"parameters": ["dense_1.*"], "type": "sgd", "learning_rate": 1.0}]
    )
    before = {key: array.copy() for key, array in store.arrays.items()}
    gradient[:] = slopes[0]
    Update(optimizer, store, gradient, 5, clippings=clippings(0.5, None))(1)
    slot = next(slot for slot in store.slots if slot.key == "dense_1.weights")
    expected = slopes[0] * 0.5 / np.linalg.norm(slopes[0])
    np.testing.assert_allclose(
        (before["dense_1.weights"] - store.arrays["dense_1.weights"]).ravel(),
        expected[slot.offset : slot.offset + slot.size],
        rtol=1e-12,
    )
