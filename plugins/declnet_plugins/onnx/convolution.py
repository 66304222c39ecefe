"""Convolutions and pooling in ONNX, whose images and weights have declnet's order of axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.sequences import kept_steps, without_padding
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.conv1d import Conv1d
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose
from declnet_plugins.standard.layers.pooling import (
    AveragePool2d,
    GlobalAveragePool2d,
    GlobalMaxPool2d,
    MaxPool2d,
)
from declnet_plugins.standard.layers.window import Axis, window_over


def _settings(*axes: Axis) -> dict[str, Any]:
    """Return the attributes of a window over some axes."""
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "pads": [*(axis.before for axis in axes), *(axis.after for axis in axes)],
    }


class OnnxConvolution(OnnxTranslation):
    """Conv, or ConvTranspose, which pads less than what it transposes if that sees less.

    Sequences are transposed to (n, features, time).
    """

    replaces = (Conv1d, Conv2d, Conv2dTranspose)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return the convolution, 0 at the padding of sequences."""
        shape, x, parameters = site.input_shapes[0], site.inputs[0], dict(site.parameters)
        is_sequence = isinstance(component, Conv1d)
        is_transposed = isinstance(component, Conv2dTranspose)
        if is_sequence:
            axes: tuple[Axis, ...] = (component._axis(shape[0]),)
            is_step = kept_steps(w, site, shape[0])
            x = w.transpose(without_padding(w, x, is_step), 0, 2, 1)
            parameters["weights"] = np.transpose(parameters["weights"], (2, 1, 0))
        else:
            images = site.output_shape if is_transposed else shape
            sizes = component.kernel_size, component.stride, component.padding, component.dilation
            window = window_over("", images, *sizes)
            axes = window.rows, window.columns
        settings = _settings(*axes) | {"dilations": [axis.dilation for axis in axes]}
        if is_transposed:
            settings["output_padding"] = [
                axis.padded
                - (axis.output - 1) * axis.stride
                - (axis.kernel - 1) * axis.dilation
                - 1
                for axis in axes
            ]
        arrays = (
            w.constant(parameters[name], "float32")
            for name in ("weights", "biases")
            if name in parameters
        )
        operator = "ConvTranspose" if is_transposed else "Conv"
        y = w.op(operator, x, *arrays, group=component.groups, **settings)
        return without_padding(w, w.transpose(y, 0, 2, 1), is_step) if is_sequence else y


class OnnxPool(OnnxTranslation):
    """MaxPool or AveragePool, where padding counts."""

    replaces = (MaxPool2d, AveragePool2d)

    def write(
        self, component: MaxPool2d | AveragePool2d, site: TranslationSite, w: GraphWriter
    ) -> str:
        """Return the maximum or the mean of each window."""
        stride = component.stride or component.pool_size
        window = window_over(
            "", site.input_shapes[0], component.pool_size, stride, component.padding
        )
        settings = _settings(window.rows, window.columns)
        if isinstance(component, MaxPool2d):
            return w.op("MaxPool", site.inputs[0], **settings)
        return w.op("AveragePool", site.inputs[0], **settings, count_include_pad=1)


class OnnxGlobalPool(OnnxTranslation):
    """The maximum or mean over both axes of images."""

    replaces = (GlobalAveragePool2d, GlobalMaxPool2d)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return a number for each channel."""
        mean = isinstance(component, GlobalAveragePool2d)
        return w.reduce("ReduceMean" if mean else "ReduceMax", site.inputs[0], [2, 3], keep=False)
