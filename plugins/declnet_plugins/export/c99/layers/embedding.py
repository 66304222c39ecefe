"""Embeddings of integers that have vocabularies of their own, and weighted sums, in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag

OWN_VOCABULARIES = """
for (int i = 0; i < $numbers; i++) {
    const float *const w = $weights + ($starts[i] + x[i]) * $units;
    for (int j = 0; j < $units; j++) y[i * $units + j] = w[j];
}
"""


BAG = """
for (int j = 0; j < $units; j++) y[j] = $first;
for (int i = 0; i < $slots; i++) {
    for (int j = 0; j < $units; j++) y[j] += scores[i] * $weights[x[i] * $units + j];
}
"""


class CEmbedding(CTranslation):
    """y = weights[x], with an error for x beyond its vocabulary."""

    replaces = (Embedding,)

    def write(self, layer: Embedding, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the integers, which are compared with the vocabulary."""
        (x,), (shape,) = site.inputs, site.input_shapes
        sizes, starts = layer.vocabularies(shape)
        if not np.any(starts):
            raise Untranslatable("integers of one vocabulary are recorded")
        of_sizes, of_starts = (
            w.constant(f"{site.name}_{name}", array.astype(np.int32), "int32_t")
            for name, array in (("sizes", sizes), ("starts", starts))
        )
        w.refuse(x, f"x[i] < 0 || x[i] >= {of_sizes}[i]")
        return w.compute(
            site.name, OWN_VOCABULARIES, {"x": x}, site.output_shape,
            numbers=prod(shape), units=layer.units, starts=of_starts,
            weights=site.parameters["weights"],
        )  # fmt: skip


class CEmbeddingBag(CTranslation):
    """y = the sum of scores * weights[x], + biases."""

    replaces = (EmbeddingBag,)

    def write(self, layer: EmbeddingBag, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the integers, which are compared with the vocabulary."""
        inputs = dict(zip(("x", "scores"), site.inputs, strict=True))
        terms: dict[str, Any] = {
            "slots": site.input_shapes[0][0],
            "units": layer.units,
            "weights": site.parameters["weights"],
        }
        w.refuse(inputs["x"], f"x[i] < 0 || x[i] >= {len(site.parameters['weights'])}")
        body = BAG.replace("$first", "$biases[j]" if layer.use_bias else "0.0f")
        if layer.use_bias:
            terms["biases"] = site.parameters["biases"]
        return w.compute(site.name, body, inputs, site.output_shape, **terms)
