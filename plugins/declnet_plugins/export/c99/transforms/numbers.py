"""Transforms of numbers that refuse rows or take texts, in C99.

Everything is computed in the type of raw numbers, `double` by default, item by item. A missing
number is NaN, a missing text NULL.
"""

from __future__ import annotations

from math import prod
from textwrap import indent
from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.text import string
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.scaling import Log

FAIL = """{
    out->column = $column;
    return ${PREFIX}_%s;
}"""
"""Statements that end a prediction with an error about a column."""

EACH = """
for (int i = 0; i < $size; i++) {
    const $number v = ($number) x[i];
    $before
    y[i] = ($kind) ($value);
}
"""


def each_number(site: TranslationSite, value: str, before: str = "", **terms: Any) -> Value:
    """Compute a value of each number `v` of a column, in the type of raw numbers.

    Columns of arrays become floats, like the network's input; all else has the type of raw numbers.

    Args:
        site: the transform's place.
        value: an expression.
        before: statements before it.
        terms: as for `CWriter.compute`.
    """
    writer: CWriter = site.writer
    x: Value = site.inputs[0]
    is_raw = site.inverse or x.ctype == writer.number
    kind = writer.number if is_raw else "float"
    body = EACH.replace("$value", value).replace("    $before\n", indented(before))
    return writer.compute(
        site.name, body, {"x": x}, x.shape, ctype=kind, inline=True, in_place="x",
        size=x.size, kind=kind, **terms,
    )  # fmt: skip


def indented(text: str) -> str:
    """Return lines of a body, indented; empty for no text."""
    return indent(text.strip("\n"), "    ") + "\n" if text else ""


class CLog(CTranslation):
    """y = log(x + shift); smaller numbers are an error."""

    replaces = (Log,)

    def write(self, transform: Log, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers."""
        shift = w.raw(transform.shift)
        if site.inverse:
            return each_number(site, f"exp$f(v) - {shift}")
        return each_number(
            site, f"log$f(v + {shift})", f"if (v <= -{shift}) {FAIL % 'OUT_OF_RANGE'}"
        )


class CImpute(CTranslation):
    """y = x, but a value of the training data where x is missing."""

    replaces = (Impute,)

    def write(self, transform: Impute, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers, or a choice between two texts."""
        x, value = site.inputs[0], site.state["value"]
        if x.ctype == TEXT:
            return w.compute(
                site.name, f"y[0] = x[0] == NULL ? {string(value)} : x[0];", {"x": x}, (),
                ctype=TEXT, inline=True, in_place="x",
            )  # fmt: skip
        missing = "!isfinite(v)" if transform.infinite else "isnan(v)"
        number = w.raw(value) if np.ndim(value) == 0 else ""
        if not number:
            constant = w.raw_constant(f"{site.name}_value", np.asarray(value, float))
            number = f"{constant}[i]"
        return each_number(site, f"{missing} ? {number} : v")


def require_scalar_types(site: TranslationSite) -> None:
    """Refuse windows of several rows, of which only single numbers are transformed."""
    if site.inputs[0].size != prod(site.input_shapes[0]):
        raise Untranslatable("in windows of rows, only numbers that stay single can be prepared")
