"""Activations in NumPy; each function is the equation of the layer of that name."""

from __future__ import annotations

from math import erf, sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import Array
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.layers.activations import (
    ALPHA,
    ELU,
    SCALE,
    SELU,
    HardSigmoid,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.layers.gating import GLU, Maxout
from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise
from declnet_plugins.standard.layers.gelu import GELU
from declnet_plugins.standard.layers.prelu import PReLU


def linear(x: Array) -> Array:
    return x


def relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, 0))


def leaky_relu(x: Array, *, negative_slope: float) -> Array:
    return np.asarray(np.maximum(x, negative_slope * x))


def elu(x: Array, *, alpha: float) -> Array:
    return np.asarray(np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)))


def selu(x: Array) -> Array:
    return np.asarray(SCALE * (np.maximum(x, 0) + ALPHA * np.expm1(np.minimum(x, 0))))


def softplus(x: Array, *, beta: float = 1.0) -> Array:
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-beta * np.abs(x))) / beta)


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, e) / (1 + e))


def hard_sigmoid(x: Array) -> Array:
    return np.asarray(np.clip((x + 3) / 6, 0, 1))


def tanh(x: Array) -> Array:
    return np.asarray(np.tanh(x))


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def mish(x: Array) -> Array:
    return np.asarray(x * np.tanh(softplus(x)))


def normal_cdf(x: Array) -> Array:
    share = [0.5 * (1 + erf(number / sqrt(2))) for number in x.ravel().tolist()]
    return np.array(share, x.dtype).reshape(x.shape)


def gelu(x: Array, *, approximation: str = "none") -> Array:
    if approximation == "tanh":
        cube = sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        return np.asarray(0.5 * x * (1 + np.tanh(cube)))
    return x * normal_cdf(x)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def prelu(x: Array, *, slopes: Array) -> Array:
    along = slopes.reshape(-1, *[1] * (x.ndim - 2)) if x.ndim > 1 else slopes
    return np.asarray(np.maximum(x, 0) + along * np.minimum(x, 0))


def features_axis(x: Array) -> int:
    """Return the axis of the features: the channels of images, otherwise the last one."""
    return 1 if x.ndim == 4 else x.ndim - 1


def glu(x: Array, *, activation: str) -> Array:
    a, b = np.split(x, 2, axis=features_axis(x))
    functions = {
        "sigmoid": sigmoid,
        "silu": silu,
        "gelu": gelu,
        "relu": relu,
        "tanh": tanh,
        "linear": linear,
    }
    return np.asarray(a * functions[activation](b))


def maxout(x: Array, *, pieces: int) -> Array:
    axis = features_axis(x)
    shape = (*x.shape[:axis], x.shape[axis] // pieces, pieces, *x.shape[axis + 1 :])
    return np.asarray(x.reshape(shape).max(axis=axis + 1))


class NumpyActivations(NumpyTranslation):
    """Activations."""

    functions: ClassVar[Any] = {
        Linear: linear,
        ReLU: relu,
        LeakyReLU: leaky_relu,
        ELU: elu,
        SELU: selu,
        Softplus: softplus,
        Sigmoid: sigmoid,
        HardSigmoid: hard_sigmoid,
        Tanh: tanh,
        SiLU: silu,
        Mish: mish,
        GELU: gelu,
        Softmax: softmax,
        PReLU: prelu,
        GLU: glu,
        Maxout: maxout,
        Dropout: linear,
        GaussianNoise: linear,
    }
    replaces = tuple(functions)
