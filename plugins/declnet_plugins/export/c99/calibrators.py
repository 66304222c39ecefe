"""The adaptive sets of classes in C99, by sums of larger probabilities instead of sorting."""

from __future__ import annotations

from math import prod
from typing import Any

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.translation import CTranslation, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.calibrators import Conformal

SETS = """
for (int i = 0; i < $classes; i++) {
    const float p = $p_of_i;
    float score = 0.0f;
    for (int k = 0; k < $classes; k++) {
        const float q = $p_of_k;
        if (q > p || (!(q < p) && k <= i)) score += q;
    }
    y[i] = score <= $limit ? 1 : 0;
}
"""


class CConformal(CTranslation):
    """Sets of classes by the sum of probabilities from the largest on."""

    replaces = (Conformal,)

    def write(self, calibrator: Conformal, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over classes."""
        if site.method != "sets" or calibrator.method != "aps":
            raise Untranslatable("it is recorded")
        probability = "{0} == 1 ? x[0] : 1.0f - x[0]" if site.inputs[0].size == 1 else "x[{0}]"
        terms: dict[str, Any] = {f"p_of_{i}": probability.format(i) for i in "ik"}
        limit = float(site.state["limit"])
        return step(
            site, SETS, ctype="int32_t", classes=prod(site.output_shape), limit=limit, **terms
        )
