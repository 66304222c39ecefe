"""Third-party layers and losses benefit from their declarations: ranges, linearity, `takes`."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("environment")

MEADOW = '''
"""Layers and losses that declare their traits."""

import numpy as np
from pydantic import Field

from declnet import Elementwise, Kernel, KernelCalls, Layer, Loss, OutputRange, Parameter, hookimpl


class Gate(Elementwise):
    """y = 1 / (1 + |x|)."""

    type = "gate"
    output_range = OutputRange(0, 1)
    backward_needs = frozenset({"x", "y"})

    def value(self, x, y, scratch):
        np.absolute(x, out=scratch)
        np.add(scratch, 1, out=scratch)
        np.reciprocal(scratch, out=y)

    def derivative(self, x, y, slope):
        np.sign(x, out=slope)
        np.multiply(slope, y, out=slope)
        np.multiply(slope, y, out=slope)
        np.negative(slope, out=slope)


class Portions(Layer):
    """y = x**2 / sum(x**2)."""

    type = "portions"
    output_range = OutputRange(0, 1, sums_to_one=True)
    backward_needs = frozenset({"x", "y"})

    def forward(self, x, y, state):
        y[...] = x * x + 1e-3
        y /= y.sum(axis=1, keepdims=True)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            total = (x * x + 1e-3).sum(axis=1, keepdims=True)
            dx[...] = 2 * x / total * (dy - (dy * y).sum(axis=1, keepdims=True))


class Blend(Layer):
    """y = x @ mixture."""

    type = "blend"
    examples = ({"outputs": 3},)
    output_range = OutputRange()
    is_linear = True
    backward_needs = frozenset({"x"})

    outputs: int = Field(ge=1, description="numbers of y")

    def output_shape(self, input_shape):
        return (self.outputs,)

    def parameters(self, input_shape):
        return {"mixture": Parameter((input_shape[0], self.outputs), "glorot_uniform")}

    def forward(self, x, y, state):
        np.matmul(x, state.mixture, out=y)

    def backward(self, x, y, dy, dx, state):
        np.matmul(x.T, dy, out=state.grad.mixture)
        if dx is not None:
            np.matmul(dy, state.mixture.T, out=dx)


class PortionLoss(Loss):
    """losses = 1 - y_pred[label]."""

    type = "portion_loss"
    targets = "classes"
    takes = "distribution"

    def forward(self, y_pred, y_true, losses):
        np.einsum("nk,nk->n", y_pred, y_true, out=losses)
        np.subtract(1, losses, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.negative(y_true, out=dy_pred)


class LogitAnswers(Loss):
    """losses = log(1 + exp(x)) - y * x."""

    type = "logit_answers"
    targets = "binary"
    takes = "logits"

    def predictions(self, y_pred):
        return 1 / (1 + np.exp(-y_pred))

    def forward(self, y_pred, y_true, losses):
        losses[...] = (np.logaddexp(0, y_pred) - y_true * y_pred).mean(axis=1)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = (self.predictions(y_pred) - y_true) / y_pred.shape[1]


class PortionKernel(Kernel):
    """Portions and their loss, one after the other."""

    type = "portion_kernel"
    replaces = (Portions, PortionLoss)

    def bind(self, site):
        layer, loss = site.components
        gradient = np.empty_like(site.y)

        def forward():
            layer.forward(site.x, site.y, site.states[0])
            loss.forward(site.y, site.y_true, site.losses)

        def backward():
            loss.backward(site.y, site.y_true, gradient)
            layer.backward(site.x, site.y, gradient, site.dx, site.states[0])

        if site.dx is None:
            return KernelCalls((forward,))
        return KernelCalls((forward,), (backward, site.weigh(site.dx)))


@hookimpl
def declnet_register(register):
    for component in (Gate, Portions, Blend, PortionLoss, LogitAnswers, PortionKernel):
        register(component)
'''


@pytest.fixture(scope="module")
def meadow(environment, tmp_path_factory, write_distribution):
    folder = tmp_path_factory.mktemp("meadow")
    environment.install(write_distribution(folder, "declnet-meadow", MEADOW))
    yield environment
    environment.uninstall("declnet-meadow")


def document(layers, loss, classes=3):
    return {
        "declnet": 1,
        "data": {"train": {"type": "nnfs_spiral", "samples": 20, "classes": classes}},
        "model": {"layers": layers},
        "loss": loss,
        "optimizer": "adam",
        "training": {"epochs": 30},
    }


@pytest.fixture
def problems(meadow, tmp_path):
    """Code, path and hint of each problem of a spec."""

    def find(layers, loss, classes=3):
        spec = tmp_path / "spec.json"
        spec.write_text(json.dumps(document(layers, loss, classes)), "utf-8")
        done = meadow.declnet("check", spec, "--format", "json")
        assert "Traceback" not in done.stderr
        found = json.loads(done.stdout)["problems"]
        return [(each["code"], each["path"], each["hint"]) for each in found]

    return find


def dense(units):
    return {"type": "dense", "units": units}


def blend(outputs):
    return {"type": "blend", "outputs": outputs}


def test_a_layers_range_is_compared_with_what_a_loss_takes(problems):
    assert problems([dense(3), "gate"], "categorical_crossentropy") == [
        ("E043", "model.layers.1", 'use "softmax" instead, or the loss binary_crossentropy')
    ]
    assert problems([dense(1), "gate"], "binary_crossentropy", classes=2) == []
    assert problems([dense(3), "portions"], "categorical_crossentropy") == []


def test_a_loss_is_compared_with_the_range_of_the_last_layer(problems):
    assert problems([dense(1), "sigmoid"], "logit_answers", classes=2) == [
        ("W002", "model.layers.1", "remove it, or use the loss binary_crossentropy")
    ]
    assert problems([dense(1)], "logit_answers", classes=2) == []


def test_the_layer_that_a_third_partys_kernel_joins_with_its_loss_is_suggested(problems):
    assert problems([dense(3)], "portion_loss") == [
        ("W002", "model.layers.0", 'add "portions" as the last layer')
    ]


def test_labels_are_compared_with_a_losss_targets(problems):
    assert problems([dense(1)], "logit_answers") == [
        (
            "E042",
            "loss",
            'for more classes, use "softmax" and the loss categorical_crossentropy',
        )
    ]


@pytest.mark.parametrize(("outputs", "code"), [(2, "E040"), (4, "W001")])
def test_the_field_that_says_how_many_numbers_a_layer_gives_is_found(problems, outputs, code):
    assert problems([blend(outputs), "portions"], "portion_loss") == [
        (code, "model.layers.0.outputs", "use 3 units, one for each class")
    ]


def test_linear_layers_without_an_activation_between_them_are_found(problems):
    ((code, path, _),) = problems([blend(8), dense(3), "portions"], "portion_loss")
    assert (code, path) == ("W003", "model.layers.1")
    assert problems([blend(8), "gate", blend(3), "portions"], "portion_loss") == []


def test_they_train(meadow, tmp_path):
    layers = [blend(8), "gate", blend(3), "portions"]
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(document(layers, "portion_loss")), "utf-8")
    done = meadow.declnet("run", spec, "--quiet", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "out" / "history.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[-1])["loss"] < json.loads(lines[0])["loss"]
