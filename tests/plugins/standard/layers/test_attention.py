"""Attention and positions: hidden steps, and values from the paper."""

from __future__ import annotations

from math import cos, sin

import numpy as np
import pytest

import declnet
from declnet import InputInfo

RNG = np.random.default_rng(29)


def model_of(layer, inputs):
    spec = declnet.ModelSpec.model_validate({"dtype": "float64", "layers": [layer]})
    return declnet.build_model(spec, inputs)


def test_cross_attention_depends_only_on_steps_within_the_length():
    inputs = {
        "x": InputInfo((3, 4)),
        "other": InputInfo((5, 2)),
        "lengths": InputInfo((1,), "integer"),
    }
    names = [f"input.{name}" for name in inputs]
    model = model_of({"type": "cross_attention", "heads": 2, "inputs": names}, inputs)
    arguments = {
        "x": RNG.normal(size=(2, 3, 4)),
        "other": RNG.normal(size=(2, 5, 2)),
        "lengths": np.array([[3], [0]]),
    }
    y = model.predict(arguments)
    arguments["other"][0, 3:] = 9
    arguments["other"][1] = -7
    np.testing.assert_array_equal(model.predict(arguments), y)
    biases = model.parameters()["cross_attention_1.output_biases"]
    np.testing.assert_array_equal(y[1], np.broadcast_to(biases, (3, 4)))  # nothing to attend to


@pytest.mark.parametrize("features", [4, 5])
def test_sinusoidal_positions_match_the_paper(features):
    layer = {"type": "positional_encoding"}
    model, x = model_of(layer, (6, features)), RNG.normal(size=(2, 6, features))
    p = [
        [(cos if k % 2 else sin)(t / 10000 ** ((k - k % 2) / features)) for k in range(features)]
        for t in range(6)
    ]
    np.testing.assert_allclose(model.predict(x), x + np.array(p), rtol=0, atol=1e-14)
