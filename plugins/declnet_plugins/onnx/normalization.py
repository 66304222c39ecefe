"""Normalization in ONNX."""

from __future__ import annotations

from math import prod

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.activations import along_first_axis
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.sample_normalization import GroupNorm, LayerNorm


class OnnxBatchNorm(OnnxTranslation):
    """BatchNormalization, with the running mean and variance."""

    replaces = (BatchNorm,)

    def write(self, component: BatchNorm, site: TranslationSite, w: GraphWriter) -> str:
        """Return scale * (x - mean) / sqrt(variance + epsilon) + offset."""
        names = ("scale", "offset", "running_mean", "running_variance")
        arrays = (w.constant(site.parameters[name], "float32") for name in names)
        return w.op("BatchNormalization", site.inputs[0], *arrays, epsilon=component.epsilon)


class OnnxLayerNorm(OnnxTranslation):
    """LayerNormalization over the last axes."""

    replaces = (LayerNorm,)

    def write(self, component: LayerNorm, site: TranslationSite, w: GraphWriter) -> str:
        """Return scale * (x - mean) / sqrt(variance + epsilon) + offset."""
        arrays = (w.constant(site.parameters[name], "float32") for name in ("scale", "offset"))
        axis = -(component.axes or len(site.input_shapes[0]))
        x = site.inputs[0]
        return w.op("LayerNormalization", x, *arrays, axis=axis, epsilon=component.epsilon)


class OnnxGroupNorm(OnnxTranslation):
    """LayerNormalization of each group, then a scale and an offset for each channel."""

    replaces = (GroupNorm,)

    def write(self, component: GroupNorm, site: TranslationSite, w: GraphWriter) -> str:
        """Return scale * (x - mean) / sqrt(variance + epsilon) + offset."""
        (shape,), (x,) = site.input_shapes, site.inputs
        size = prod(shape) // component.groups
        grouped = w.reshape(x, (component.groups, size))
        ones, zeros = w.constant(np.ones(size), "float32"), w.constant(np.zeros(size), "float32")
        z = w.op("LayerNormalization", grouped, ones, zeros, axis=-1, epsilon=component.epsilon)
        scale, offset = (
            along_first_axis(site.parameters[name], shape) for name in ("scale", "offset")
        )
        return w.compute("Add", w.compute("Mul", w.reshape(z, shape), scale), offset)
