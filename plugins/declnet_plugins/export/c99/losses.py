"""The postprocessing of a network's output by losses, and of predictions by calibrators, in C99."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet import Calibrator, Loss
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.layers.activations import sigmoid, softmax, softplus
from declnet_plugins.export.c99.text import LITERALS
from declnet_plugins.export.c99.translation import CTranslation, items, step, unchanged
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.calibrators import (
    LARGEST_BOUND,
    LEAST_POSITIVE,
    LEAST_REST,
    Conformal,
    Temperature,
)
from declnet_plugins.standard.losses.distribution import GaussianNLL
from declnet_plugins.standard.losses.ordinal import Ordinal
from declnet_plugins.standard.losses.regression import LARGEST_LOGARITHM, Poisson
from declnet_plugins.tabular.losses import MembersCrossentropy, MembersSquaredError

ORDINAL = """
float cut = x[0], above = 1.0f;
for (int k = 0; k < $units; k++) {
    if (k > 0) cut -= $softplus(x[k]);
    const float next = $sigmoid(cut);
    y[k] = above - next;
    above = next;
}
y[$units] = above;
"""


class COrdinalPredictions(CTranslation):
    """The probability of each class, from cut points."""

    replaces = (Ordinal,)

    def write(self, loss: Ordinal, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over classes."""
        return step(
            site, ORDINAL, units=prod(site.input_shapes[0]), sigmoid=sigmoid(w),
            softplus=softplus(w),
        )  # fmt: skip


class CMeanPredictions(CTranslation):
    """Means of normal distributions; mean counts, given their logarithms."""

    replaces = (GaussianNLL, Poisson)

    def write(self, loss: Loss, site: TranslationSite, w: CWriter) -> Value:
        """Return the input if it is the mean, else add a loop."""
        if isinstance(loss, Poisson) and not loss.log_input:
            return unchanged(site)
        mean = "expf(x[i] > $most ? $most : x[i])" if isinstance(loss, Poisson) else "x[i]"
        return items(site, mean, in_place=None, most=float(LARGEST_LOGARITHM))


MEAN = """
for (int j = 0; j < $size; j++) y[j] = x[j];
for (int m = 1; m < $members; m++) {
    for (int j = 0; j < $size; j++) y[j] += x[m * $size + j];
}
for (int j = 0; j < $size; j++) y[j] /= $members.0f;
"""


class CMembersPredictions(CTranslation):
    """The mean of the members' predictions."""

    replaces = (MembersCrossentropy, MembersSquaredError)

    def write(self, loss: Loss, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over members, after a softmax of each if there are classes."""
        x, shape = site.inputs[0], site.input_shapes[0]
        if isinstance(loss, MembersCrossentropy):
            x = softmax(w, f"{site.name}_members", x, shape)
        return w.compute(
            site.name, MEAN, {"x": x}, site.output_shape, members=shape[0], size=prod(shape[1:])
        )


TOGETHER = """
for (int i = 0; i < $size; i++) y[i] = logf(x[i] > $least ? x[i] : $least) / $temperature;
"""

APART = """
for (int i = 0; i < $size; i++) {
    const float rest = 1.0f - x[i];
    const float logit = logf(x[i] > $least ? x[i] : $least) - logf(rest > $rest ? rest : $rest);
    y[i] = $sigmoid(logit / $temperature);
}
"""


class CTemperature(CTranslation):
    """p = softmax(log(p) / temperature), or sigmoid(logit(p) / temperature)."""

    replaces = (Temperature,)

    def write(self, calibrator: Temperature, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over probabilities."""
        together = site.state["together"]
        logits = step(
            site, TOGETHER if together else APART, in_place="x", size=prod(site.output_shape),
            least=LEAST_POSITIVE, rest=LEAST_REST, temperature=float(site.state["temperature"]),
            sigmoid="" if together else sigmoid(w),
        )  # fmt: skip
        if together:
            logits = softmax(w, f"{site.name}_softmax", logits, site.output_shape)
        return logits


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
