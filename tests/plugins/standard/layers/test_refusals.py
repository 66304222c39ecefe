"""Fields and shapes that layers do not take."""

from __future__ import annotations

import re

import pytest

from declnet import InputInfo, ModelSpec, SpecError, build_model, parse_spec

CONVOLUTIONS = {
    name: {"type": name, "filters": 4, "kernel_size": 3} for name in ("conv2d", "conv2d_transpose")
}
POOLS = {name: {"type": name, "pool_size": 3} for name in ("max_pool2d", "average_pool2d")}
SEVERAL = CONVOLUTIONS | POOLS
SIZE = "must be an integer of at least 1, or two"
PADDING = 'must be "same", "valid", an integer of at least 0, or two'


@pytest.mark.parametrize(
    ("layer", "fields", "message"),
    [
        *(
            ("conv2d", {key: value}, message)
            for key, values, message in (
                ("filters", (True, 3.0, "3"), "must be an integer"),
                ("filters", (0,), "1, not 0"),
                ("kernel_size", (True, 3.0, "3", 0, -1, None, [3], [3, True], [3] * 3), SIZE),
                ("stride", (False, [1, 0], None), SIZE),
                ("dilation", (0, [1, -1], 1.5), SIZE),
                ("padding", ("full", True, -1, None, [1, 1.0], [1, -1], [1] * 4), PADDING),
                ("groups", (True, 1.0), "must be an integer"),
                ("groups", (0,), "1, not 0"),
                ("use_bias", (1, "yes"), "true or false"),
            )
            for value in values
        ),
        ("conv2d", {"groups": 3}, "3 groups do not divide 4 filters"),
        ("conv2d_transpose", {"groups": 3}, "3 groups do not divide 4 filters"),
        ("conv2d_transpose", {"output_padding": 1}, "[1, 1] must be less than stride [1, 1]"),
        (
            "conv2d_transpose",
            {"stride": 2, "padding": "same", "output_padding": 1},
            "output_padding has no effect",
        ),
        ("conv2d_transpose", {"output_padding": -1}, "must be an integer of at least 0"),
        ("max_pool2d", {"padding": [1, 2]}, "at most half of pool_size [3, 3], not [1, 2]"),
        ("average_pool2d", {"stride": [1, False]}, SIZE),
        *(("dropout", {"rate": rate}, "rate") for rate in (-0.1, 1.0, True, "0.5")),
        ("gaussian_noise", {"std": -0.1}, "std"),
        *(("layer_norm", {"axes": value}, "axes") for value in (True, 2.0, 0, -1)),
    ],
)
def test_wrong_fields(layer, fields, message):
    document = {"loss": "mean_squared_error", "optimizer": "sgd", "training": {"epochs": 1}}
    document["model"] = {"layers": [SEVERAL.get(layer, {"type": layer}) | fields]}
    with pytest.raises(SpecError, match=re.escape(message)) as raised:
        parse_spec(document)
    (problem,) = raised.value.problems
    assert problem.path[:3] == ("model", "layers", 0)
    assert problem.path[3:] == () or (len(fields) == 1 and problem.path[3:4] == tuple(fields))


@pytest.mark.parametrize(
    ("layer", "fields", "shape", "message"),
    [
        *((layer, {}, (4, 6), "images (channels, height, width), not (4, 6)") for layer in SEVERAL),
        ("conv2d", {"dilation": 3, "padding": 1}, (4, 4, 9), "height 7, the images (4, 4, 9) have"),
        *(
            (convolution, {"groups": 2}, (3, 6, 5), "do not divide 3 channels")
            for convolution in CONVOLUTIONS
        ),
        ("conv2d_transpose", {"padding": 2}, (4, 2, 2), "padding (2, 2) cuts off all of the"),
        ("max_pool2d", {}, (1, 4, 2), "window has width 3, the images (1, 4, 2) have 2;"),
        *(
            (f"global_{kind}_pool2d", {}, shape, "takes images (channels, height, width), not (")
            for kind in ("average", "max")
            for shape in ((), (3, 4), (3, 4, 5, 2))
        ),
        *(("softmax", {}, shape, "put a flatten and a dense before") for shape in ((), (3, 4, 4))),
        ("dense", {"units": 5}, (3, 8, 8), "(3, 8, 8); put a flatten before it"),
        *(
            ("glu", {}, shape, "even number of features, not sam")
            for shape in ((), (5,), (3, 4, 4))
        ),
        *(("maxout", {"pieces": 3}, shape, "multiple of 3 features") for shape in ((), (3, 4))),
        *(("reshape", {"shape": target}, (12,), "do not fit") for target in ([5, 2], [5, -1])),
        *(("reshape", {"shape": target}, (12,), "-1 once") for target in ([-1, -1], [0, 12])),
        ("batch_norm", {}, (), "takes samples (features,) or (channels, …)"),
        ("layer_norm", {"axes": 2}, (4,), "at least 2 axes, not (4,)"),
        ("rms_norm", {}, (), "at least 1 axes, not ()"),
        ("group_norm", {"groups": 4}, (6, 3), "4 groups do not divide 6 channels"),
        ("group_norm", {"groups": 1}, (), "not ()"),
        ("conv1d", {"filters": 5, "kernel_size": 4, "dilation": 2}, (6, 2), "kernel sees 7 steps"),
        ("multi_head_attention", {"heads": 3}, (5, 4), "of its input, 4, into 3 heads"),
        ("multi_head_attention", {"heads": 4, "units": 6}, (5, 4), "splits units, 6, into 4 heads"),
        ("multi_head_attention", {"heads": 1}, (4,), "which has no time axis"),
        ("cross_attention", {"heads": 1}, (5, 4), "takes two sequences; name the other one second"),
        (
            "concatenate",
            {"inputs": ["input", "input"], "axis": 1},
            (3,),
            "axis 1 is not in samples",
        ),
        ("embedding", {"units": 3}, InputInfo((2,), "integer"), "number of categories is unknown"),
        ("embedding", {"units": 3}, InputInfo((2,)), "takes integers, but its input holds floats"),
        (
            "embedding",
            {"units": 3, "categories": 3},
            InputInfo((2,), "integer", (3, 5)),
            "its input has up to 5 levels, but categories = 3",
        ),
    ],
)
def test_shapes_that_do_not_fit(layer, fields, shape, message):
    document = {"layers": [SEVERAL.get(layer, {"type": layer}) | fields]}
    inputs = {"": shape} if isinstance(shape, InputInfo) else shape
    with pytest.raises(SpecError, match=re.escape(message)):
        build_model(ModelSpec.model_validate(document), inputs)
