"""Layers that join, reshape or pass on their inputs, in ONNX."""

from __future__ import annotations

from typing import Any

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise
from declnet_plugins.standard.layers.joining import Add, Concatenate, Multiply


class OnnxSum(OnnxTranslation):
    """Add or Mul, one input at a time."""

    replaces = (Add, Multiply)

    def write(self, component: Add | Multiply, site: TranslationSite, w: GraphWriter) -> str:
        """Return the sum or the product of the inputs."""
        x, *others = site.inputs
        for other in others:
            x = w.op("Add" if isinstance(component, Add) else "Mul", x, other)
        return str(x)


class OnnxConcatenate(OnnxTranslation):
    """Concat."""

    replaces = (Concatenate,)

    def write(self, component: Concatenate, site: TranslationSite, w: GraphWriter) -> str:
        """Return the inputs, joined."""
        return w.concat(site.inputs, component.axis + 1)


class OnnxNoise(OnnxTranslation):
    """Nothing: noise is for training."""

    replaces = (Dropout, GaussianNoise)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return x."""
        return str(site.inputs[0])
