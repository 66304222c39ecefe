"""Declared traits of the standard layers: output range, linearity, parameter roles."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import OutputRange, default_registry

LAYERS = {
    entry.type: entry.component
    for entry in default_registry().entries("layer")
    if entry.component.__module__.startswith("declnet_plugins.standard.")
}
SHAPES = {"embedding": (4,), "reshape": (12,), "rms_norm": (2, 3), "positional_encoding": (5, 6)}
IMAGES = (
    "conv2d",
    "conv2d_transpose",
    "average_pool2d",
    "global_average_pool2d",
    "global_max_pool2d",
    "max_pool2d",
)
JOINS = ("add", "concatenate", "multiply")
SEQUENCES = (
    *("conv1d", "cross_attention", "gru", "last_step", "lstm", "max_over_time", "mean_over_time"),
    *("multi_head_attention", "simple_rnn", "embedding_bag"),
)
EXAMPLES = [
    (name, example)
    for name, layer in LAYERS.items()
    for example in (layer.examples or ({},))
    if name not in SEQUENCES or "inputs" not in example  # with lengths: test_sequences
]
ROLES = {
    **dict.fromkeys(("weights", "positions"), "weight"),
    **dict.fromkeys(("biases", "offset", "mean"), "bias"),
    **dict.fromkeys(("scale", "slopes", "variance"), "scale"),
}
"""Roles of parameters, by the last words of their names."""

each_example = pytest.mark.parametrize(("name", "fields"), EXAMPLES)


def shape_of(name):
    if name in SEQUENCES:
        return (5, 6)
    return (4, 12, 12) if name in IMAGES else SHAPES.get(name, (6,))


def model_of(name, fields):
    """Return a model of the layer alone, with no parameter equal to 0."""
    layer = {"type": name, **fields}
    if name in JOINS or name == "cross_attention":
        layer["inputs"] = ["input", "input"]
    spec = declnet.ModelSpec.model_validate({"dtype": "float64", "layers": [layer]})
    model = declnet.build_model(spec, shape_of(name))
    rng = np.random.default_rng(3)
    parameters = model.parameters()
    model.load_parameters(
        {key: array + rng.uniform(0.1, 0.5, array.shape) for key, array in parameters.items()}
    )
    return model


@each_example
def test_bounds_are_tight(name, fields):
    declared = LAYERS[name].output_range
    if name in SEQUENCES:
        return  # how far states go depends on the weights
    if isinstance(declared, OutputRange) and declared.is_bounded and not declared.sums_to_one:
        y = model_of(name, fields).predict(np.linspace(-60, 60, 120_000).reshape(-1, 6))
        for end, reached in ((declared.low, y.min()), (declared.high, y.max())):
            assert np.isinf(end) or abs(end - reached) < 0.02


@each_example
def test_affine_layers_and_no_others_are_declared_affine(name, fields):
    if name == "embedding":
        assert not LAYERS[name].is_linear  # of integers
        return
    model, x = model_of(name, fields), np.random.default_rng(5).normal(0, 5, (50, *shape_of(name)))
    z = x[::-1]
    mixed = model.predict(0.3 * x + 0.7 * z)
    is_affine = np.allclose(mixed, 0.3 * model.predict(x) + 0.7 * model.predict(z), atol=1e-9)
    if name == "batch_norm":  # in training, the batch's own statistics make it another function
        assert is_affine
        assert not LAYERS[name].is_linear
    else:
        assert LAYERS[name].is_linear == is_affine


@pytest.mark.parametrize("name", LAYERS)
def test_parameters_have_their_roles(name):
    layer = LAYERS[name](**(LAYERS[name].examples or ({},))[0])
    shape = shape_of(name)
    inputs = {**dict.fromkeys(JOINS, (shape, shape)), **dict.fromkeys(SEQUENCES, (shape,))}
    inputs["cross_attention"] = shape, shape
    parameters = layer.parameters(inputs.get(name, shape))
    roles = {name: parameter.role for name, parameter in parameters.items()}
    assert roles == {name: ROLES[name.rpartition("_")[2]] for name in roles}
