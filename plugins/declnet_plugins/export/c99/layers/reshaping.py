"""Layers that do not change numbers in predictions, or join them, in C99."""

from __future__ import annotations

from math import prod

from declnet import Layer
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation, items, unchanged
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.activations import Linear
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise
from declnet_plugins.standard.layers.joining import Add, Concatenate, Multiply


class CUnchanged(CTranslation):
    """Layers whose output has the numbers of the input, in the same order."""

    replaces = (Linear, Dropout, GaussianNoise)

    def write(self, layer: Layer, site: TranslationSite, w: CWriter) -> Value:
        """Return the input."""
        return unchanged(site)


class CElementByElement(CTranslation):
    """The sum or product of inputs of one shape."""

    replaces = (Add, Multiply)

    def write(self, layer: Layer, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over all numbers."""
        inputs = {f"x{number}": value for number, value in enumerate(site.inputs)}
        symbol = " + " if isinstance(layer, Add) else " * "
        return items(site, symbol.join(f"{x}[i]" for x in inputs), inputs, "x0")


COPY = """
for (int r = 0; r < $rows; r++) {
    for (int i = 0; i < $length; i++) y[r * $whole + i] = x[r * $length + i];
}
"""


class CConcatenate(CTranslation):
    """Inputs joined along an axis."""

    replaces = (Concatenate,)

    def write(self, layer: Concatenate, site: TranslationSite, w: CWriter) -> Value:
        """Add a function for each input, which copies it to its place."""
        joined, offset = Value(site.output_shape), 0
        rows, whole = prod(site.output_shape[: layer.axis]), prod(site.output_shape[layer.axis :])
        for value, shape in zip(site.inputs, site.input_shapes, strict=True):
            length = prod(shape[layer.axis :])
            w.compute(
                site.name, COPY, {"x": value}, joined.shape, into=joined, offset=offset,
                rows=rows, length=length, whole=whole,
            )  # fmt: skip
            offset += length
        return joined
