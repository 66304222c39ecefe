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
from declnet_plugins.standard.layers.window import Window, window_over


def _pads(window: Window) -> list[int]:
    rows, columns = window.rows, window.columns
    return [rows.before, columns.before, rows.after, columns.after]


def _given(w: GraphWriter, weights: Any, parameters: Any) -> list[str]:
    biases = [parameters["biases"]] if "biases" in parameters else []
    return [w.constant(array, "float32") for array in (weights, *biases)]


class OnnxConv2d(OnnxTranslation):
    """Conv."""

    replaces = (Conv2d,)

    def write(self, component: Conv2d, site: TranslationSite, w: GraphWriter) -> str:
        """Return the convolution of images."""
        shape, kernel, stride = site.input_shapes[0], component.kernel_size, component.stride
        window = window_over("", shape, kernel, stride, component.padding, component.dilation)
        return w.op(
            "Conv",
            site.inputs[0],
            *_given(w, site.parameters["weights"], site.parameters),
            kernel_shape=list(kernel),
            strides=list(stride),
            dilations=list(component.dilation),
            pads=_pads(window),
            group=component.groups,
        )


class OnnxConv2dTranspose(OnnxTranslation):
    """ConvTranspose, which pads less than the convolution that it transposes if that sees less."""

    replaces = (Conv2dTranspose,)

    def write(self, component: Conv2dTranspose, site: TranslationSite, w: GraphWriter) -> str:
        """Return the transposed convolution of images."""
        kernel, stride, dilation = component.kernel_size, component.stride, component.dilation
        shape, output = site.input_shapes[0], site.output_shape
        window = window_over("", output, kernel, stride, component.padding, dilation)
        pads = _pads(window)
        extra = [
            output[1 + axis]
            - (shape[1 + axis] - 1) * stride[axis]
            - (kernel[axis] - 1) * dilation[axis]
            - 1
            + pads[axis]
            + pads[2 + axis]
            for axis in (0, 1)
        ]
        return w.op(
            "ConvTranspose",
            site.inputs[0],
            *_given(w, site.parameters["weights"], site.parameters),
            kernel_shape=list(kernel),
            strides=list(stride),
            dilations=list(dilation),
            pads=pads,
            output_padding=extra,
            group=component.groups,
        )


class OnnxConv1d(OnnxTranslation):
    """Conv of (n, features, time), with weights (filters, features / groups, kernel_size)."""

    replaces = (Conv1d,)

    def write(self, component: Conv1d, site: TranslationSite, w: GraphWriter) -> str:
        """Return the convolution of sequences, 0 at padding."""
        (time, _), x = site.input_shapes[0], site.inputs[0]
        is_step, axis = kept_steps(w, site, time), component._axis(time)
        weights = np.transpose(site.parameters["weights"], (2, 1, 0))
        convolved = w.op(
            "Conv",
            w.transpose(without_padding(w, x, is_step), 0, 2, 1),
            *_given(w, weights, site.parameters),
            kernel_shape=[component.kernel_size],
            strides=[component.stride],
            dilations=[component.dilation],
            pads=[axis.before, axis.after],
            group=component.groups,
        )
        return without_padding(w, w.transpose(convolved, 0, 2, 1), is_step)


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
        settings: dict[str, Any] = {"kernel_shape": list(component.pool_size)}
        settings |= {"strides": list(stride), "pads": _pads(window)}
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
