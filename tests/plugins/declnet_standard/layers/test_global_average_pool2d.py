"""global_average_pool2d: a mean a channel, and its gradient spread evenly."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import SpecError
from declnet_standard.layers import GlobalAveragePool2d

X = np.random.default_rng(4).normal(3, 1, size=(5, 2, 4, 3))


def built(shape):
    layers = ["global_average_pool2d"]
    return declnet.build_model(declnet.ModelSpec.model_validate({"layers": layers}), shape)


def test_each_channel_gives_its_mean(state_of):
    y = np.full((5, 2), np.nan)
    GlobalAveragePool2d().forward(X, y, state_of(GlobalAveragePool2d(), (2, 4, 3), 5))
    expected = [[sum(channel.ravel().tolist()) / 12 for channel in sample] for sample in X]
    np.testing.assert_allclose(y, expected, rtol=1e-14)


def test_each_place_gets_an_equal_share_of_the_gradient(state_of):
    dy, dx = np.arange(10.0).reshape(5, 2), np.full_like(X, np.nan)
    state = state_of(GlobalAveragePool2d(), (2, 4, 3), 5)
    GlobalAveragePool2d().backward(None, None, dy, dx, state)
    np.testing.assert_allclose(dx, np.repeat(dy / 12, 12, axis=1).reshape(X.shape), rtol=1e-14)


def test_backward_needs_nothing_to_fill(state_of):
    state = state_of(GlobalAveragePool2d(), (2, 4, 3), 5)
    GlobalAveragePool2d().backward(None, None, np.ones((5, 2)), None, state)


def test_it_takes_images_of_any_size_and_has_no_parameters():
    model = built((3, 7, 1))
    assert (model.output_shape, model.parameters()) == ((3,), {})
    np.testing.assert_array_equal(built((3, 1, 1)).predict(np.eye(3)[:, :, None, None]), np.eye(3))


def test_nan_is_not_hidden():
    x = X.copy()
    x[1, 0, 2, 2] = np.nan
    assert np.argwhere(np.isnan(built((2, 4, 3)).predict(x))).tolist() == [[1, 0]]


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (3, 4, 5, 2)])
def test_other_inputs_are_refused(shape):
    with pytest.raises(SpecError, match=r"takes images \(channels, height, width\), not \("):
        built(shape)
