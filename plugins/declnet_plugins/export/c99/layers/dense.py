"""The fully connected layer in C99."""

from __future__ import annotations

from math import prod
from textwrap import indent
from typing import Any

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.dense import Dense


class CDense(CTranslation):
    """y = x @ weights + biases, at each step."""

    replaces = (Dense,)

    def write(self, layer: Dense, site: TranslationSite, w: CWriter) -> Value:
        """Add a function of loops."""
        return dense(site, **site.parameters)


def dense(site: TranslationSite, **parameters: Any) -> Value:
    """Return y = x @ weights + biases over the last axis of x; there may be no biases."""
    writer: CWriter = site.writer
    (x,), (shape,) = site.inputs, site.input_shapes
    steps, inputs, units = prod(shape[:-1]), shape[-1], site.output_shape[-1]
    body = product(inputs, units, "$weights", "$biases" if "biases" in parameters else "0")
    if steps > 1:
        body = (
            f"for (int t = 0; t < {steps}; t++, x += {inputs}, y += {units}) {{\n"
            f"{indent(body, '    ')}\n}}"
        )
    return writer.compute(site.name, body, {"x": x}, site.output_shape, **parameters)
