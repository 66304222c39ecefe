"""Third-party layers and losses benefit from their declarations: ranges, linearity, `takes`."""

import numpy as np
import pytest
from pydantic import Field

from declnet import (
    Elementwise,
    Kernel,
    KernelCalls,
    Layer,
    Loss,
    OutputRange,
    Parameter,
    discover,
    parse_spec,
    run,
)
from declnet.registry.plugin import Plugin
from declnet.training.checks.check import check_spec


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


@pytest.fixture(scope="module")
def registry():
    found = discover()
    for component in (Gate, Portions, Blend, PortionLoss, LogitAnswers, PortionKernel):
        found.register(component, Plugin("meadow", "declnet-meadow", "0.1.0"))
    return found


@pytest.fixture(scope="module")
def spec_of(registry):
    def parse(layers, loss, classes=3):
        document = {
            "data": {"train": {"type": "nnfs_spiral", "samples": 20, "classes": classes}},
            "model": {"layers": layers},
            "loss": loss,
            "optimizer": "adam",
            "training": {"epochs": 30},
        }
        return parse_spec(document, registry)

    return parse


def dense(units):
    return {"type": "dense", "units": units}


def blend(outputs):
    return {"type": "blend", "outputs": outputs}


CASES = {
    "a probability instead of a distribution": (
        [dense(3), "gate"],
        "categorical_crossentropy",
        3,
        ("E043", ("model", "layers", 1), 'use "softmax" in its place, or the loss'),
    ),
    "a probability": ([dense(1), "gate"], "binary_crossentropy", 2, None),
    "a distribution": ([dense(3), "portions"], "categorical_crossentropy", 3, None),
    "probabilities for logits": (
        [dense(1), "sigmoid"],
        "logit_answers",
        2,
        ("W002", ("model", "layers", 1), "remove it, or use the loss binary_crossentropy"),
    ),
    "logits": ([dense(1)], "logit_answers", 2, None),
    "the layer that a kernel fuses with the loss": (
        [dense(3)],
        "portion_loss",
        3,
        ("W002", ("model", "layers", 0), 'add "portions" as the last layer'),
    ),
    "three classes for binary targets": (
        [dense(1)],
        "logit_answers",
        3,
        ("E042", ("loss",), 'for more classes, use "softmax" and the loss'),
    ),
    "too few outputs": (
        [blend(2), "portions"],
        "portion_loss",
        3,
        ("E040", ("model", "layers", 0, "outputs"), "use 3 units, one for each class"),
    ),
    "too many outputs": (
        [blend(4), "portions"],
        "portion_loss",
        3,
        ("W001", ("model", "layers", 0, "outputs"), "use 3 units, one for each class"),
    ),
    "two linear layers": (
        [blend(8), dense(3), "portions"],
        "portion_loss",
        3,
        ("W003", ("model", "layers", 1), ""),
    ),
    "an activation between them": (
        [blend(8), "gate", blend(3), "portions"],
        "portion_loss",
        3,
        None,
    ),
}


@pytest.mark.parametrize(("layers", "loss", "classes", "expected"), CASES.values(), ids=CASES)
def test_checks_use_what_a_class_declares(registry, spec_of, layers, loss, classes, expected):
    found = check_spec(spec_of(layers, loss, classes), registry=registry).problems
    if expected is None:
        assert found == ()
        return
    (diagnostic,) = found
    assert (diagnostic.code, diagnostic.path) == expected[:2]
    assert diagnostic.help.startswith(expected[2])


def test_they_train(registry, spec_of):
    layers = [blend(8), "gate", blend(3), "portions"]
    history = run(spec_of(layers, "portion_loss"), registry=registry).history
    assert history[-1]["loss"] < history[0]["loss"]
