"""Convolutions in C99.

For each place, what the kernel sees is copied to an array, with zeros for padding, and multiplied
by the weights like the input of a dense layer: filters are computed side by side, and channels
stay where the layers before and after expect them. A depthwise convolution, whose kernel sees few
numbers for few filters, is a plain loop.
"""

from __future__ import annotations

from textwrap import indent
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.products import LANES, product
from declnet_plugins.export.c99.translation import CTranslation, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.conv1d import Conv1d
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose
from declnet_plugins.standard.layers.window import Axis, window_over

GATHERED = """
for (int r = 0; r < $rows; r++) {
    for (int s = 0; s < $columns; s++) {
        for (int g = 0; g < $groups; g++) {
            float *to = seen;
            for (int c = g * $channels; c < (g + 1) * $channels; c++) {
$copies
            }
$product
            for (int f = 0; f < $filters; f++) {
                y[((g * $filters + f) * $rows + r) * $columns + s] = sums[f];
            }
        }
    }
}
"""

FEW_FILTERS = """
for (int f = 0; f < $groups * $filters; f++) {
    for (int r = 0; r < $rows; r++) {
        for (int s = 0; s < $columns; s++) {
            float sum = $start;
            const float *w = $weights + f * $size;
            for (int c = f / $filters * $channels; c < (f / $filters + 1) * $channels; c++) {
                for (int k = 0; k < $height; k++) {
                    const int row = $row;
                    for (int l = 0; l < $width; l++, w++) {
                        const int column = $column;
                        $condition
                        sum += *w * x[(c * $given_rows + row) * $given_columns + column];
                    }
                }
            }
            y[(f * $rows + r) * $columns + s] = sum;
        }
    }
}
"""


