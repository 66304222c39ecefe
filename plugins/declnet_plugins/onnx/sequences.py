"""Masks of sequences with lengths in ONNX."""

from __future__ import annotations

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.writer import GraphWriter


def kept_steps(w: GraphWriter, site: TranslationSite, time: int) -> str | None:
    """Return whether each step is not padding, (n, time); None without an input of lengths."""
    return steps_before(w, site.inputs[1], time) if len(site.inputs) > 1 else None


def steps_before(w: GraphWriter, lengths: str, time: int) -> str:
    """Return whether each step comes before the end, (n, time), given lengths (n,) or (n, 1)."""
    column = w.op("Reshape", w.cast(lengths, "int64"), w.constant([-1, 1], "int64"))
    return w.op("Less", w.constant(np.arange(time), "int64"), column)


def without_padding(w: GraphWriter, x: str, is_step: str | None) -> str:
    """Return sequences (n, time, features) with 0 at padding."""
    if is_step is None:
        return x
    return w.where(w.expand(is_step, 2), x, w.like(x, 0))
