"""conv2d_transpose is the adjoint of conv2d, which is compared with its equation."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers import Conv2d, Conv2dTranspose

from ....plain_arrays import LayerRun


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


FIELDS = st.fixed_dictionaries(
    {
        "kernel_size": pairs(1, 4),
        "stride": pairs(1, 3),
        "padding": st.sampled_from(["same", "valid"]) | pairs(0, 3),
        "dilation": pairs(1, 3),
        "groups": st.sampled_from([1, 2, 3, 6]),
    }
)


@given(
    FIELDS, pairs(1, 6), pairs(1, 3), pairs(0, 2), st.sampled_from(["batch_last", "batch_first"])
)
@example(
    {"kernel_size": (2, 2), "stride": (3, 3), "groups": 1}, (2, 1), (1, 1), (0, 0), "batch_first"
)
def test_values_and_gradients_are_those_of_the_convolution(fields, sizes, counts, extra, order):
    more = {}
    if fields.get("padding") != "same":
        ends = zip(extra, fields["stride"], strict=True)
        more["output_padding"] = tuple(min(length, step - 1) for length, step in ends)
    layer, (samples, channels) = Conv2dTranspose(filters=6, **fields, **more), counts
    shape = (layer.groups * channels, *sizes)
    try:
        output = layer.output_shape(shape)
    except ValueError:  # the padding cuts off all of the images
        assume(False)
    run = LayerRun(layer, shape, samples + 2, order=order)
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(samples, *shape)), rng.normal(size=(samples, *output))
    weights, biases = rng.normal(size=run.initial["weights"].shape), rng.normal(size=6)
    run.initial |= {"weights": weights, "biases": biases}
    convolution = Conv2d(filters=shape[0], use_bias=False, **fields)
    adjoint = LayerRun(convolution, output, samples)
    assert adjoint.output == shape
    adjoint.initial["weights"] = weights
    expected, found = adjoint.run(dy, x), run.run(x, dy)
    expected = {
        "y": expected["dx"] + biases[:, None, None],
        "dx": expected["y"],
        "grad.weights": expected["grad.weights"],
        "grad.biases": dy.sum(axis=(0, 2, 3)),
    }
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)
