"""Missing values in C99, and what transforms of columns share.

Everything is computed in the type of raw numbers, `double` by default, item by item. A missing
number is NaN, a missing text NULL.
"""

from __future__ import annotations

from math import prod

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.text import string
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.impute import Impute

FAIL = """{
    out->column = $column;
    return ${PREFIX}_%s;
}"""
"""Statements that end a prediction with an error about a column."""

EACH = """
for (int i = 0; i < $size; i++) {
    const $number v = ($number) x[i];
    y[i] = ($kind) ($missing(v) ? $value : v);
}
"""


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
        number = w.raw(value) if np.ndim(value) == 0 else ""
        if not number:
            constant = w.raw_constant(f"{site.name}_value", np.asarray(value, float))
            number = f"{constant}[i]"
        kind = w.number if x.ctype == w.number else "float"
        return w.compute(
            site.name, EACH, {"x": x}, x.shape, ctype=kind, inline=True, in_place="x",
            size=x.size, kind=kind, missing="!isfinite" if transform.infinite else "isnan",
            value=number,
        )  # fmt: skip


def require_scalar_types(site: TranslationSite) -> None:
    """Refuse windows of several rows, of which only single numbers are transformed."""
    if site.inputs[0].size != prod(site.input_shapes[0]):
        raise Untranslatable("in windows of rows, only numbers that stay single can be prepared")
