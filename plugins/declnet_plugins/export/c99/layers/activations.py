"""Activations in C99."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any, ClassVar

from declnet import Layer, Shape
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation, items
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.activations import (
    ALPHA,
    ELU,
    SCALE,
    SELU,
    HardSigmoid,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from declnet_plugins.standard.layers.gating import GLU, Maxout, features_axis
from declnet_plugins.standard.layers.gelu import GELU, ROOT
from declnet_plugins.standard.layers.prelu import PReLU

SIGMOID = """
/* 1 / (1 + exp(-x)), exact at both ends. */
static float $name(float x)
{
    const float e = expf(-fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}
"""

SOFTPLUS = """
/* log(1 + exp(x)); nothing overflows. */
static float $name(float x)
{
    return log1pf(expf(-fabsf(x))) + (0.0f > x ? 0.0f : x);
}
"""


def sigmoid(writer: CWriter) -> str:
    """Return the name of a function, the logistic function of a float."""
    return writer.helper("sigmoid", SIGMOID)


def softplus(writer: CWriter) -> str:
    """Return the name of a function, log(1 + exp(x)) of a float."""
    return writer.helper("softplus", SOFTPLUS)


def value_of(layer: Layer, writer: CWriter, x: str) -> tuple[str, dict[str, Any]]:
    """Return an activation's value at a number, an expression, and its terms.

    Args:
        layer: an activation that takes numbers one by one, without parameters.
        writer: gets the functions that the expression calls.
        x: the number, an expression without side effects.
    """
    terms: dict[str, Any]
    if isinstance(layer, LeakyReLU):
        expression, terms = (
            f"{x} > 0.0f ? {x} : $slope * {x}",
            {"slope": float(layer.negative_slope)},
        )
    elif isinstance(layer, ELU):
        expression, terms = (
            f"{x} > 0.0f ? {x} : $alpha * expm1f({x})",
            {"alpha": float(layer.alpha)},
        )
    elif isinstance(layer, Softplus):
        function = softplus(writer)
        expression, terms = f"{function}($beta * {x}) / $beta", {"beta": float(layer.beta)}
    elif isinstance(layer, GELU) and layer.approximation == "none":
        expression, terms = f"0.5f * {x} * erfcf(-$root * {x})", {"root": sqrt(0.5)}
    else:
        by_class: dict[type[Layer], tuple[str, dict[str, Any]]] = {
            Linear: (x, {}),
            ReLU: (f"0.0f > {x} ? 0.0f : {x}", {}),  # NaN stays
            SELU: (f"{x} > 0.0f ? $scale * {x} : $alpha * expm1f({x})", SELU_TERMS),
            HardSigmoid: (f"fminf(fmaxf(({x} + 3.0f) / 6.0f, 0.0f), 1.0f)", {}),
            Tanh: (f"tanhf({x})", {}),
            GELU: (f"0.5f * {x} * (1.0f + tanhf({GELU_TANH.replace('x', x)}))", {"root": ROOT}),
            Sigmoid: (f"$sigmoid({x})", {}),
            SiLU: (f"{x} * $sigmoid({x})", {}),
            Mish: (f"{x} * tanhf($softplus({x}))", {}),
        }
        expression, terms = by_class[type(layer)]
    if "$sigmoid" in expression:
        terms = {"sigmoid": sigmoid(writer)}
    elif "$softplus" in expression:
        terms = {"softplus": softplus(writer)}
    return expression, terms


SELU_TERMS = {"scale": SCALE, "alpha": SCALE * ALPHA}
GELU_TANH = "$root * (x + 0.044715f * x * x * x)"


class CElementwise(CTranslation):
    """Activations of single numbers, which take the memory of their input if they can."""

    replaces = (
        ReLU, LeakyReLU, ELU, SELU, Softplus, Sigmoid, HardSigmoid, Tanh, SiLU, Mish, GELU,
    )  # fmt: skip

    def write(self, layer: Layer, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over all numbers."""
        expression, terms = value_of(layer, w, "x[i]")
        return items(site, expression, **terms)


PRELU = """
for (int c = 0; c < $channels; c++) {
    const float slope = $slopes[$channel];
    for (int i = c * $places; i < (c + 1) * $places; i++) y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}
"""


class CPrelu(CTranslation):
    """y = x where x > 0, slope * x elsewhere."""

    replaces = (PReLU,)

    def write(self, layer: PReLU, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over channels, each with its slope."""
        slopes, shape = site.parameters["slopes"], site.output_shape
        shared = slopes.size == 1
        channels = 1 if shared else shape[0]
        return w.compute(
            site.name, PRELU, {"x": site.inputs[0]}, shape, in_place="x", slopes=slopes,
            channels=channels, channel="0" if shared else "c", places=prod(shape) // channels,
        )  # fmt: skip


SOFTMAX = """
for (int t = 0; t < $rows; t++) {
    const int from = t * $classes, to = from + $classes;
    float largest = x[from], sum = 0.0f;
    for (int i = from + 1; i < to; i++) if (x[i] > largest) largest = x[i];
    for (int i = from; i < to; i++) {
        y[i] = expf(x[i] - largest);
        sum += y[i];
    }
    for (int i = from; i < to; i++) y[i] /= sum;
}
"""


def softmax(writer: CWriter, name: str, x: Value, shape: Shape) -> Value:
    """Return the softmax over the last axis."""
    rows, classes = prod(shape[:-1]), shape[-1]
    return writer.compute(name, SOFTMAX, {"x": x}, shape, in_place="x", rows=rows, classes=classes)


class CSoftmax(CTranslation):
    """y = exp(x - max x) / sum exp(x - max x), over the last axis."""

    replaces = (Softmax,)

    def write(self, layer: Softmax, site: TranslationSite, w: CWriter) -> Value:
        """Add a function that needs no further memory."""
        return softmax(w, site.name, site.inputs[0], site.output_shape)


GLU_BODY = """
for (int r = 0; r < $rows; r++) {
    const float *const a = x + r * $whole, *const b = a + $half;
    for (int i = 0; i < $half; i++) {
        const float g = b[i];
        y[r * $half + i] = a[i] * ($gate);
    }
}
"""


class CGlu(CTranslation):
    """y = a * f(b) for the halves a and b of the features."""

    replaces = (GLU,)
    gates: ClassVar[dict[str, Layer]] = {
        "sigmoid": Sigmoid(),
        "silu": SiLU(),
        "gelu": GELU(),
        "relu": ReLU(),
        "tanh": Tanh(),
        "linear": Linear(),
    }

    def write(self, layer: GLU, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over what comes before the features, and over half of these."""
        shape = site.output_shape
        axis = features_axis(shape)
        half = prod(shape[axis:])
        gate, terms = value_of(self.gates[layer.activation], w, "g")
        body = GLU_BODY.replace("$gate", gate)
        sizes: dict[str, Any] = {"rows": prod(shape[:axis]), "half": half, "whole": 2 * half}
        return w.compute(site.name, body, {"x": site.inputs[0]}, shape, **sizes, **terms)


MAXOUT = """
for (int f = 0; f < $features; f++) {
    for (int i = 0; i < $places; i++) {
        const float *const from = x + f * $pieces * $places + i;
        float largest = from[0];
        for (int k = 1; k < $pieces; k++) {
            if (from[k * $places] > largest) largest = from[k * $places];
        }
        y[f * $places + i] = largest;
    }
}
"""


class CMaxout(CTranslation):
    """y[j] = the maximum of neighboring features."""

    replaces = (Maxout,)

    def write(self, layer: Maxout, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over the features of all steps, and the places of each."""
        shape = site.output_shape
        axis = features_axis(shape)
        places = prod(shape[axis + 1 :])
        return w.compute(
            site.name, MAXOUT, {"x": site.inputs[0]}, shape,
            features=prod(shape) // places, places=places, pieces=layer.pieces,
        )  # fmt: skip
