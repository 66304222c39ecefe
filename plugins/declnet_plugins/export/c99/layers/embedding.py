"""The embedding of integers that have vocabularies of their own, in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.embedding import Embedding

OWN_VOCABULARIES = """
for (int i = 0; i < $numbers; i++) {
    if (x[i] < 0 || x[i] >= $sizes[i]) return ${PREFIX}_OUT_OF_RANGE;
    const float *const w = $weights + ($starts[i] + x[i]) * $units;
    for (int j = 0; j < $units; j++) y[i * $units + j] = w[j];
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
        terms: dict[str, Any] = {
            name: w.constant(f"{site.name}_{name}", array.astype(np.int32).reshape(-1), "int32_t")
            for name, array in (("sizes", sizes), ("starts", starts))
        }
        return w.compute(
            site.name, OWN_VOCABULARIES, {"x": x}, site.output_shape, fails=True,
            numbers=prod(shape), units=layer.units, weights=site.parameters["weights"], **terms,
        )  # fmt: skip
