"""Attention in ONNX."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.sequences import steps_before, without_padding
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.attention import CrossAttention, MultiHeadAttention

LEAST = float(np.finfo(np.float32).min)
"""What a key that gets no share adds to its logit; with -inf, a row without keys would be NaN."""


class OnnxAttention(OnnxTranslation):
    """Products, a softmax over the keys that are not padding, and 0 where there are none."""

    replaces = (MultiHeadAttention, CrossAttention)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return the attention of a sequence to itself or to another one."""
        is_self = isinstance(component, MultiHeadAttention)
        x, memory = site.inputs[0], site.inputs[0 if is_self else 1]
        time, others = site.input_shapes[0][0], site.input_shapes[0 if is_self else 1][0]
        lengths = site.inputs[1 if is_self else 2 :]
        query_lengths, of_keys = lengths[0 if is_self else 1 :][:1], lengths[:1]
        width, heads = site.output_shape[1], component.heads
        key = _project(w, site, "key", memory)
        value = _project(w, site, "value", memory)
        query = w.compute("Mul", _project(w, site, "query", x), 1 / sqrt(width // heads))

        def split(projected: str, steps: int, *axes: int) -> str:
            return w.transpose(w.reshape(projected, (steps, heads, width // heads)), *axes)

        logits = w.op("MatMul", split(query, time, 0, 2, 1, 3), split(key, others, 0, 2, 3, 1))
        mask = None
        if of_keys:
            mask = w.expand(steps_before(w, of_keys[0], others), 1, 2)
        if is_self and component.causal:
            earlier = w.constant(np.tri(time, dtype=bool))
            mask = earlier if mask is None else w.op("And", mask, earlier)
        if mask is None:
            shares = w.op("Softmax", logits, axis=-1)
        else:
            logits = w.where(mask, logits, w.like(logits, LEAST))
            shares = w.where(mask, w.op("Softmax", logits, axis=-1), w.like(logits, 0))
        context = w.op("MatMul", shares, split(value, others, 0, 2, 1, 3))
        context = w.reshape(w.transpose(context, 0, 2, 1, 3), (time, width))
        projected = _project(w, site, "output", context)
        return without_padding(
            w, projected, steps_before(w, query_lengths[0], time) if query_lengths else None
        )


def _project(w: GraphWriter, site: TranslationSite, name: str, x: str) -> str:
    projected = w.compute("MatMul", x, site.parameters[f"{name}_weights"])
    biases = site.parameters.get(f"{name}_biases")
    return projected if biases is None else w.compute("Add", projected, biases)
