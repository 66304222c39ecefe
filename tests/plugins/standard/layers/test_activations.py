"""Activations: values, slopes and limits, and what all of them and dropout have in common."""

from __future__ import annotations

import tracemalloc
from math import e, exp, inf, log, log1p, nan, tanh

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_plugins.standard.layers import (
    ELU,
    GELU,
    SELU,
    Dropout,
    HardSigmoid,
    LeakyReLU,
    Linear,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.activations import ALPHA, SCALE

from ....plain_arrays import LayerRun

ACTIVATIONS = (
    ReLU(),
    Linear(),
    Sigmoid(),
    Tanh(),
    LeakyReLU(),
    ELU(),
    ELU(alpha=0.5),
    SELU(),
    GELU(),
    GELU(approximation="tanh"),
    SiLU(),
    Mish(),
    Softplus(),
    Softplus(beta=2.0),
    HardSigmoid(),
    PReLU(),
    PReLU(shared=True),
)
LAYERS = (*ACTIVATIONS, Dropout(rate=0.3))

SIZES = np.array([0.0, 1e-30, 1e-4, 0.5, 3.0, 8.0, 19.0, 40.0, 88.0, 104.0, 709.0, 746.0, 1e4])
EXTREME = np.concatenate([SIZES, -SIZES])

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.type)
each_activation = pytest.mark.parametrize("layer", ACTIVATIONS, ids=lambda layer: layer.type)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def passed(layer, x, dy=None):
    x = np.array(x)
    filled = LayerRun(layer, x.shape[1:], len(x)).run(x, dy)
    return filled["y"], filled["dx"]


@pytest.mark.parametrize(
    ("layer", "x", "y", "slopes"),
    [
        (Linear(), [1.0, -2.0], [1, -2], [1, 1]),
        (ReLU(), [-2.0, -0.0, 0.0, 3.0], [0, 0, 0, 3], [0, 0, 0, 1]),
        (ReLU(), [nan, -inf, inf, 1.0], [nan, 0, inf, 1], [0, 0, 1, 1]),
        (LeakyReLU(negative_slope=0.25), [-2.0, -0.0, 3.0], [-0.5, 0, 3], [0.25, 0.25, 1]),
        *(
            (
                ELU(alpha=a),
                [-1e4, -1e-12, 0.0, 1e-12, 5.0],
                [-a, tiny, 0, 1e-12, 5],
                [0, a, a, 1, 1],
            )
            for a, tiny in ((0.5, -5e-13), (1.0, -1e-12), (2.0, -2e-12))
        ),
        (SELU(), [-1e4, 0.0, 2.0], [-SCALE * ALPHA, 0, 2 * SCALE], [0, SCALE * ALPHA, SCALE]),
        (
            Sigmoid(),
            [-700.0, -30.0, -1.0, 0.0, 1.0],
            [exp(-700), exp(-30) / (1 + exp(-30)), 1 / (1 + e), 0.5, e / (1 + e)],
            [exp(-700), exp(-30) / (1 + exp(-30)) ** 2, e / (1 + e) ** 2, 0.25, e / (1 + e) ** 2],
        ),
        (Sigmoid(), [30.0, 1e4], [1 / (1 + exp(-30)), 1], None),
        (HardSigmoid(), [-1e4, -3.0, 0.0, 3.0, 1e4], [0, 0, 0.5, 1, 1], [0, 0, 1 / 6, 0, 0]),
        (HardSigmoid(), [-2.99, 2.99], [0.01 / 6, 5.99 / 6], [1 / 6, 1 / 6]),
        (Tanh(), [-1e4, 0.0, 1e4], [-1, 0, 1], [0, 1, 0]),
        (SiLU(), [-12345.678, 12345.678], [0, 12345.678], [0, 1]),
        *(
            (
                Softplus(beta=beta),
                [-300.0, 0.0, 21.0, 1e4],
                [exp(-300 * beta) / beta, log(2) / beta, 21 + exp(-21 * beta) / beta, 1e4],
                [exp(-300 * beta), 0.5, 1 / (1 + exp(-21 * beta)), 1],
            )
            for beta in (1.0, 2.0)
        ),
    ],
    ids=lambda each: getattr(each, "type", None),
)
def test_values_and_slopes_at_kinks_and_ends(layer, x, y, slopes):
    dy = np.arange(2.0, 2 + len(x))  # not 1, which hides how dy and the slope are combined
    found = passed(layer, [x], np.array([dy]))
    np.testing.assert_allclose(found[0], [y], rtol=1e-11 if layer.type == "elu" else 1e-13)
    if slopes is not None:
        expected = [dy * slopes]
        np.testing.assert_allclose(found[1], expected, rtol=1e-11 if layer.type == "elu" else 1e-13)


