"""Normalization of batches and samples in C99."""

from __future__ import annotations

from math import prod

import numpy as np

from declnet import Translation, TranslationSite
from declnet_export.c99.writer import Value
from declnet_standard.layers import BatchNorm, GroupNorm, LayerNorm, RMSNorm

BATCH_NORM = """
for (int c = 0; c < $channels; c++) {
    for (int i = c * $places; i < (c + 1) * $places; i++) {
        y[i] = (x[i] - $mean[c]) * $slope[c] + $shift[c];
    }
}
"""


class BatchNormInC(Translation):
    """y = slope * (x - mean) + offset, by the running statistics."""

    type = "c_batch_norm"
    format = "c"
    replaces = (BatchNorm,)

    def translate(self, layer: BatchNorm, site: TranslationSite) -> tuple[Value, ...]:
        """Add loops over channels; the slope is scale / sqrt(variance + epsilon)."""
        own, shape = site.parameters, site.output_shape
        variance = np.asarray(own["running_variance"], float)
        slope = np.asarray(own["scale"], float) / np.sqrt(variance + layer.epsilon)
        return (
            site.writer.compute(
                site.name, BATCH_NORM, {"x": site.inputs[0]}, shape, in_place="x",
                channels=shape[0], places=prod(shape[1:]), mean=own["running_mean"], slope=slope,
                shift=own["offset"],
            ),
        )  # fmt: skip


SAMPLE_NORM = """
for (int g = 0; g < $groups; g++) {
    const float first = $first;
    float mean = 0.0f, square = 0.0f;
    for (int i = 0; i < $length; i++) mean += x[g * $length + i] - first;
    mean = $center;
    for (int i = 0; i < $length; i++) {
        const float z = x[g * $length + i] - mean;
        square += z * z;
    }
    const float slope = 1.0f / sqrtf(square / $length.0f + $epsilon);
    for (int i = 0; i < $length; i++) {
        y[g * $length + i] = (x[g * $length + i] - mean) * slope * $scale[$at]$shift;
    }
}
"""


def _sample_norm(
    site: TranslationSite, groups: int, epsilon: float, at: str, centered: bool = True
) -> tuple[Value, ...]:
    length = prod(site.output_shape) // groups
    terms = {
        "groups": groups,
        "length": length,
        "epsilon": float(epsilon),
        "scale": site.parameters["scale"],
    }
    body = SAMPLE_NORM.replace("$first", "x[g * $length]" if centered else "0.0f")
    body = body.replace("$center", "first + mean / $length.0f" if centered else "0.0f")
    if not centered:
        body = "\n".join(line for line in body.splitlines() if "mean +=" not in line)
    body = body.replace("$shift", " + $offset[$at]" if centered else "").replace("$at", at)
    if centered:
        terms["offset"] = site.parameters["offset"]
    return (
        site.writer.compute(
            site.name, body, {"x": site.inputs[0]}, site.output_shape, in_place="x", **terms
        ),
    )


class LayerNormInC(Translation):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, over the last axes."""

    type = "c_layer_norm"
    format = "c"
    replaces = (LayerNorm,)

    def translate(self, layer: LayerNorm, site: TranslationSite) -> tuple[Value, ...]:
        """Add loops over what is normalized together."""
        groups = prod(site.output_shape) // site.parameters["scale"].size
        return _sample_norm(site, groups, layer.epsilon, "i")


class GroupNormInC(Translation):
    """The same for groups of channels, with a scale and an offset for each channel."""

    type = "c_group_norm"
    format = "c"
    replaces = (GroupNorm,)

    def translate(self, layer: GroupNorm, site: TranslationSite) -> tuple[Value, ...]:
        """Add loops over groups."""
        places, channels = prod(site.output_shape[1:]), site.output_shape[0] // layer.groups
        return _sample_norm(site, layer.groups, layer.epsilon, f"g * {channels} + i / {places}")


class RMSNormInC(Translation):
    """y = scale * x / sqrt(mean(x**2) + epsilon), over the last axes."""

    type = "c_rms_norm"
    format = "c"
    replaces = (RMSNorm,)

    def translate(self, layer: RMSNorm, site: TranslationSite) -> tuple[Value, ...]:
        """Add loops over what is normalized together."""
        groups = prod(site.output_shape) // site.parameters["scale"].size
        return _sample_norm(site, groups, layer.epsilon, "i", centered=False)