class CConv2d(CTranslation):
    """y = biases + the sum over the kernel of weights * x."""

    replaces = (Conv2d,)

    def write(self, layer: Conv2d, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over places."""
        (input_shape,), weights = site.input_shapes, np.asarray(site.parameters["weights"])
        window = window_over(
            layer.type, input_shape, layer.kernel_size, layer.stride, layer.padding, layer.dilation
        )
        filters, (channels, height, width) = layer.filters // layer.groups, weights.shape[1:]
        size = channels * height * width
        terms = {
            "rows": window.rows.output,
            "columns": window.columns.output,
            "groups": layer.groups,
            "channels": channels,
            "filters": filters,
            "height": height,
            "width": width,
            "size": size,
            "given_rows": input_shape[1],
            "given_columns": input_shape[2],
        }
        if layer.use_bias:
            terms["biases"] = site.parameters["biases"]
        places = {"row": _place(window.rows, "r", "k"), "column": _place(window.columns, "s", "l")}
        outside = [_outside(window.rows, "row"), _outside(window.columns, "column")]
        tests = " || ".join(test for test in outside if test)
        x, shape = {"x": site.inputs[0]}, site.output_shape
        if filters < LANES:
            start = "$biases[f]" if layer.use_bias else "0.0f"
            condition = f"if ({tests}) continue;" if tests else ""
            body = _with(FEW_FILTERS, start=start, condition=condition, **places)
            return w.compute(site.name, body, x, shape, weights=weights, **terms)
        by_group = weights.reshape(layer.groups, filters, size).swapaxes(1, 2)
        copies = _copies(window.rows, window.columns, height, width)
        multiplied = product(
            size,
            filters,
            _of_group("$weights", layer.groups, size * filters),
            _of_group("$biases", layer.groups, filters) if layer.use_bias else "0",
            "seen",
            "sums",
        )
        body = _with(
            GATHERED, copies=indent(copies, " " * 16), product=indent(multiplied, " " * 12)
        )
        scratch = {"seen": w.scratch(size), "sums": w.scratch(filters)}
        return w.compute(site.name, body, x, shape, scratch=scratch, weights=by_group, **terms)


def _of_group(array: str, groups: int, size: int) -> str:
    """Return a pointer to the part of group g."""
    return f"({array} + g * {size})" if groups > 1 else array


def _place(axis: Axis, place: str, position: str) -> str:
    """Return where on an axis a position of the kernel is, an expression."""
    first = place if axis.stride == 1 else f"{place} * {axis.stride}"
    step_within = position if axis.dilation == 1 else f"{position} * {axis.dilation}"
    return f"{first} + {step_within}" + (f" - {axis.before}" if axis.before else "")


def _outside(axis: Axis, place: str) -> str:
    """Return a test for padding; empty if the kernel sees none."""
    tests = [f"{place} < 0"] if axis.before else []
    if (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation - axis.before >= (
        axis.size
    ):
        tests.append(f"{place} >= {axis.size}")
    return " || ".join(tests)


def _copies(rows: Axis, columns: Axis, height: int, width: int) -> str:
    """Return statements that copy what the kernel sees of channel c at (r, s) to `to`."""
    above, aside = _outside(rows, "row"), _outside(columns, "column")
    row = f"x + (c * {rows.size} + row) * {columns.size}"
    lines = [
        f"for (int k = 0; k < {height}; k++) {{",
        f"    const int row = {_place(rows, 'r', 'k')};",
    ]
    if above:
        lines += [
            f"    if ({above}) {{",
            f"        for (int l = 0; l < {width}; l++) *to++ = 0.0f;",
            "        continue;",
            "    }",
        ]
    lines += [
        f"    const float *const from = {row};",
        f"    for (int l = 0; l < {width}; l++) {{",
        f"        const int column = {_place(columns, 's', 'l')};",
        f"        *to++ = {aside} ? 0.0f : from[column];"
        if aside
        else "        *to++ = from[column];",
        "    }",
        "}",
    ]
    return "\n".join(lines)


def _with(template: str, **parts: str) -> str:
    """Return a template with some of its terms replaced by text that may have others."""
    for name, text in parts.items():
        template = template.replace(f"${name}\n", f"{text}\n").replace(f"${name};", f"{text};")
    return "\n".join(line for line in template.splitlines() if line.strip())


CONV1D = """
for (int t = 0; t < $places; t++, y += $filters) {
    for (int g = 0; g < $groups; g++) {
        float *to = seen;
        for (int k = 0; k < $kernel; k++) {
            const int step = $step;
            for (int c = g * $channels; c < (g + 1) * $channels; c++) {
                *to++ = $seen;
            }
        }
$product
    }
}
"""


class CConv1d(CTranslation):
    """y[t] = biases + the sum over the kernel of x[t + k] @ weights[k]."""

    replaces = (Conv1d,)

    def write(self, layer: Conv1d, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over places."""
        (time, features), (places, _) = site.input_shapes[0], site.output_shape
        axis: Axis = layer._axis(time)
        weights: Array = np.asarray(site.parameters["weights"])
        groups, filters = layer.groups, layer.filters // layer.groups
        channels = features // groups
        size = layer.kernel_size * channels
        by_group = weights.reshape(size, groups, filters).swapaxes(0, 1)
        has_lengths = len(site.inputs) > 1
        end = "lengths[0]" if has_lengths else str(time)
        outside = ["step < 0"] if axis.before else []
        if has_lengths or "step >=" in _outside(axis, "step"):
            outside.append(f"step >= {end}")
        place = f"x[step * {features} + c]"
        multiplied = product(
            size,
            filters,
            _of_group("$weights", groups, size * filters),
            _of_group("$biases", groups, filters) if layer.use_bias else "0",
            "seen",
            "own",
        )
        pointer = f"        float *const own = y + g * {filters};\n"
        body = CONV1D.replace("$step", _place(axis, "t", "k")).replace(
            "$seen", f"{' || '.join(outside)} ? 0.0f : {place}" if outside else place
        )
        body = body.replace("$product", pointer + indent(multiplied, " " * 8))
        body = body.replace("y += $filters", f"y += {layer.filters}")
        if has_lengths:
            body = body.replace(
                "    for (int g",
                "    if (t >= lengths[0]) {\n"
                f"        for (int f = 0; f < {layer.filters}; f++) y[f] = 0.0f;\n"
                "        continue;\n    }\n    for (int g",
                1,
            )
        terms: dict[str, Any] = {"biases": site.parameters["biases"]} if layer.use_bias else {}
        inputs = dict(zip(("x", "lengths"), site.inputs, strict=False))
        return step(
            site, body, inputs, scratch={"seen": w.scratch(size)}, weights=by_group, places=places,
            groups=groups, channels=channels, filters=filters, kernel=layer.kernel_size, **terms,
        )  # fmt: skip


TRANSPOSED = """
for (int f = 0; f < $all; f++) {
    for (int i = 0; i < $places; i++) y[f * $places + i] = $start;
}
for (int c = 0; c < $channels; c++) {
    for (int f = 0; f < $filters; f++) {
        const int g = c / $group * $filters + f;
        for (int i = 0; i < $given_rows; i++) {
            for (int j = 0; j < $given_columns; j++) {
                const float factor = x[(c * $given_rows + i) * $given_columns + j];
                const float *w = $weights + (c * $filters + f) * $size;
                for (int k = 0; k < $height; k++) {
                    const int row = $row;
                    for (int l = 0; l < $width; l++, w++) {
                        const int column = $column;
                        if (row < 0 || row >= $rows || column < 0 || column >= $columns) continue;
                        y[(g * $rows + row) * $columns + column] += factor * *w;
                    }
                }
            }
        }
    }
}
"""


class CConv2dTranspose(CTranslation):
    """y[s * i + k, s * j + l] += weights * x[i, j]."""

    replaces = (Conv2dTranspose,)

    def write(self, layer: Conv2dTranspose, site: TranslationSite, w: CWriter) -> Value:
        """Add loops over the input, each number of which is added to all outputs it reaches."""
        (input_shape,), (filters, rows, columns) = site.input_shapes, site.output_shape
        window = window_over(
            layer.type, site.output_shape, layer.kernel_size, layer.stride, layer.padding,
            layer.dilation,
        )  # fmt: skip
        height, width = layer.kernel_size
        body = TRANSPOSED.replace("$row;", _place(window.rows, "i", "k") + ";")
        body = body.replace("$column;", _place(window.columns, "j", "l") + ";")
        body = body.replace("$start", "$biases[f]" if layer.use_bias else "0.0f")
        terms: dict[str, Any] = {"biases": site.parameters["biases"]} if layer.use_bias else {}
        return step(
            site, body, all=filters, places=rows * columns, channels=input_shape[0],
            filters=filters // layer.groups, group=input_shape[0] // layer.groups,
            given_rows=input_shape[1], given_columns=input_shape[2], size=height * width,
            height=height, width=width, rows=rows, columns=columns,
            weights=site.parameters["weights"], **terms,
        )  # fmt: skip
