"""The layers for tables in C99."""

from __future__ import annotations

from math import pi, prod, sqrt
from textwrap import indent

import numpy as np

from declnet_plugins.exchange import Translation, TranslationSite
from declnet_plugins.export.c99.layers.dense import dense
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.writer import Value
from declnet_plugins.tabular.layers.feature_scale import FeatureScale
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.ntp_dense import NTPDense
from declnet_plugins.tabular.layers.parametric_activation import ParametricActivation
from declnet_plugins.tabular.layers.periodic import PBLD
from declnet_plugins.tabular.layers.piecewise_linear import PiecewiseLinear


class CNtpDense(Translation):
    """y = x @ weights / sqrt(inputs) + biases; the constants are the divided weights."""

    type = "c_ntp_dense"
    format = "c"
    replaces = (NTPDense,)

    def translate(self, layer: NTPDense, site: TranslationSite) -> tuple[Value, ...]:
        """Add a function of loops."""
        weights = np.asarray(site.parameters["weights"], float)
        return (dense(site, weights / sqrt(len(weights)), site.parameters["biases"]),)


class CFeatureScale(Translation):
    """y = x * scale."""

    type = "c_feature_scale"
    format = "c"
    replaces = (FeatureScale,)

    def translate(self, layer: FeatureScale, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over all numbers."""
        return (
            site.writer.compute(
                site.name, "for (int i = 0; i < $size; i++) y[i] = x[i] * $scale[i];",
                {"x": site.inputs[0]}, site.output_shape, in_place="x",
                size=prod(site.output_shape), scale=site.parameters["scale"],
            ),
        )  # fmt: skip


class CParametricActivation(Translation):
    """y = x + shares * (f - x)."""

    type = "c_parametric_activation"
    format = "c"
    replaces = (ParametricActivation,)

    def translate(self, layer: ParametricActivation, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over all numbers."""
        units = site.output_shape[0] if site.output_shape else 1
        places = prod(site.output_shape) // units
        at = "i" if places == 1 else f"i / {places}"
        return (
            site.writer.compute(
                site.name,
                f"for (int i = 0; i < $size; i++) y[i] = x[i] + $shares[{at}] * (f[i] - x[i]);",
                {"x": site.inputs[0], "f": site.inputs[1]}, site.output_shape, in_place="f",
                size=prod(site.output_shape), shares=site.parameters["shares"],
            ),
        )  # fmt: skip


MEMBERS = """
for (int m = 0; m < $members; m++) {
    for (int i = 0; i < $features; i++) y[m * $features + i] = x[i] * $scale[m * $features + i];
}
"""


class CMembers(Translation):
    """y[m] = x * scale[m]."""

    type = "c_members"
    format = "c"
    replaces = (Members,)

    def translate(self, layer: Members, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over members."""
        members, features = site.output_shape
        return (
            site.writer.compute(
                site.name, MEMBERS, {"x": site.inputs[0]}, site.output_shape, members=members,
                features=features, scale=site.parameters["scale"],
            ),
        )  # fmt: skip


class CMemberDense(Translation):
    """y[m] = x[m] @ weights[m] + biases[m]."""

    type = "c_member_dense"
    format = "c"
    replaces = (MemberDense,)

    def translate(self, layer: MemberDense, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over members, each with its own weights."""
        (members, inputs), units = site.input_shapes[0], site.output_shape[-1]
        own = product(
            inputs, units, f"($weights + m * {inputs * units})", f"($biases + m * {units})"
        )
        body = (
            f"for (int m = 0; m < {members}; m++, x += {inputs}, y += {units}) {{\n"
            f"{indent(own, '    ')}\n}}"
        )
        arrays = {name: site.parameters[name] for name in ("weights", "biases")}
        return (
            site.writer.compute(
                site.name, body, {"x": site.inputs[0]}, site.output_shape, **arrays
            ),
        )


PBLD_BODY = """
for (int n = 0; n < $features; n++) {
    for (int k = 0; k < $frequencies; k++) {
        waves[k] = cosf(x[n] * $rates[n * $frequencies + k] + $phases[n * $frequencies + k]);
    }
    float *const own = y + n * $units;
$product
    y[$features * $units + n] = x[n];
}
"""


class CPbld(Translation):
    """y = W cos(2 pi w x + b) + c for each feature, then the features."""

    type = "c_pbld"
    format = "c"
    replaces = (PBLD,)

    def translate(self, layer: PBLD, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over features."""
        writer, own = site.writer, site.parameters
        features, frequencies, units = own["weights"].shape
        multiplied = product(
            frequencies, units, f"($weights + n * {frequencies * units})",
            f"($biases + n * {units})", "waves", "own",
        )  # fmt: skip
        body = PBLD_BODY.replace("$product", indent(multiplied, "    "))
        return (
            writer.compute(
                site.name, body, {"x": site.inputs[0]}, site.output_shape,
                scratch={"waves": writer.scratch(frequencies)}, features=features,
                frequencies=frequencies, units=units,
                rates=2 * pi * np.asarray(own["frequencies"], float), phases=own["phases"],
                weights=own["weights"], biases=own["biases"],
            ),
        )  # fmt: skip


PIECEWISE = """
for (int n = 0; n < $features; n++, y += $units) {
    const float v = x[n];
    for (int j = 0; j < $units; j++) y[j] = v * $slopes[n * $units + j] + $biases[n * $units + j];
    for (int k = 0; k < $bins; k++) {
        const float left = $edges[n * ($bins + 1) + k], right = $edges[n * ($bins + 1) + k + 1];
        if (right <= left) continue;
        float e = (v - left) / (right - left);
        if (e < 0.0f && left > $edges[n * ($bins + 1)]) e = 0.0f;
        if (e > 1.0f && right < $edges[n * ($bins + 1) + $bins]) e = 1.0f;
        if (!(e < 0.0f) && !(e > 0.0f)) continue;
        const float *const w = $weights + (n * $bins + k) * $units;
        for (int j = 0; j < $units; j++) y[j] += e * w[j];
    }
}
"""


class CPiecewiseLinear(Translation):
    """y = slopes * x + biases + e(x) @ weights, feature by feature."""

    type = "c_piecewise_linear"
    format = "c"
    replaces = (PiecewiseLinear,)

    def translate(self, layer: PiecewiseLinear, site: TranslationSite) -> tuple[Value, ...]:
        """Add loops over features and bins."""
        arrays = {name: site.parameters[name] for name in ("edges", "weights", "slopes", "biases")}
        features, units = site.output_shape
        return (
            site.writer.compute(
                site.name, PIECEWISE, {"x": site.inputs[0]}, site.output_shape, features=features,
                units=units, bins=layer.bins, **arrays,
            ),
        )  # fmt: skip
