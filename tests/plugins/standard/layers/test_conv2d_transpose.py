"""conv2d_transpose: the sum in its equation, term by term, and refused input."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import declnet
from declnet import SpecError
from declnet_plugins.standard.layers import Conv2dTranspose

from ....plain_arrays import LayerRun

LAYER = {"type": "conv2d_transpose", "filters": 4, "kernel_size": 3}


def transposed(layer, x, dy, weights, biases):
    """y by its equation, one place of x at a time, and the gradients that dy implies."""
    size, stride, dilation, groups = layer.kernel_size, layer.stride, layer.dilation, layer.groups
    extents = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if layer.padding == "same":  # as TensorFlow's documentation has it, of the convolution
        cut = [max(extent - step, 0) // 2 for extent, step in zip(extents, stride, strict=True)]
    else:
        cut = [0, 0] if layer.padding == "valid" else layer.padding
    full = [
        max((length - 1) * step + extent, start + visible)
        for length, step, extent, start, visible in zip(
            x.shape[2:], stride, extents, cut, dy.shape[2:], strict=True
        )
    ]
    seen = np.s_[:, :, cut[0] : cut[0] + dy.shape[2], cut[1] : cut[1] + dy.shape[3]]
    y, slopes = np.zeros((2, len(x), layer.filters, *full))
    slopes[seen] = dy
    dx, dweights = np.empty_like(x), np.zeros_like(weights)
    channels, filters = x.shape[1] // groups, layer.filters // groups
    for group, i, j in np.ndindex(groups, *x.shape[2:]):
        given = np.s_[group * channels : (group + 1) * channels]
        own = np.s_[group * filters : (group + 1) * filters]
        top, left = i * stride[0], j * stride[1]
        rows = np.s_[top : top + extents[0] : dilation[0]]
        columns = np.s_[left : left + extents[1] : dilation[1]]
        y[:, own, rows, columns] += np.einsum("nc,cfkl->nfkl", x[:, given, i, j], weights[given])
        patch = slopes[:, own, rows, columns]
        dx[:, given, i, j] = np.einsum("nfkl,cfkl->nc", patch, weights[given])
        dweights[given] += np.einsum("nc,nfkl->cfkl", x[:, given, i, j], patch)
    y += biases[:, None, None]
    dbiases = dy.sum(axis=(0, 2, 3))
    return {"y": y[seen], "dx": dx, "grad.weights": dweights, "grad.biases": dbiases}


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


FIELDS = st.fixed_dictionaries(
    {
        "filters": st.just(6),
        "kernel_size": pairs(1, 4),
        "stride": pairs(1, 3),
        "padding": st.sampled_from(["same", "valid"]) | pairs(0, 3),
        "dilation": pairs(1, 3),
        "groups": st.sampled_from([1, 2, 3, 6]),
        "use_bias": st.booleans(),
    }
)


@given(
    FIELDS, pairs(1, 6), pairs(1, 3), pairs(0, 2), st.sampled_from(["batch_last", "batch_first"])
)
@example({"filters": 1, "kernel_size": 2, "stride": 3}, (2, 1), (1, 1), (0, 0), "batch_first")
def test_it_is_the_sum_of_its_equation_in_both_directions(fields, sizes, counts, extra, order):
    if fields.get("padding") != "same":
        stride = fields.get("stride", (1, 1))
        stride = stride if isinstance(stride, tuple) else (stride, stride)
        extra = tuple(min(more, step - 1) for more, step in zip(extra, stride, strict=True))
        fields = {**fields, "output_padding": extra}
    layer, (samples, channels) = Conv2dTranspose(**fields), counts
    shape = (layer.groups * channels, *sizes)
    assume(min(layer._length(axis, size) for axis, size in enumerate(sizes)) >= 1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, *shape))
    weights = rng.normal(size=(shape[0], layer.filters // layer.groups, *layer.kernel_size))
    biases = rng.normal(size=layer.filters) * layer.use_bias
    bench = LayerRun(layer, shape, samples + 2, order=order)
    bench.initial |= {"weights": weights} | ({"biases": biases} if layer.use_bias else {})
    dy = rng.normal(size=(samples, *bench.output))
    expected = transposed(layer, x, dy, weights, biases)
    for name, found in bench.run(x, dy).items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, (4, 7, 8)),
        ({"stride": 2}, (4, 11, 13)),
        ({"stride": 2, "padding": 1, "output_padding": [1, 0]}, (4, 10, 11)),
        ({"stride": [2, 3], "padding": "same"}, (4, 10, 18)),
        ({"dilation": 2}, (4, 9, 10)),
    ],
)
def test_sizes(fields, output):
    assert Conv2dTranspose(**LAYER | fields).output_shape((2, 5, 6)) == output


def spec(*layers):
    sections = {"loss": "mean_squared_error", "training": {"epochs": 1}}
    return declnet.parse_spec({"model": {"layers": [*layers]}, "optimizer": "sgd", **sections})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"groups": 3}, "3 groups do not divide 4 filters"),
        ({"output_padding": 1}, "output_padding [1, 1] must be less than stride [1, 1]"),
        ({"stride": 2, "padding": "same", "output_padding": 1}, "output_padding has no effect"),
        ({"output_padding": -1}, "must be an integer of at least 0"),
        ({"kernel_size": 0}, "must be an integer of at least 1"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        spec(LAYER | fields)


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (4, 6), "takes images (channels, height, width), not (4, 6); put a reshape"),
        ({"padding": 2}, (4, 2, 2), "padding (2, 2) cuts off all of the images"),
        ({"groups": 2}, (3, 6, 5), "2 groups do not divide 3 channels"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(fields, shape, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        declnet.build_model(spec(LAYER | fields).model, shape)
