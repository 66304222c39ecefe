"""Attention in C99: keys and values of all steps are kept, queries and shares of one at a time."""

from __future__ import annotations

from math import sqrt
from textwrap import indent
from typing import Any

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.translation import CTranslation, check_lengths, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.attention import CrossAttention, MultiHeadAttention

ATTENTION = """
for (int s = 0; s < $end; s++) {
    const float *const given = $memory + s * $other_features;
    float *const key = keys + s * $units, *const value = values + s * $units;
$key
$value
}
for (int t = 0; t < $time; t++) {
    const float *const given = x + t * $features;
    float *const own = y + t * $units;
$padding
$query
    const int last = $last;
    for (int h = 0; h < $heads; h++) {
        float largest = -INFINITY, sum = 0.0f;
        for (int s = 0; s < last; s++) {
            const float *const key = keys + s * $units + h * $size;
            float product = 0.0f;
            for (int j = 0; j < $size; j++) product += query[h * $size + j] * key[j];
            shares[s] = product * $scale;
            if (shares[s] > largest) largest = shares[s];
        }
        for (int j = 0; j < $size; j++) context[h * $size + j] = 0.0f;
        for (int s = 0; s < last; s++) {
            const float *const value = values + s * $units + h * $size;
            const float share = expf(shares[s] - largest);
            for (int j = 0; j < $size; j++) context[h * $size + j] += share * value[j];
            sum += share;
        }
        if (last > 0) {
            for (int j = 0; j < $size; j++) context[h * $size + j] /= sum;
        }
    }
$output
}
"""

PADDING = """
    if (t >= $queries) {
        for (int j = 0; j < $units; j++) own[j] = 0.0f;
        continue;
    }
"""


class CAttention(CTranslation):
    """Attention of a sequence to itself or to another one."""

    replaces = (MultiHeadAttention, CrossAttention)

    def write(self, layer: Any, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over queries, heads and keys."""
        parameters: dict[str, Any] = dict(site.parameters)
        is_self = isinstance(layer, MultiHeadAttention)
        names = ("x", "lengths") if is_self else ("x", "m", "lengths", "own_lengths")
        inputs = dict(zip(names, site.inputs, strict=False))
        (time, features), (steps, others) = site.input_shapes[0], site.input_shapes[not is_self]
        units = site.output_shape[1]
        end = "lengths[0]" if "lengths" in inputs else str(steps)
        end_of_queries = "lengths[0]" if is_self and "lengths" in inputs else None
        end_of_queries = "own_lengths[0]" if "own_lengths" in inputs else end_of_queries
        last = f"t + 1 < {end} ? t + 1 : {end}" if is_self and layer.causal else end
        projections = (
            ("key", others, "given", "key", 4),
            ("value", others, "given", "value", 4),
            ("query", features, "given", "query", 4),
            ("output", units, "context", "own", 4),
        )
        body = ATTENTION.replace(
            "$padding\n", "" if end_of_queries is None else PADDING.lstrip("\n")
        )
        for name, inner, source, filled, spaces in projections:
            biases = f"${name}_biases" if layer.use_bias else "0"
            text = product(inner, units, f"${name}_weights", biases, source, filled)
            body = body.replace(f"${name}\n", indent(text, " " * spaces) + "\n")
        check_lengths(w, inputs.get("lengths"), steps)
        check_lengths(w, inputs.get("own_lengths"), time)
        sizes = {
            "keys": steps * units,
            "values": steps * units,
            "query": units,
            "shares": steps,
            "context": units,
        }
        return step(
            site, body.strip("\n"), inputs,
            scratch={name: w.scratch(size) for name, size in sizes.items()},
            end=end, last=last, queries=end_of_queries or "",
            memory="x" if is_self else "m", other_features=others, features=features, time=time,
            units=units, heads=layer.heads, size=units // layer.heads,
            scale=1 / sqrt(units // layer.heads), **parameters,
        )  # fmt: skip