def test_the_smallest_value_of_silu_is_where_its_gradient_vanishes():
    y, dx = passed(SiLU(), [[-1.2784645427610738]])
    np.testing.assert_allclose(y, -0.2784645427610738, rtol=1e-14)
    np.testing.assert_allclose(dx, 0, atol=1e-15)


def test_mish_is_x_times_the_tanh_of_softplus():
    x = np.array([[-12345.678, -3.0, -1.2, 0.0, 1.0, 20.0, 12345.678]])
    y, slopes = passed(Mish(), x)
    expected = [each * tanh(log1p(exp(each))) for each in x[0, :-1]]
    np.testing.assert_allclose(y, [[*expected, 12345.678]], rtol=1e-14)
    ahead, behind = (passed(Mish(), x + step)[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(slopes, (ahead - behind) / 2e-6, atol=1e-6)


def test_selu_keeps_mean_0_and_variance_1():
    y, _ = passed(SELU(), np.random.default_rng(0).normal(size=(400_000, 1)))
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (ELU, {"alpha": -0.5}),
        (GELU, {"approximation": "erf"}),
        (LeakyReLU, {"negative_slope": -0.1}),  # would hide the sign of x
        (LeakyReLU, {"negative_slope": 1.5}),
        (Softplus, {"beta": 0.0}),
    ],
)
def test_fields_out_of_range_are_refused(cls, fields):
    with pytest.raises(ValidationError):
        cls(**fields)


def test_softmax_and_its_gradient_through_a_loss_are_golden(golden_components):
    dy = golden_components["cross_entropy_gradient"]
    y, dx = passed(Softmax(), golden_components["logits"], dy)
    np.testing.assert_allclose(y, golden_components["softmax"], rtol=1e-12)
    expected = golden_components["softmax_cross_entropy_gradient"]
    np.testing.assert_allclose(dx, expected, rtol=1e-7, atol=1e-12)


def test_large_logits_do_not_overflow():
    assert passed(Softmax(), [[1000.0, 1000.0, -1000.0]])[0].tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize("shape", [(), (3, 4, 4)])
def test_softmax_of_images_is_refused(shape):
    with pytest.raises(ValueError, match="put a flatten and a dense before it"):
        Softmax().output_shape(shape)


@each_dtype
@each_activation
def test_extreme_inputs_give_finite_numbers_without_a_warning(layer, dtype):
    run = LayerRun(layer, (2,), 13, dtype=dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = run.run(EXTREME.reshape(13, 2))
    for name, array in found.items():
        assert np.isfinite(array).all(), name


@each_activation
def test_float32_is_right_to_six_digits(layer):
    x = np.linspace(-15, 15, 3001).astype("float32")[:, None]
    rough = LayerRun(layer, (1,), 3001, dtype="float32").run(x)
    exact = LayerRun(layer, (1,), 3001).run(x)
    for name in ("y", "dx"):
        np.testing.assert_allclose(rough[name], exact[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@each_layer
def test_nan_comes_out_as_nan_and_touches_nothing_else(layer, training):
    x = np.ones((4, 3))
    x[1, 2] = np.nan
    run = LayerRun(layer, (3,), 4)
    run.place(x, x, training=training)
    np.testing.assert_array_equal(np.isnan(run.forward()), np.isnan(x))


@each_dtype
@each_layer
def test_nothing_is_allocated_in_the_loop(layer, dtype):
    n = 20_000
    run = LayerRun(layer, (8,), n, dtype=dtype)
    rng = np.random.default_rng(0)
    run.place(rng.normal(size=(n, 8)), rng.normal(size=(n, 8)))
    needs = layer.backward_needs
    x, y = run.x if "x" in needs else None, run.y if "y" in needs else None

    def step():
        layer.forward(run.x, run.y, run.state)
        layer.backward(x, y, run.dy, run.dx, run.state)

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # NumPy's own chunks for a change of type; the arrays have 640 000 up


@each_layer
def test_samples_of_one_number_are_accepted(layer):
    found = LayerRun(layer, (), 5).run(np.linspace(-2, 2, 5))
    assert found["y"].shape == found["dx"].shape == (5,)
    assert np.isfinite(found["y"]).all()
