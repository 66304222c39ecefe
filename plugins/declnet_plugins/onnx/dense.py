"""Dense layers and embeddings in ONNX."""

from __future__ import annotations

from math import sqrt

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag
from declnet_plugins.tabular.layers.realmlp import NTPDense


class OnnxDense(OnnxTranslation):
    """Gemm, or MatMul and Add for the steps of sequences."""

    replaces = (Dense, NTPDense)

    def write(self, component: Dense | NTPDense, site: TranslationSite, w: GraphWriter) -> str:
        """Return x @ weights + biases."""
        (shape,), (x,) = site.input_shapes, site.inputs
        weights = np.asarray(site.parameters["weights"], float)
        if isinstance(component, NTPDense):
            weights = weights / sqrt(shape[-1])
        biases = [w.constant(site.parameters["biases"], "float32")] if component.use_bias else []
        matrix = w.constant(weights, "float32")
        if len(shape) == 1:
            return w.op("Gemm", x, matrix, *biases)
        product = w.op("MatMul", x, matrix)
        return w.op("Add", product, *biases) if biases else product


class OnnxEmbedding(OnnxTranslation):
    """Gather; integers out of range are refused."""

    replaces = (Embedding,)

    def write(self, component: Embedding, site: TranslationSite, w: GraphWriter) -> str:
        """Return a row of weights for each integer."""
        return _rows_of_weights(w, site, *component.vocabularies(site.input_shapes[0]))


class OnnxEmbeddingBag(OnnxTranslation):
    """Gather and MatMul; integers out of range are refused."""

    replaces = (EmbeddingBag,)

    def write(self, component: EmbeddingBag, site: TranslationSite, w: GraphWriter) -> str:
        """Return the sum of the rows of weights times their scores, plus the biases."""
        rows = _rows_of_weights(w, site, np.array(len(site.parameters["weights"])), np.array(0))
        y = w.squeeze(w.op("MatMul", w.expand(site.inputs[1], 1), rows), 1)
        if not component.use_bias:
            return y
        return w.op("Add", y, w.constant(site.parameters["biases"], "float32"))


def _rows_of_weights(w: GraphWriter, site: TranslationSite, sizes: Array, starts: Array) -> str:
    """Return the row of weights of each integer, and refuse those out of range.

    Args:
        sizes: the size of each number's vocabulary.
        starts: its first row.
    """
    x = w.cast(site.inputs[0], "int64")
    known = w.op(
        "And", w.compute("GreaterOrEqual", x, 0), w.op("Less", x, w.constant(sizes, "int64"))
    )
    rows = w.op("Add", x, w.constant(starts, "int64")) if np.any(starts) else x
    w.refuse(w.op("Not", known))
    rows = w.where(known, rows, w.constant(0, "int64"))
    return w.op("Gather", w.constant(site.parameters["weights"], "float32"), rows, axis=0)
