"""Text in C99: categories as numbers, rare ones as one, and what takes the place of gaps.

A missing number is NaN, a missing text NULL.
"""

from __future__ import annotations

from math import prod
from textwrap import indent
from typing import Any

import numpy as np

from declnet import class_name
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.text import string
from declnet_plugins.export.c99.translation import CTranslation, text_end
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.categories import (
    CategoryTransform,
    GroupRare,
    OneHot,
    Ordinal,
)
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.tabular.transforms import SignedOneHot

FAIL = """{
    out->column = $column;
    return ${PREFIX}_%s;
}"""
"""Statements that end a prediction with an error about a column."""

FIND_TEXT = """
/* The position of a text in sorted ones, without the spaces after it; -1 if it is none of them. */
static int $name(const char *const *texts, int count, const char *text)
{
    int from = 0, to = count;
    const char *const end = $text_end(text);
    while (from < to) {
        const int middle = from + (to - from) / 2;
        const unsigned char *a = (const unsigned char *) texts[middle];
        const char *b = text;
        while (b < end && *a == (unsigned char) *b) a++, b++;
        if (b == end && *a == 0) return middle;
        if (b == end || *a > (unsigned char) *b) to = middle;
        else from = middle + 1;
    }
    return -1;
}
"""


FIND_NUMBER = """
/* The position of a number in sorted ones; -1 if it is none of them. */
static int $name(const $number *numbers, int count, $number wanted)
{
    int from = 0, to = count;
    while (from < to) {
        const int middle = from + (to - from) / 2;
        if (numbers[middle] == wanted) return middle;
        if (numbers[middle] < wanted) from = middle + 1;
        else to = middle;
    }
    return -1;
}
"""


EACH = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"

VALUES = {
    Ordinal: "y[0] = ($number) (at < 0 ? $count : at);",
    GroupRare: "y[0] = $missing ? NULL : $names[at < 0 ? $count : at];",
}
"""What a column becomes, given the position of its category."""


FRACTION = """
if (x[0] != floor$f(x[0]) || isinf(x[0])) {
    out->column = $column;
    return ${PREFIX}_OUT_OF_RANGE;
}
"""


class CCategory(CTranslation):
    """A search for the category of x; then its number, or a number or text for each category."""

    replaces = (OneHot, SignedOneHot, Ordinal, GroupRare)

    def write(
        self, transform: CategoryTransform | GroupRare, site: TranslationSite, w: CWriter
    ) -> Value:
        """Add the search, after which `at` is -1 for what is accepted besides the categories."""
        x, categories = site.inputs[0], site.state["categories"]
        if x.ctype not in (TEXT, w.number):
            raise Untranslatable("categories are columns of a table, not of arrays")
        name = f"{site.name}_categories"
        if x.ctype == TEXT:
            known = w.strings(name, tuple(categories)) if categories else ""
            find = w.helper("find_text", FIND_TEXT, text_end=text_end(w))
            is_missing, check = "x[0] == NULL", ""
        else:
            known = w.raw_constant(name, np.array(categories, float)) if categories else ""
            find, is_missing, check = w.helper("find_number", FIND_NUMBER), "isnan(x[0])", FRACTION
        missing, unknown = "", ""
        if isinstance(transform, CategoryTransform):
            if transform.unknown == "error":
                unknown = f"if (at < 0) {FAIL % 'UNKNOWN_CATEGORY'}"
            if transform.missing != "zeros" and "error" in (transform.missing, transform.unknown):
                missing = f"if ({is_missing}) {FAIL % 'MISSING'}"
        lookup = (
            f"{check.strip()}\nat = {find}({known or 'NULL'}, {len(categories)}, x[0]);\n{unknown}"
        )
        accepted = f"if (!({is_missing})) {{\n{lookup}\n}}"
        lines = ["int at = -1;", missing, lookup if missing else accepted]
        terms: dict[str, Any] = {"count": len(categories), "ctype": w.number}
        lines.append(VALUES.get(type(transform), EACH))
        if isinstance(transform, SignedOneHot) and len(categories) == 2:
            lines[-1] = "y[0] = ($number) ((at == 0) - (at == 1));"
        if isinstance(transform, GroupRare):
            texts = (*map(class_name, categories), transform.other)
            terms["ctype"], lines[-1] = TEXT, lines[-1].replace("$missing", is_missing)
            terms["names"] = w.strings(f"{site.name}_names", texts)
        return _of_rows(site, w, "\n".join(filter(None, lines)), **terms)


class CImpute(CTranslation):
    """y = x, but a text of the training data where x is missing."""

    replaces = (Impute,)

    def write(self, transform: Impute, site: TranslationSite, w: CWriter) -> Value:
        """Add a choice between two texts."""
        if site.inputs[0].ctype != TEXT:
            raise Untranslatable("numbers are recorded")
        text = f"y[0] = x[0] == NULL ? {string(site.state['value'])} : x[0];"
        return _of_rows(site, w, text, ctype=TEXT, in_place="x")


def _of_rows(site: TranslationSite, w: CWriter, body: str, **more: Any) -> Value:
    """Add statements that fill y from x[0], for each row of a window if there is one."""
    (x,), shape = site.inputs, site.output_shape
    rows = x.size // prod(site.input_shapes[0])
    if rows > 1:
        start = f"t * {prod(shape)}"
        for item, place in (("x[0]", "x[t]"), ("y[0]", f"y[{start}]"), ("y[i]", f"y[{start} + i]")):
            body = body.replace(item, place)
        body = f"for (int t = 0; t < {rows}; t++) {{\n{indent(body, '    ')}\n}}"
        shape = (rows, *shape)
    return w.compute(site.name, body, {"x": x}, shape, inline=True, **more)
