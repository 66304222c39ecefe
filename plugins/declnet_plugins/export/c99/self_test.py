"""The self-test of a program: stored rows, and what declnet predicts for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportedModel
from declnet_plugins.export.c99.interface import Field
from declnet_plugins.export.c99.model_writer import ModelWriter
from declnet_plugins.export.c99.text import LITERALS, braced, initializer, string
from declnet_plugins.export.c99.writer import TEXT

TOLERANCE = "1e-4f"
"""The largest difference, as a share of the largest number."""


def self_test(model: ExportedModel, writer: ModelWriter, rows: int) -> str:
    """Return the test of at most `rows` of the model's examples; empty if there are none."""
    count = len(next(iter(model.expected.values())).outputs) if model.expected else 0
    if not (count and rows):
        return ""
    chosen = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int))
    prefix = writer.prefix
    stored, argument = _stored(model, writer, chosen)
    lines = [*stored]
    checks = []
    for output in writer.outputs:
        expected = model.expected[output.output.name].outputs[chosen].reshape(len(chosen), -1)
        name = f"{prefix}_expected_{output.name}".rstrip("_")
        items = initializer(expected, "float")
        lines.append(f"static const float {name}[{expected.size}] = {items};")
        scale = LITERALS["float"](float(np.abs(expected.astype(float)).max()) or 1.0)
        into = f"out.{output.name}." if output.name else "out."
        at = f"{output.count - output.size} + i" if output.count > output.size else "i"
        checks.append(
            f"        for (int i = 0; i < {output.size}; i++) {{\n"
            f"            const float expected = {name}[row * {output.size} + i];\n"
            f"            const float found = (float) {into}{output.numbers}[{at}];\n"
            f"            const float difference = fabsf(found - expected) / {scale};\n"
            f"            if (difference > most) most = difference;\n"
            f"            if (!(difference <= {TOLERANCE}) && wrong == 0) wrong = row + 1;\n"
            f"        }}"
        )
    call = f"{prefix}_predict_array" if writer.takes_array else f"{prefix}_predict"
    body = "\n".join(checks)
    lines.append(
        f"int {prefix}_self_test(float *largest)\n{{\n"
        f"    float most = 0.0f;\n    int wrong = 0;\n"
        f"    {prefix}_output out;\n"
        f"    for (int row = 0; row < {len(chosen)}; row++) {{\n"
        f"        if ({call}({argument}, &out) != {prefix.upper()}_OK) return row + 1;\n"
        f"{body}\n    }}\n    if (largest != NULL) *largest = most;\n    return wrong;\n}}"
    )
    main = f"""#ifdef DECLNET_SELF_TEST
#include <stdio.h>

int main(void)
{{
    float largest = 0.0f;
    const int wrong = {prefix}_self_test(&largest);
    if (wrong != 0) printf("{prefix}: row %d of {len(chosen)} differs from declnet\\n", wrong);
    else printf("{prefix}: {len(chosen)} rows as in declnet, largest difference %.2g\\n", \
(double) largest);
    return wrong != 0;
}}
#endif"""
    return (
        "#if defined DECLNET_SELF_TEST || defined DECLNET_SELF_TEST_FUNCTION\n\n"
        + "\n\n".join([*lines, main])
        + "\n\n#endif"
    )


def _stored(model: ExportedModel, writer: ModelWriter, chosen: Array) -> tuple[list[str], str]:
    """Return constants with the rows, and an expression of row `row`."""
    prefix, lines = writer.prefix, []
    for field in writer.fields:
        if field.is_array:
            array = np.asarray(model.examples[field.column.name])[chosen]
            name = f"{prefix}_given_{field.name}"
            items = initializer(array, field.ctype)
            lines.append(f"static const {field.ctype} {name}[{array.size}] = {items};")
    if writer.takes_array:
        return lines, f"{prefix}_given_sample + row * {writer.fields[0].size}"
    rows = []
    for number, row in enumerate(chosen):
        initializers = [
            _item(
                row_field,
                model.examples[row_field.column.name][row],
                f"{prefix}_given_{row_field.name} + {number * row_field.size}",
            )
            for row_field in writer.fields
        ]
        rows.append("{" + ", ".join(initializers) + "}")
    lines.append(f"static const {prefix}_row {prefix}_rows[{len(rows)}] = {braced(rows)};")
    return lines, f"&{prefix}_rows[row]"


def _item(row_field: Field, value: Any, pointer: str) -> str:
    """Return the initializer of a field."""
    if row_field.is_array:
        return pointer
    if row_field.column.window is not None:
        return "{" + ", ".join(_literal(row_field, item) for item in value) + "}"
    return _literal(row_field, value)


def _literal(row_field: Field, value: Any) -> str:
    if row_field.ctype == TEXT:
        return "NULL" if value is None else string(str(value))
    return LITERALS[row_field.ctype](np.nan if value is None else value)
