"""The inner loop of dense layers and convolutions, in a form that compilers vectorize.

y += x @ weights adds four rows of weights at a time to all of y. The items of y are independent,
so a compiler may compute several at once without changing the order of any sum, which C99 forbids
it to do with a dot product. Its trip count is a literal, and a multiple of four except for the
last items, so that gcc vectorizes it with -O2 already.
"""

from __future__ import annotations

from textwrap import indent

ROWS = 4
"""Rows of weights that are added at a time."""

LANES = 4
"""Floats of the smallest common vector register."""

NAMES = "abcd"


def product(
    inputs: int,
    units: int,
    weights: str,
    biases: str | None,
    x: str = "x",
    y: str = "y",
) -> str:
    """Return statements for y = x @ weights + biases, or y += x @ weights.

    Args:
        inputs: the number of items of x.
        units: the number of items of y.
        weights: a pointer to (inputs, units), an expression.
        biases: a pointer to what y starts with; `"0"` for zeros, None if it is filled already.
        x: a pointer to the inputs.
        y: a pointer to the outputs, which share no memory with the others.
    """
    parts = []
    if biases is not None:
        start = "0.0f" if biases == "0" else f"{biases}[j]"
        parts.append(f"for (int j = 0; j < {units}; j++) {y}[j] = {start};")
    whole = inputs - inputs % ROWS
    if whole:
        added = _rows(x, "i + ", units, ROWS, y)
        parts.append(
            f"for (int i = 0; i < {whole}; i += {ROWS}) {{\n"
            f"    const float *const w = {weights} + i * {units};\n{indent(added, '    ')}\n}}"
        )
    if inputs > whole:
        added = _rows(x, f"{whole} + " if whole else "", units, inputs - whole, y)
        offset = f" + {whole * units}" if whole else ""
        parts.append(
            f"{{\n    const float *const w = {weights}{offset};\n{indent(added, '    ')}\n}}"
        )
    return "\n".join(parts)


def _rows(x: str, first: str, units: int, count: int, y: str) -> str:
    factors = ", ".join(f"{NAMES[row]} = {x}[{first}{row}]" for row in range(count))
    terms = " + ".join(
        f"{NAMES[row]} * w[{f'{row * units} + ' if row else ''}j]" for row in range(count)
    )
    lines = [f"const float {factors};"]
    whole = units - units % LANES
    if whole:
        lines.append(f"for (int j = 0; j < {whole}; j++) {y}[j] += {terms};")
    if units > whole:
        lines.append(f"for (int j = {whole}; j < {units}; j++) {y}[j] += {terms};")
    return "\n".join(lines)
