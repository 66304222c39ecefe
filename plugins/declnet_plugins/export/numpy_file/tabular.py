"""Layers for tables in NumPy; each function is a layer's equation."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import Array
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.tabular.layers.feature_scale import FeatureScale
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.ntp_dense import NTPDense
from declnet_plugins.tabular.layers.parametric_activation import ParametricActivation
from declnet_plugins.tabular.layers.periodic import PBLD
from declnet_plugins.tabular.layers.piecewise_linear import PiecewiseLinear


def feature_scale(x: Array, *, scale: Array) -> Array:
    return x * scale


def members(x: Array, *, scale: Array) -> Array:
    return np.asarray(x[:, None] * scale)


def member_dense(x: Array, *, weights: Array, biases: Array) -> Array:
    return np.asarray(np.matmul(x.swapaxes(0, 1), weights).swapaxes(0, 1) + biases)


def ntp_dense(x: Array, *, weights: Array, biases: Array) -> Array:
    return np.asarray((x * (1 / sqrt(x.shape[1]))) @ weights + biases)


def parametric_activation(x: Array, activated: Array, *, shares: Array) -> Array:
    return np.asarray(x + shares.reshape(-1, *[1] * (x.ndim - 2)) * (activated - x))


def pbld(x: Array, *, frequencies: Array, phases: Array, weights: Array, biases: Array) -> Array:
    angles = x[:, :, None] * (2 * np.pi * frequencies) + phases
    embedded = np.einsum("nfh,fho->nfo", np.cos(angles), weights) + biases
    return np.concatenate([embedded.reshape(len(x), -1), x], axis=1)


def piecewise_linear(
    x: Array, *, edges: Array, weights: Array, slopes: Array, biases: Array
) -> Array:
    left, right = edges[:, :-1], edges[:, 1:]
    widths = right - left
    per_width = np.divide(1, widths, out=np.zeros_like(widths), where=widths > 0)
    lowest = np.where(left > edges[:, :1], 0, -1e30).astype(x.dtype)
    highest = np.where(right < edges[:, -1:], 1, 1e30).astype(x.dtype)
    e = np.clip((x[:, :, None] - left) * per_width, lowest, highest)
    return np.asarray(np.einsum("nfb,fbo->nfo", e, weights) + x[:, :, None] * slopes + biases)


class NumpyTabularLayers(NumpyTranslation):
    """Layers for tables."""

    functions: ClassVar[Any] = {
        FeatureScale: feature_scale,
        Members: members,
        MemberDense: member_dense,
        NTPDense: ntp_dense,
        ParametricActivation: parametric_activation,
        PBLD: pbld,
        PiecewiseLinear: piecewise_linear,
    }
    replaces = tuple(functions)
