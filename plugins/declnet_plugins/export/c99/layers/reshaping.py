"""Layers that do not change numbers in predictions, or join them, in C99."""

from __future__ import annotations

from math import prod

from declnet import Layer
from declnet_plugins.exchange import Translation, TranslationSite
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.activations import Linear
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise
from declnet_plugins.standard.layers.joining import Add, Concatenate, Multiply


class CUnchanged(Translation):
    """Layers whose output has the numbers of the input, in the same order."""

    type = "c_unchanged"
    format = "c"
    replaces = (Linear, Dropout, GaussianNoise)

    def translate(self, layer: Layer, site: TranslationSite) -> tuple[Value, ...]:
        """Return the input."""
        return (site.inputs[0],)


class CElementByElement(Translation):
    """The sum or product of inputs of one shape."""

    type = "c_element_by_element"
    format = "c"
    replaces = (Add, Multiply)

    def translate(self, layer: Layer, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over all numbers."""
        inputs = {f"x{number}": each for number, each in enumerate(site.inputs)}
        symbol = " + " if isinstance(layer, Add) else " * "
        body = f"for (int i = 0; i < $size; i++) y[i] = {symbol.join(f'{x}[i]' for x in inputs)};"
        size = prod(site.output_shape)
        return (
            site.writer.compute(
                site.name, body, inputs, site.output_shape, in_place="x0", size=size
            ),
        )


COPY = """
for (int r = 0; r < $rows; r++) {
    for (int i = 0; i < $length; i++) y[r * $whole + i] = x[r * $length + i];
}
"""


class CConcatenate(Translation):
    """Inputs joined along an axis."""

    type = "c_concatenate"
    format = "c"
    replaces = (Concatenate,)

    def translate(self, layer: Concatenate, site: TranslationSite) -> tuple[Value, ...]:
        """Add a function for each input, which copies it to its place."""
        writer: CWriter = site.writer
        joined, offset = Value(site.output_shape), 0
        rows, whole = prod(site.output_shape[: layer.axis]), prod(site.output_shape[layer.axis :])
        for each, shape in zip(site.inputs, site.input_shapes, strict=True):
            length = prod(shape[layer.axis :])
            writer.compute(
                site.name, COPY, {"x": each}, joined.shape, into=joined, offset=offset,
                rows=rows, length=length, whole=whole,
            )  # fmt: skip
            offset += length
        return (joined,)
