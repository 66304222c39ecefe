"""Normalization of batches and samples in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.sample_normalization import GroupNorm, LayerNorm, RMSNorm

BATCH_NORM = """
for (int c = 0; c < $channels; c++) {
    for (int i = c * $places; i < (c + 1) * $places; i++) {
        y[i] = (x[i] - $mean[c]) * $slope[c] + $shift[c];
    }
}
"""


class CBatchNorm(CTranslation):
    """y = slope * (x - mean) + offset, by the running statistics."""

    replaces = (BatchNorm,)

    def write(self, layer: BatchNorm, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over channels; the slope is scale / sqrt(variance + epsilon)."""
        parameters, shape = site.parameters, site.output_shape
        variance = np.asarray(parameters["running_variance"], float)
        slope = np.asarray(parameters["scale"], float) / np.sqrt(variance + layer.epsilon)
        return w.compute(
            site.name, BATCH_NORM, {"x": site.inputs[0]}, shape, in_place="x",
            channels=shape[0], places=prod(shape[1:]), mean=parameters["running_mean"], slope=slope,
            shift=parameters["offset"],
        )  # fmt: skip


SAMPLE_NORM = """
for (int g = 0; g < $groups; g++, x += $length, y += $length) {
    const float first = x[0];
    float sum = 0.0f, square = 0.0f;
    for (int i = 0; i < $length; i++) sum += x[i] - first;
    const float mean = first + sum / $length.0f;
    for (int i = 0; i < $length; i++) square += (x[i] - mean) * (x[i] - mean);
    const float slope = 1.0f / sqrtf(square / $length.0f + $epsilon);
    for (int i = 0; i < $length; i++) {
        y[i] = (x[i] - mean) * slope * $scale[$at] + $offsets[$at];
    }
}
"""

RMS_NORM = """
for (int g = 0; g < $groups; g++, x += $length, y += $length) {
    float square = 0.0f;
    for (int i = 0; i < $length; i++) square += x[i] * x[i];
    const float slope = 1.0f / sqrtf(square / $length.0f + $epsilon);
    for (int i = 0; i < $length; i++) y[i] = x[i] * slope * $scale[i];
}
"""


def _normalized(
    site: TranslationSite, body: str, groups: int, epsilon: float, at: str, **terms: Any
) -> Value:
    writer: CWriter = site.writer
    return writer.compute(
        site.name, body, {"x": site.inputs[0]}, site.output_shape, in_place="x", groups=groups,
        length=prod(site.output_shape) // groups, epsilon=float(epsilon), at=at,
        scale=site.parameters["scale"], **terms,
    )  # fmt: skip


class CLayerNorm(CTranslation):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, over the last axes."""

    replaces = (LayerNorm,)

    def write(self, layer: LayerNorm, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over what is normalized together."""
        groups = prod(site.output_shape) // site.parameters["scale"].size
        offsets = site.parameters["offset"]
        return _normalized(site, SAMPLE_NORM, groups, layer.epsilon, "i", offsets=offsets)


class CGroupNorm(CTranslation):
    """The same for groups of channels, with a scale and an offset for each channel."""

    replaces = (GroupNorm,)

    def write(self, layer: GroupNorm, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over groups."""
        places, channels = prod(site.output_shape[1:]), site.output_shape[0] // layer.groups
        at = f"g * {channels} + i / {places}"
        offsets = site.parameters["offset"]
        return _normalized(site, SAMPLE_NORM, layer.groups, layer.epsilon, at, offsets=offsets)


class CRmsNorm(CTranslation):
    """y = scale * x / sqrt(mean(x**2) + epsilon), over the last axes."""

    replaces = (RMSNorm,)

    def write(self, layer: RMSNorm, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over what is normalized together."""
        groups = prod(site.output_shape) // site.parameters["scale"].size
        return _normalized(site, RMS_NORM, groups, layer.epsilon, "i")
