"""Activations in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.activations import (
    ELU,
    SELU,
    HardSigmoid,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.gelu import GELU
from declnet_plugins.standard.layers.prelu import PReLU


def gelu(w: GraphWriter, x: str) -> str:
    """Return x * Phi(x) = x / 2 * (1 + erf(x / sqrt(2)))."""
    erf = w.op("Erf", w.compute("Mul", x, 1 / sqrt(2)))
    return w.op("Mul", w.compute("Mul", x, 0.5), w.compute("Add", erf, 1))


def gelu_by_tanh(w: GraphWriter, x: str) -> str:
    """Return x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    cube = w.op("Mul", w.op("Mul", x, x), x)
    inner = w.op("Add", x, w.compute("Mul", cube, 0.044715))
    t = w.op("Tanh", w.compute("Mul", inner, sqrt(2 / pi)))
    return w.op("Mul", w.compute("Mul", x, 0.5), w.compute("Add", t, 1))


def silu(w: GraphWriter, x: str) -> str:
    """Return x * sigmoid(x)."""
    return w.op("Mul", x, w.op("Sigmoid", x))


def softplus(w: GraphWriter, x: str, beta: float) -> str:
    """Return log(1 + exp(beta * x)) / beta."""
    if beta == 1:
        return w.op("Softplus", x)
    return w.compute("Div", w.op("Softplus", w.compute("Mul", x, beta)), beta)


SIMPLE: dict[type, Callable[[Any, GraphWriter, str], str]] = {
    ReLU: lambda _, w, x: w.op("Relu", x),
    LeakyReLU: lambda layer, w, x: w.op("LeakyRelu", x, alpha=layer.negative_slope),
    ELU: lambda layer, w, x: w.op("Elu", x, alpha=layer.alpha),
    SELU: lambda _, w, x: w.op("Selu", x),
    Softplus: lambda layer, w, x: softplus(w, x, layer.beta),
    Sigmoid: lambda _, w, x: w.op("Sigmoid", x),
    HardSigmoid: lambda _, w, x: w.op("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    Tanh: lambda _, w, x: w.op("Tanh", x),
    SiLU: lambda _, w, x: silu(w, x),
    Mish: lambda _, w, x: w.op("Mul", x, w.op("Tanh", w.op("Softplus", x))),
    Softmax: lambda _, w, x: w.op("Softmax", x, axis=-1),
    GELU: lambda layer, w, x: (gelu_by_tanh if layer.approximation == "tanh" else gelu)(w, x),
}
"""How each activation without parameters is written."""


class OnnxActivations(OnnxTranslation):
    """Activations without parameters, by the operators of their names or a few of them."""

    replaces = tuple(SIMPLE)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return f(x)."""
        return SIMPLE[type(component)](component, w, site.inputs[0])


class OnnxPrelu(OnnxTranslation):
    """PRelu, with slopes along the features or the channels."""

    replaces = (PReLU,)

    def write(self, component: PReLU, site: TranslationSite, w: GraphWriter) -> str:
        """Return max(x, 0) + slopes * min(x, 0)."""
        slopes = along_first_axis(site.parameters["slopes"], site.input_shapes[0])
        return w.op("PRelu", site.inputs[0], w.constant(slopes, "float32"))


def along_first_axis(numbers: Any, shape: tuple[int, ...]) -> Any:
    """Return numbers for the first axis of samples, shaped so that they broadcast over samples."""
    return np.reshape(numbers, (-1, *(1 for _ in shape[1:])))
