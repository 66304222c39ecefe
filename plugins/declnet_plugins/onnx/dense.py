"""Layers of matrix products, embeddings and scales in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi, sqrt

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.activations import along_first_axis
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.tabular.layers.feature_scale import FeatureScale
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.ntp_dense import NTPDense
from declnet_plugins.tabular.layers.parametric_activation import ParametricActivation
from declnet_plugins.tabular.layers.periodic import PBLD
from declnet_plugins.tabular.layers.piecewise_linear import LARGE, PiecewiseLinear


class OnnxDense(OnnxTranslation):
    """Gemm, or MatMul and Add for the steps of sequences."""

    replaces = (Dense, NTPDense)

    def write(self, component: Dense | NTPDense, site: TranslationSite, w: GraphWriter) -> str:
        """Return x @ weights + biases."""
        (shape,), (x,) = site.input_shapes, site.inputs
        weights = np.asarray(site.parameters["weights"], float)
        if isinstance(component, NTPDense):
            weights = weights / sqrt(shape[-1])
        arguments = w.constant(weights, "float32"), w.constant(site.parameters["biases"], "float32")
        if len(shape) == 1:
            return w.op("Gemm", x, *arguments)
        return w.op("Add", w.op("MatMul", x, arguments[0]), arguments[1])


class OnnxEmbedding(OnnxTranslation):
    """Gather; integers out of range are refused."""

    replaces = (Embedding,)

    def write(self, component: Embedding, site: TranslationSite, w: GraphWriter) -> str:
        """Return a row of weights for each integer."""
        weights = site.parameters["weights"]
        sizes, starts = component.vocabularies(site.input_shapes[0])
        x = w.cast(site.inputs[0], "int64")
        known = w.op(
            "And", w.compute("GreaterOrEqual", x, 0), w.op("Less", x, w.constant(sizes, "int64"))
        )
        rows = w.op("Add", x, w.constant(starts, "int64")) if np.any(starts) else x
        w.refuse(w.op("Not", known))
        rows = w.where(known, rows, w.constant(0, "int64"))
        return w.op("Gather", w.constant(weights, "float32"), rows, axis=0)


class OnnxScale(OnnxTranslation):
    """Mul with a factor for each number, or for each number of each member."""

    replaces = (FeatureScale, Members)

    def write(
        self, component: FeatureScale | Members, site: TranslationSite, w: GraphWriter
    ) -> str:
        """Return x * scale, or x * scale[i] for each member."""
        (x,) = site.inputs
        if isinstance(component, Members):
            x = w.expand(x, 1)
        return w.op("Mul", x, w.constant(site.parameters["scale"], "float32"))


class OnnxMemberDense(OnnxTranslation):
    """MatMul of a row for each member."""

    replaces = (MemberDense,)

    def write(self, component: MemberDense, site: TranslationSite, w: GraphWriter) -> str:
        """Return x[:, i] @ weights[i] + biases[i]."""
        return product_of_each(w, site.inputs[0], site.parameters)


def product_of_each(w: GraphWriter, x: str, parameters: Mapping[str, Array]) -> str:
    """Return x[:, i] @ weights[i] + biases[i], given x (n, count, inputs)."""
    rows = w.op("MatMul", w.expand(x, 2), w.constant(parameters["weights"], "float32"))
    return w.op("Add", w.squeeze(rows, 2), w.constant(parameters["biases"], "float32"))


class OnnxParametricActivation(OnnxTranslation):
    """A share of the change that an activation makes."""

    replaces = (ParametricActivation,)

    def write(self, component: ParametricActivation, site: TranslationSite, w: GraphWriter) -> str:
        """Return x + shares * (f - x)."""
        x, activated = site.inputs
        shares = along_first_axis(site.parameters["shares"], site.input_shapes[0])
        change = w.compute("Mul", w.op("Sub", activated, x), shares)
        return w.op("Add", x, change)


class OnnxPBLD(OnnxTranslation):
    """Cosines of each feature, a product for each, and the features themselves."""

    replaces = (PBLD,)

    def write(self, component: PBLD, site: TranslationSite, w: GraphWriter) -> str:
        """Return the embeddings of the features, then x."""
        (x,), parameters = site.inputs, site.parameters
        frequencies = 2 * pi * np.asarray(parameters["frequencies"], float)
        angles = w.compute("Mul", w.expand(x, 2), frequencies)
        cosines = w.op("Cos", w.compute("Add", angles, parameters["phases"]))
        return w.concat([w.rows(product_of_each(w, cosines, parameters)), x])


class OnnxPiecewiseLinear(OnnxTranslation):
    """The bins of each feature, a product for each, and its linear part."""

    replaces = (PiecewiseLinear,)

    def write(self, component: PiecewiseLinear, site: TranslationSite, w: GraphWriter) -> str:
        """Return slopes * x + biases + e(x) @ weights."""
        parameters, x = site.parameters, w.expand(site.inputs[0], 2)
        edges = np.asarray(parameters["edges"], float)
        left, right = edges[:, :-1], edges[:, 1:]
        width = right - left
        per_width = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
        lowest = np.where(left > edges[:, :1], 0, -LARGE)
        highest = np.where(right < edges[:, -1:], 1, LARGE)
        e = w.compute("Mul", w.compute("Sub", x, left), per_width)
        e = w.compute("Min", w.compute("Max", e, lowest), highest)
        return w.op(
            "Add", product_of_each(w, e, parameters), w.compute("Mul", x, parameters["slopes"])
        )
