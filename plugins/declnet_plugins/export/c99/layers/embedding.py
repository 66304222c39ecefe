"""Embeddings of integers, and their weighted sums, in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag

ONE_VOCABULARY = """
for (int i = 0; i < $numbers; i++) {
    if (x[i] < 0 || x[i] >= $rows) return ${PREFIX}_OUT_OF_RANGE;
    for (int j = 0; j < $units; j++) y[i * $units + j] = $weights[x[i] * $units + j];
}
"""

OWN_VOCABULARIES = """
for (int i = 0; i < $numbers; i++) {
    if (x[i] < 0 || x[i] >= $sizes[i]) return ${PREFIX}_OUT_OF_RANGE;
    const float *const w = $weights + ($starts[i] + x[i]) * $units;
    for (int j = 0; j < $units; j++) y[i * $units + j] = w[j];
}
"""


BAG = """
for (int j = 0; j < $units; j++) y[j] = $first;
for (int i = 0; i < $slots; i++) {
    if (x[i] < 0 || x[i] >= $rows) return ${PREFIX}_OUT_OF_RANGE;
    for (int j = 0; j < $units; j++) y[j] += scores[i] * $weights[x[i] * $units + j];
}
"""


class CEmbedding(CTranslation):
    """y = weights[x]."""

    replaces = (Embedding,)

    def write(self, layer: Embedding, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the integers, which are compared with the vocabulary."""
        (x,), (shape,) = site.inputs, site.input_shapes
        numbers = prod(shape)
        sizes, starts = layer.vocabularies(shape)
        terms: dict[str, Any] = {
            "numbers": numbers,
            "units": layer.units,
            "weights": site.parameters["weights"],
        }
        body = ONE_VOCABULARY
        if numbers > 1 and np.any(starts):
            body = OWN_VOCABULARIES
            for name, array in (("sizes", sizes), ("starts", starts)):
                integers = np.asarray(array, np.int32).reshape(-1)
                terms[name] = w.constant(f"{site.name}_{name}", integers, "int32_t")
        else:
            terms["rows"] = int(np.max(sizes))
        return w.compute(site.name, body, {"x": x}, site.output_shape, fails=True, **terms)


class CEmbeddingBag(CTranslation):
    """y = the sum of scores * weights[x], + biases."""

    replaces = (EmbeddingBag,)

    def write(self, layer: EmbeddingBag, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the integers, which are compared with the vocabulary."""
        inputs = dict(zip(("x", "scores"), site.inputs, strict=True))
        terms: dict[str, Any] = {
            "slots": site.input_shapes[0][0],
            "units": layer.units,
            "rows": len(site.parameters["weights"]),
            "weights": site.parameters["weights"],
        }
        body = BAG.replace("$first", "$biases[j]" if layer.use_bias else "0.0f")
        if layer.use_bias:
            terms["biases"] = site.parameters["biases"]
        return w.compute(site.name, body, inputs, site.output_shape, fails=True, **terms)
