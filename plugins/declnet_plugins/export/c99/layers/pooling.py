"""Pooling of images in C99."""

from __future__ import annotations

from math import prod

from declnet import Layer
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.translation import CTranslation, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.pooling import (
    AveragePool2d,
    MaxPool2d,
)
from declnet_plugins.standard.layers.window import window_over

POOL = """
for (int c = 0; c < $channels; c++) {
    for (int i = 0; i < $rows; i++) {
        for (int j = 0; j < $columns; j++) {
            float pooled = $start;
            for (int k = 0; k < $height; k++) {
                const int row = i * $down - $above + k;
                if (row < 0 || row >= $given_rows) continue;
                for (int l = 0; l < $width; l++) {
                    const int column = j * $right - $left + l;
                    if (column < 0 || column >= $given_columns) continue;
                    const float v = x[(c * $given_rows + row) * $given_columns + column];
                    $include;
                }
            }
            y[(c * $rows + i) * $columns + j] = $end;
        }
    }
}
"""


class CPool2d(CTranslation):
    """The maximum or mean of each window."""

    replaces = (MaxPool2d, AveragePool2d)

    def write(self, layer: Layer, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over windows and over what they see."""
        if not isinstance(layer, MaxPool2d | AveragePool2d):
            raise TypeError(layer)
        (input_shape,) = site.input_shapes
        window = window_over(
            layer.type, input_shape, layer.pool_size, layer.stride or layer.pool_size, layer.padding
        )
        down, right = window.rows, window.columns
        body = POOL
        if not window.has_padding:
            body = "\n".join(line for line in body.splitlines() if "continue" not in line)
        is_max = isinstance(layer, MaxPool2d)
        return step(
            site, body, channels=input_shape[0], rows=down.output, columns=right.output,
            height=down.kernel, width=right.kernel, down=down.stride, right=right.stride,
            above=down.before, left=right.before, given_rows=down.size, given_columns=right.size,
            start="-INFINITY" if is_max else "0.0f",
            include="if (v > pooled) pooled = v" if is_max else "pooled += v",
            end="pooled" if is_max else f"pooled / {prod(layer.pool_size)}.0f",
        )  # fmt: skip
