"""The intervals and sets of calibrators in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet import Calibrator
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.text import LITERALS
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.calibrators import (
    LARGEST_BOUND,
    Conformal,
)
from declnet_plugins.standard.temperature import LEAST_POSITIVE

LIMITS = """
for (int i = 0; i < $size; i++) {
    $kind low = x[i * $quantiles], high = low;
    for (int k = 1; k < $quantiles; k++) {
        const $kind v = x[i * $quantiles + k];
        if (v < low) low = v;
        if (v > high) high = v;
    }$logarithms
    low -= $limit;
    high += $limit;
    y[i] = low < high ? $side : (low + high) / 2;$powers
}
"""

LOGARITHMS = """
    low = log$f(fmax$f(low + $shift, $least));
    high = log$f(fmax$f(high + $shift, $least));"""

POWERS = """
    y[i] = exp$f(fmin$f(y[i], $largest)) - $shift;"""

SETS = """
for (int i = 0; i < $classes; i++) {
    const float p = $p_of_i;
    $score
    y[i] = score <= $limit ? 1 : 0;
}
"""

LAC = "const float score = 1.0f - p;"

APS = """float score = 0.0f;
    for (int k = 0; k < $classes; k++) {
        const float q = $p_of_k;
        if (q > p || (!(q < p) && k <= i)) score += q;
    }"""


class CConformal(CTranslation):
    """Intervals of predictions ± a limit, and sets of classes whose score is within it."""

    replaces = (Conformal,)

    def write(
        self, calibrator: Calibrator, site: TranslationSite, w: CWriter
    ) -> Value | tuple[Value, ...]:
        """Add a loop for each bound, or one over classes."""
        if not isinstance(calibrator, Conformal):
            raise TypeError(calibrator)
        x, limit = site.inputs[0], site.state["limit"]
        if site.method == "sets":
            return self._sets(calibrator, site)
        if site.method != "intervals":
            raise Untranslatable(f"conformal has no {site.method}")
        size = prod(site.output_shape)
        if np.ndim(limit):
            array = np.broadcast_to(np.asarray(limit, float), site.output_shape)
            bound = f"{w.constant(f'{site.name}_limits', array, x.ctype)}[i]"
        else:
            bound = LITERALS[x.ctype](limit)
        quantiles, body = prod(site.input_shapes[0]) // size, LIMITS
        logarithmic = calibrator.scale == "log"
        for name, text in (("$logarithms", LOGARITHMS), ("$powers", POWERS)):
            body = body.replace(name, text if logarithmic else "")
        numbers = {"shift": calibrator.shift, "least": LEAST_POSITIVE, "largest": LARGEST_BOUND}
        terms: dict[str, Any] = {
            name: LITERALS[x.ctype](number) for name, number in numbers.items()
        }
        terms["f"] = "f" if x.ctype == "float" else ""
        return tuple(
            w.compute(
                f"{site.name}_{side}", body, {"x": x}, site.output_shape, ctype=x.ctype,
                size=size, quantiles=quantiles, limit=bound, side=side, kind=x.ctype, **terms,
            )
            for side in ("low", "high")
        )  # fmt: skip

    def _sets(self, calibrator: Conformal, site: TranslationSite) -> Value:
        writer: CWriter = site.writer
        x: Value = site.inputs[0]
        binary = x.size == 1
        body = SETS.replace("$score", LAC if calibrator.method == "lac" else APS)
        for index in "ik":
            probability = f"{index} == 1 ? x[0] : 1.0f - x[0]" if binary else f"x[{index}]"
            body = body.replace(f"$p_of_{index}", probability)
        return writer.compute(
            site.name, body, {"x": x}, site.output_shape, ctype="int32_t",
            classes=prod(site.output_shape), limit=float(site.state["limit"]),
        )  # fmt: skip
