"""conv2d: the sum in its equation, position by position; conv2d_transpose is its adjoint."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose

from ....plain_arrays import LayerRun


def ends(padding, size, extent, stride):
    """Return the zeros before and after; "same" as in TensorFlow's documentation."""
    if isinstance(padding, int):
        return padding, padding
    total = max(extent - (size % stride or stride), 0) if padding == "same" else 0
    return total // 2, total - total // 2


def convolved(layer, x, dy, weights, biases):
    """y by its equation, one place at a time, and the gradients that dy implies."""
    size, stride, dilation, groups = layer.kernel_size, layer.stride, layer.dilation, layer.groups
    extents = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    paddings = [layer.padding] * 2 if isinstance(layer.padding, str) else layer.padding
    around = [ends(*sizes) for sizes in zip(paddings, x.shape[2:], extents, stride, strict=True)]
    padded = np.pad(x, ((0, 0), (0, 0), *around))
    places = [
        (length - extent) // step + 1
        for length, extent, step in zip(padded.shape[2:], extents, stride, strict=True)
    ]
    filters = layer.filters // groups
    y = np.empty((len(x), layer.filters, *places))
    dpadded, dweights = np.zeros_like(padded), np.zeros_like(weights)
    for group, i, j in np.ndindex(groups, *places):
        part = np.s_[group * filters : (group + 1) * filters]
        channels = np.s_[group * weights.shape[1] : (group + 1) * weights.shape[1]]
        top, left = i * stride[0], j * stride[1]
        rows = np.s_[top : top + extents[0] : dilation[0]]
        columns = np.s_[left : left + extents[1] : dilation[1]]
        patch = padded[:, channels, rows, columns]
        y[:, part, i, j] = np.einsum("nckl,fckl->nf", patch, weights[part]) + biases[part]
        dweights[part] += np.einsum("nf,nckl->fckl", dy[:, part, i, j], patch)
        slopes = np.einsum("nf,fckl->nckl", dy[:, part, i, j], weights[part])
        dpadded[:, channels, rows, columns] += slopes
    (top, _), (left, _) = around
    dx = dpadded[:, :, top : top + x.shape[2], left : left + x.shape[3]]
    dbiases = dy.sum(axis=(0, 2, 3))
    return {"y": y, "dx": dx, "grad.weights": dweights, "grad.biases": dbiases}


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


FIELDS = st.fixed_dictionaries(
    {
        "filters": st.just(6),
        "kernel_size": pairs(1, 4),
        "stride": pairs(1, 4),
        "padding": st.sampled_from(["same", "valid"]) | pairs(0, 4),
        "dilation": pairs(1, 3),
        "groups": st.sampled_from([1, 2, 3, 6]),
        "use_bias": st.booleans(),
    }
)

ORDERS = st.sampled_from(["batch_last", "batch_first"])


@given(FIELDS, pairs(1, 8), pairs(1, 3), ORDERS)
@example({"filters": 1, "kernel_size": 4, "padding": 3}, (1, 1), (1, 1), "batch_last")
@example({"filters": 6, "kernel_size": 3, "dilation": 2}, (5, 8), (2, 2), "batch_first")
def test_both_directions_match_the_sum_in_its_equation(fields, sizes, counts, order):
    layer, (samples, channels) = Conv2d(**fields), counts
    if layer.padding != "same":
        zeros = (0, 0) if layer.padding == "valid" else layer.padding
        limits = zip(layer.kernel_size, layer.dilation, sizes, zeros, strict=True)
        assume(all((k - 1) * d + 1 <= size + 2 * zero for k, d, size, zero in limits))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, layer.groups * channels, *sizes))
    weights = rng.normal(size=(layer.filters, channels, *layer.kernel_size))
    biases = rng.normal(size=layer.filters) * layer.use_bias
    bench = LayerRun(layer, x.shape[1:], samples + 2, order=order)
    parameters = {"weights": weights} | ({"biases": biases} if layer.use_bias else {})
    assert set(bench.initial) == set(parameters)
    bench.initial |= parameters
    dy = rng.normal(size=(samples, *bench.output))
    expected = convolved(layer, x, dy, weights, biases)
    for name, result in bench.run(x, dy).items():
        np.testing.assert_allclose(result, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)


@given(FIELDS, pairs(1, 6), pairs(1, 3), pairs(0, 2), ORDERS)
@example({"filters": 6, "kernel_size": 2, "stride": 3}, (2, 1), (1, 1), (0, 0), "batch_first")
def test_the_transposed_convolution_is_its_adjoint(fields, sizes, counts, extra, order):
    layer, (samples, channels) = Conv2dTranspose(**fields), counts
    if layer.padding != "same":
        ends = zip(extra, layer.stride, strict=True)
        more = tuple(min(length, step - 1) for length, step in ends)
        layer = Conv2dTranspose(**fields, output_padding=more)
    shape = (layer.groups * channels, *sizes)
    try:
        output = layer.output_shape(shape)
    except ValueError:  # the padding cuts off all of the images
        assume(False)
    run = LayerRun(layer, shape, samples + 2, order=order)
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(samples, *shape)), rng.normal(size=(samples, *output))
    for name, array in run.initial.items():
        run.initial[name] = rng.normal(size=array.shape)
    adjoint = LayerRun(Conv2d(**fields | {"filters": shape[0], "use_bias": False}), output, samples)
    assert adjoint.output == shape
    adjoint.initial["weights"] = run.initial["weights"]
    expected, result = adjoint.run(dy, x), run.run(x, dy)
    expected = {
        "y": expected["dx"] + np.reshape(run.initial.get("biases", 0.0), (-1, 1, 1)),
        "dx": expected["y"],
        "grad.weights": expected["grad.weights"],
        "grad.biases": dy.sum(axis=(0, 2, 3)),
    }
    for name, array in result.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)
