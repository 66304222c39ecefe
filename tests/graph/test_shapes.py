"""Tests of shapes and declarations of layers."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import InputInfo, IntegerLimit, Layer, Parameter, SpecError, Workspace
from declnet.graph.shapes import infer_network, input_limits
from declnet_plugins.standard.regularizers import L2


class Odd(Layer):
    """A layer with injected declarations."""

    type = "odd"

    shape: tuple[int, ...] | None = None
    given_parameters: dict
    given_workspace: dict

    def output_shape(self, input_shape):
        return input_shape if self.shape is None else self.shape

    def parameters(self, input_shape):
        return self.given_parameters

    def workspace(self, input_shape):
        return self.given_workspace

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def faults(layers, shape=(4,)):
    with pytest.raises(SpecError) as caught:
        infer_network(layers, shape)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def odd(parameters=(), workspace=(), shape=None):
    return Odd.model_construct(
        given_parameters=dict(parameters), given_workspace=dict(workspace), shape=shape
    )


@pytest.mark.parametrize("shape", [(0,), (-1,), (2.5,), [3], 3, (True,)])
def test_a_wrong_output_shape_is_a_broken_contract_at_its_layer(shape):
    ((path, message),) = faults((odd(shape=shape),))
    assert path == ("model", "layers", 0)
    assert f"output_shape() returned {shape!r}, not a tuple of integers of at least 1" in message
    assert "test_shapes.py:" in message


class Limited(Layer):
    """A layer for integers with injected limits."""

    type = "limited"
    input_dtype = "integer"
    limits: object

    def integer_limits(self, input_shape):
        return self.limits

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def test_every_layer_that_needs_integers_of_the_input_is_reported():
    layers = [Limited.model_construct(limits=(), name=name) for name in "abc"]
    with pytest.raises(SpecError) as caught:
        infer_network(layers, {"": InputInfo((2,), "integer")})
    wrong = [(problem.path, problem.message) for problem in caught.value.problems]
    message = '"{}" takes integers, so it must read the model\'s input'
    expected = [(("model", "layers", at), message.format("abc"[at])) for at in (1, 2)]
    assert [fault for fault in wrong if fault in expected] == expected


def test_an_input_has_the_smallest_limit_of_its_layers(toys):
    layers = [
        Limited.model_construct(limits=(IntegerLimit(most, "so"),), inputs=("input",), name=name)
        for name, most in (("a", 7), ("b", 5), ("c", 6))
    ]
    layers.append(Limited.model_construct(limits=(), inputs=("input",), name="d"))
    layers.append(toys.Add(inputs=("a", "b", "c", "d")))
    nodes = infer_network(layers, {"": InputInfo((2,), "integer")}).nodes
    assert input_limits(nodes) == {"": (IntegerLimit(5, "so"), "b")}


def test_a_parameter_and_a_workspace_with_one_name_are_refused():
    layer = odd({"both": Parameter((1,), "zeros")}, {"both": Workspace((1,))})
    ((_, message),) = faults((layer,))
    assert 'workspace() returned "both", which is the name of a parameter already' in message


@pytest.mark.parametrize(
    ("method", "declared", "fault"),
    [
        *(
            ("parameters", bad_layer, fault)
            for bad_layer, fault in (
                (
                    Parameter((1,), "zeros", regularizer=L2(strength=1), trainable=False),
                    "not train",
                ),
                (Parameter([1], "zeros"), '[1] as shape of "p", not a tuple of integers'),
                (Parameter((0,), "zeros"), '(0,) as shape of "p", not a tuple of'),
                (Parameter((1,), 0.0), '0.0 as initializer of "p", not an Initializer'),
                (
                    Parameter((1,), "zeros", regularizer="l2"),
                    "'l2' as regularizer of \"p\", not a Regularizer",
                ),
                (
                    Parameter((1,), "zeros", role="gain"),
                    'as role of "p", not "weight", "bias" or "scale"',
                ),
                (np.zeros(1), "not a Parameter"),
            )
        ),
        ("workspace", Workspace((2.0,)), '(2.0,) as shape of "p", not a tuple of'),
        (
            "workspace",
            Workspace((1,), dtype="float31"),
            "'float31' as dtype of \"p\", not a dtype of NumPy",
        ),
        ("workspace", (1,), "not a Workspace"),
    ],
)
def test_a_wrong_declaration_is_a_broken_contract(method, declared, fault):
    ((_, message),) = faults((odd(**{method: {"p": declared}}),))
    assert f"{method}() returned" in message
    assert fault in message
