"""The layers for tables in C99."""

from __future__ import annotations

from math import pi, prod, sqrt
from textwrap import indent
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.layers.dense import dense
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.translation import CTranslation, items, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.tabular.layers.feature_scale import FeatureScale
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.ntp_dense import NTPDense
from declnet_plugins.tabular.layers.parametric_activation import ParametricActivation
from declnet_plugins.tabular.layers.periodic import PBLD
from declnet_plugins.tabular.layers.piecewise_linear import PiecewiseLinear


class CNtpDense(CTranslation):
    """y = x @ weights / sqrt(inputs) + biases; the constants are the divided weights."""

    replaces = (NTPDense,)

    def write(self, layer: NTPDense, site: TranslationSite, w: CWriter) -> Value:
        """Add a function of loops."""
        weights = np.asarray(site.parameters["weights"], float)
        return dense(site, weights / sqrt(len(weights)), site.parameters["biases"])


class CFeatureScale(CTranslation):
    """y = x * scale."""

    replaces = (FeatureScale,)

    def write(self, layer: FeatureScale, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over all numbers."""
        return items(site, "x[i] * $scale[i]", scale=site.parameters["scale"])


class CParametricActivation(CTranslation):
    """y = x + shares * (f - x)."""

    replaces = (ParametricActivation,)

    def write(self, layer: ParametricActivation, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over all numbers."""
        units = site.output_shape[0] if site.output_shape else 1
        places = prod(site.output_shape) // units
        at = "i" if places == 1 else f"i / {places}"
        expression = f"x[i] + $shares[{at}] * (f[i] - x[i])"
        inputs = {"x": site.inputs[0], "f": site.inputs[1]}
        return items(site, expression, inputs, "f", shares=site.parameters["shares"])


MEMBERS = """
for (int m = 0; m < $members; m++) {
    for (int i = 0; i < $features; i++) y[m * $features + i] = x[i] * $scale[m * $features + i];
}
"""


class CMembers(CTranslation):
    """y[m] = x * scale[m]."""

    replaces = (Members,)

    def write(self, layer: Members, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over members."""
        members, features = site.output_shape
        return step(
            site, MEMBERS, members=members, features=features, scale=site.parameters["scale"],
        )  # fmt: skip


class CMemberDense(CTranslation):
    """y[m] = x[m] @ weights[m] + biases[m]."""

    replaces = (MemberDense,)

    def write(self, layer: MemberDense, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over members, each with its own weights."""
        (members, inputs), units = site.input_shapes[0], site.output_shape[-1]
        multiplied = product(
            inputs, units, f"($weights + m * {inputs * units})", f"($biases + m * {units})"
        )
        body = (
            f"for (int m = 0; m < {members}; m++, x += {inputs}, y += {units}) {{\n"
            f"{indent(multiplied, '    ')}\n}}"
        )
        return step(
            site, body, weights=site.parameters["weights"], biases=site.parameters["biases"],
        )  # fmt: skip


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


class CPbld(CTranslation):
    """y = W cos(2 pi w x + b) + c for each feature, then the features."""

    replaces = (PBLD,)

    def write(self, layer: PBLD, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over features."""
        parameters = site.parameters
        features, frequencies, units = parameters["weights"].shape
        multiplied = product(
            frequencies, units, f"($weights + n * {frequencies * units})",
            f"($biases + n * {units})", "waves", "own",
        )  # fmt: skip
        body = PBLD_BODY.replace("$product", indent(multiplied, "    "))
        return step(
            site, body, scratch={"waves": w.scratch(frequencies)}, features=features,
            frequencies=frequencies, units=units,
            rates=2 * pi * np.asarray(parameters["frequencies"], float),
            phases=parameters["phases"], weights=parameters["weights"], biases=parameters["biases"],
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


class CPiecewiseLinear(CTranslation):
    """y = slopes * x + biases + e(x) @ weights, feature by feature."""

    replaces = (PiecewiseLinear,)

    def write(self, layer: PiecewiseLinear, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over features and bins."""
        arrays: dict[str, Any] = {
            name: site.parameters[name] for name in ("edges", "weights", "slopes", "biases")
        }
        features, units = site.output_shape
        return step(site, PIECEWISE, features=features, units=units, bins=layer.bins, **arrays)
