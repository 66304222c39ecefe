"""Checks that components define: their context, and where their diagnostics are reported."""

from __future__ import annotations

import pytest

from declnet import Callback, Diagnostic, Optimizer
from declnet.testing.examples import registry_with
from declnet_plugins.standard.data.arrays import NPZ
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.losses.classification import CategoricalCrossentropy
from declnet_plugins.standard.metrics.classification import Accuracy
from declnet_plugins.standard.optimizers.sgd import SGD
from declnet_plugins.standard.regularizers import L2
from declnet_plugins.standard.schedules import Constant


class Silent(Callback):
    """A callback without effect."""


WATCHED = {
    "layer": Dense,
    "regularizer": L2,
    "data_source": NPZ,
    "loss": CategoricalCrossentropy,
    "optimizer": SGD,
    "schedule": Constant,
    "metric": Accuracy,
    "callback": Silent,
}


@pytest.fixture
def calls():
    """Calls of the checks: the component's kind and the context."""
    return []


@pytest.fixture
def findings():
    """Functions from the context to the diagnostics of a check, by the component's kind."""
    return {}


@pytest.fixture
def registry(calls, findings):
    """The default registry with a component `watched` of each kind added."""

    def check(self, context):
        calls.append((self.kind, context))
        return findings.get(self.kind, lambda _outline: ())(context)

    body = {"type": "watched", "check": check, "__module__": __name__, "__annotations__": {}}
    return registry_with([type("Watched", (base,), dict(body)) for base in WATCHED.values()])


@pytest.fixture
def watched(document):
    """A document with a watched component of each kind, and a layer before the watched one."""
    document["data"]["train"]["type"] = "watched"
    document["model"]["layers"][2] = {
        "type": "watched",
        "units": 3,
        "name": "scores",
        "weight_regularizer": {"type": "watched", "strength": 0.1},
    }
    document["loss"] = "watched"
    rate = {"type": "watched", "value": 0.1}
    document["optimizer"] = {"type": "watched", "learning_rate": rate}
    document["training"] |= {"metrics": ["accuracy", "watched"], "callbacks": ["watched"]}
    document["training"]["metrics"][1] = {"type": "watched", "name": "other"}
    return document


def test_checks_get_the_run_and_those_in_layers_their_position(problems, watched, registry, calls):
    problems(watched, registry)
    for kind, context in calls:
        assert [layer.name for layer in context.layers] == [
            "dense_1",
            "relu_1",
            "scores",
            "softmax_1",
        ]
        assert context.last.output_shape == (3,)
        assert context.data["train"].samples == 30
        assert (context.loss.type, context.optimizer.type) == ("watched", "watched")
        if kind in ("layer", "regularizer"):
            assert context.here is context.layers[2]
            assert context.here.inputs == (context.layers[1],)
            assert context.here.input_shapes == ((4,),)
        else:
            assert context.here is None
    assert calls[0][1].layers[0].inputs == (None,)


@pytest.mark.parametrize(
    ("kind", "key", "path"),
    [
        ("layer", ("units",), "model.layers.2.units"),
        ("layer", (), "model.layers.2"),
        ("regularizer", ("strength",), "model.layers.2.weight_regularizer.strength"),
        ("data_source", ("path",), "data.train.path"),
        ("loss", (), "loss"),
        ("optimizer", ("momentum",), "optimizer.momentum"),
        ("schedule", ("value",), "optimizer.learning_rate.value"),
        ("metric", (), "training.metrics.1"),
        ("callback", (), "training.callbacks.0"),
    ],
)
def test_diagnostics_are_reported_with_their_key_and_code(
    problems, watched, registry, findings, kind, key, path
):
    odd = [Diagnostic("this is odd", "change it", key, code) for code in ("E042", "W060")]
    findings[kind] = lambda _outline: odd
    assert problems(watched, registry) == [
        f"{path}: error[E042]: this is odd (change it)",
        f"{path}: warning[W060]: this is odd (change it)",
    ]


def test_a_diagnostic_may_concern_a_layer_or_a_data_set(problems, watched, registry, findings):
    findings["loss"] = lambda context: [
        Diagnostic("a", path=("units",), layer=context.layers[0]),
        Diagnostic("b", layer=context.last),
        Diagnostic("c", data="train"),
        Diagnostic("d", path=("type",), data="train"),
    ]
    assert [line.split(":")[0] for line in problems(watched, registry)] == [
        "model.layers.0.units",
        "model.layers.3",
        "data.train.path",
        "data.train.type",
    ]


def test_checks_of_an_invalid_spec_get_its_valid_parts(check_wrong, watched, registry, calls):
    watched["model"]["layers"][0] = {"type": "dense", "units": "many"}
    watched["optimizer"] = "nope"
    check_wrong(watched, registry)
    assert sorted(kind for kind, _ in calls) == ["callback", "data_source", "loss", "metric"]
    for _, context in calls:
        assert (context.layers, context.optimizer, context.here) == ((), None, None)
        assert context.loss.type == "watched"


class Averaging(SGD):
    """Says which parameters are evaluated."""

    type = "averaging"

    def evaluated(self, w, state):
        return w


class Wrapping(SGD):
    """Wraps another optimizer."""

    type = "wrapping"
    inner: Optimizer


class Replacing(Callback):
    """Says which parameters are evaluated."""

    type = "replacing"

    def evaluated(self, state, w):
        return w


def test_two_definitions_of_evaluated_parameters_conflict_unless_nested(problems, document):
    registry = registry_with([Averaging, Wrapping, Replacing])
    document["training"]["callbacks"] = ["replacing"]
    document["optimizer"] = {"type": "wrapping", "inner": "averaging"}
    assert problems(document, registry) == []
    document["optimizer"] = "averaging"
    assert problems(document, registry) == [
        "training.callbacks.0: error[E017]: averaging and replacing both replace the parameters "
        "that are evaluated (remove replacing)"
    ]
