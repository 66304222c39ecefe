"""Layers that make one vector of a sequence, and positions, in C99."""

from __future__ import annotations

import numpy as np

from declnet import Layer
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation, items, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.over_time import LastStep, MaxOverTime, MeanOverTime
from declnet_plugins.standard.layers.positions import PositionalEncoding, waves

BODIES: dict[type[Layer], str] = {
    LastStep: """
        for (int j = 0; j < $features; j++) {
            y[j] = $length > 0 ? x[($length - 1) * $features + j] : 0.0f;
        }
    """,
    MeanOverTime: """
        for (int j = 0; j < $features; j++) y[j] = 0.0f;
        for (int t = 0; t < $length; t++) {
            for (int j = 0; j < $features; j++) y[j] += x[t * $features + j];
        }
        const float steps = $length > 1 ? (float) ($length) : 1.0f;
        for (int j = 0; j < $features; j++) y[j] /= steps;
    """,
    MaxOverTime: """
        for (int j = 0; j < $features; j++) y[j] = $length > 0 ? x[j] : 0.0f;
        for (int t = 1; t < $length; t++) {
            for (int j = 0; j < $features; j++) {
                if (x[t * $features + j] > y[j]) y[j] = x[t * $features + j];
            }
        }
    """,
}


def check_length(time: int) -> str:
    """Return a statement that refuses lengths that sequences cannot have."""
    return f"if (lengths[0] < 0 || lengths[0] > {time}) return ${{PREFIX}}_OUT_OF_RANGE;\n"


class COverTime(CTranslation):
    """The last step, the mean or the maximum of a sequence's own steps."""

    replaces = (LastStep, MeanOverTime, MaxOverTime)

    def write(self, layer: Layer, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over steps and features."""
        time, features = site.input_shapes[0]
        inputs = dict(zip(("x", "lengths"), site.inputs, strict=False))
        has_lengths = len(inputs) > 1
        length = "lengths[0]" if has_lengths else str(time)
        body = BODIES[type(layer)].replace("$length", length)
        if has_lengths:
            body = check_length(time) + "\n".join(line[8:] for line in body.splitlines())
        return step(site, body, inputs, features=features, fails=has_lengths)


class CPositionalEncoding(CTranslation):
    """y[t] = x[t] + p[t]."""

    replaces = (PositionalEncoding,)

    def write(self, layer: PositionalEncoding, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over all numbers; positions are constants."""
        shape = site.output_shape
        learned = layer.encoding == "learned"
        known = site.parameters["positions"] if learned else waves(*shape, np.dtype(np.float64))
        return items(site, "x[i] + $positions[i]", positions=known)
