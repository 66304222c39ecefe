"""The embedding of integers in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.embedding import Embedding

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
