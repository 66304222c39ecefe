"""Convolutions of images and sequences, and transposed ones, in C99.

For each place, what the kernel sees is copied to an array, with zeros for padding, and multiplied
by the weights like the input of a dense layer, so filters are computed side by side. A transposed
convolution sees images as if there were zeros between their numbers. A sequence is an image of one
row, whose channels and filters are its last axis.
"""

from __future__ import annotations

from string import Template
from textwrap import indent
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.translation import CTranslation, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.conv1d import Conv1d
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose
from declnet_plugins.standard.layers.window import Axis, Window, window_over

ONLY = Axis(size=1, kernel=1, stride=1, dilation=1, before=0, after=0)
"""The rows of a sequence."""

CONVOLUTION = """
for (int r = 0; r < $rows; r++) {
    for (int s = 0; s < $columns; s++) {
        for (int g = 0; g < $groups; g++) {
            float *to = seen;
            for (int c = g * $channels; c < (g + 1) * $channels; c++) {
                for (int k = 0; k < $height; k++) {
                    $row
                    for (int l = 0; l < $width; l++) {
                        $column
                        *to++ = $number;
                    }
                }
            }
$product
            for (int f = 0; f < $filters; f++) y[$place] = $result;
        }
    }
}
"""


class CConvolution(CTranslation):
    """y = biases + the sum over what the kernel sees of weights * x."""

    replaces = (Conv1d, Conv2d, Conv2dTranspose)

    def write(self, layer: Any, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over places and groups."""
        is_transposed, shape = isinstance(layer, Conv2dTranspose), site.output_shape
        weights, groups = np.asarray(site.parameters["weights"]), layer.groups
        if isinstance(layer, Conv1d):
            (time, features), filters = site.input_shapes[0], layer.filters
            window, weights = Window(ONLY, layer._axis(time)), weights.transpose(2, 1, 0)
            number, place = f"column * {features} + c", f"s * {filters} + g * $filters + f"
        else:
            read, filters = site.input_shapes[0], shape[0]
            window = window_over(
                layer.type, shape if is_transposed else read, layer.kernel_size, layer.stride,
                layer.padding, layer.dilation,
            )  # fmt: skip
            steps = (f" / {stride}" * is_transposed for stride in layer.stride)
            row, column = map("".join, zip(("row", "column"), steps, strict=True))
            number = f"(c * {read[1]} + {row}) * {read[2]} + {column}"
            place = f"((g * $filters + f) * {shape[1]} + r) * {shape[2]} + s"
        if is_transposed:
            by_group = weights.reshape(groups, -1, filters // groups, *layer.kernel_size)
            weights = by_group.swapaxes(1, 2)
        inputs = dict(zip(("x", "lengths"), site.inputs, strict=False))
        axes = (window.rows, "row", "r", "k"), (window.columns, "column", "s", "l")
        read_at = _transposed if is_transposed else _forward
        (row, above), (column, aside) = (read_at(*axis) for axis in axes)
        outside = [*above, *aside, *(["column >= lengths[0]"] if "lengths" in inputs else [])]
        matrices: Array = weights.reshape(groups, filters // groups, -1).swapaxes(1, 2)
        _, size, units = matrices.shape
        pointers = (
            f"({array} + g * {count})" if groups > 1 else array
            for array, count in (("$weights", size * units), ("$biases", units))
        )
        of_weights, of_biases = pointers
        multiplied = product(
            size, units, of_weights, of_biases if layer.use_bias else "0", "seen", "sums"
        )
        parts = {
            "product": indent(multiplied, " " * 12),
            "row": row if "row" in number else "",
            "column": column,
            "number": f"{' || '.join(outside)} ? 0.0f : x[{number}]" if outside else f"x[{number}]",
            "place": place,
            "result": "s < lengths[0] ? sums[f] : 0.0f" if "lengths" in inputs else "sums[f]",
        }
        terms: dict[str, Any] = {"biases": site.parameters["biases"]} if layer.use_bias else {}
        sizes = [axis.size if is_transposed else axis.output for axis, *_ in axes]
        return step(
            site, Template(CONVOLUTION).safe_substitute(parts), inputs,
            scratch={"seen": w.scratch(size), "sums": w.scratch(units)}, weights=matrices,
            rows=sizes[0], columns=sizes[1], groups=groups, filters=units,
            channels=size // (window.rows.kernel * window.columns.kernel),
            height=window.rows.kernel, width=window.columns.kernel, **terms,
        )  # fmt: skip


def _forward(axis: Axis, name: str, place: str, position: str) -> tuple[str, list[str]]:
    """Return the statement of where a position of the kernel is, and tests for padding."""
    before = f" - {axis.before}" if axis.before else ""
    at = f"{place} * {axis.stride} + {position} * {axis.dilation}{before}"
    last = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation - axis.before
    tests = [f"{name} < 0"] * bool(axis.before) + [f"{name} >= {axis.size}"] * (last >= axis.size)
    return f"const int {name} = {at};", tests


def _transposed(axis: Axis, name: str, place: str, position: str) -> tuple[str, list[str]]:
    """Return the same for an axis of a convolution that is transposed, with zeros in between."""
    at = f"{place} + {axis.before} - {position} * {axis.dilation}"
    tests = [f"{name} < 0", f"{name} >= {axis.output * axis.stride}"]
    tests += [f"{name} % {axis.stride} != 0"] * (axis.stride > 1)
    return f"const int {name} = {at};", tests
