"""Text in C99: categories as numbers, rare ones as one, and what takes the place of gaps.

A missing number is NaN, a missing text NULL.
"""

from __future__ import annotations

from math import prod

import numpy as np

from declnet import class_name
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.text import string
from declnet_plugins.export.c99.translation import CTranslation, step
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.categories import (
    CategoryTransform,
    GroupRare,
    OneHot,
    Ordinal,
)
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.tabular.transforms.categories import SignedOneHot

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
    const char *end = text;
    while (*end != 0) end++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\\t')) end--;
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


FRACTION = """
if (x[0] != floor$f(x[0]) || isinf(x[0])) {
    out->column = $column;
    return ${PREFIX}_OUT_OF_RANGE;
}
"""


def _position(site: TranslationSite, missing_fails: bool, unknown_fails: bool) -> str:
    """Return statements that set `at` to the category of x[0]; -1 if it is accepted unknown."""
    writer, x = site.writer, site.inputs[0]
    if x.size != prod(site.input_shapes[0]):
        raise Untranslatable("in windows of rows, only numbers that stay single can be prepared")
    if x.ctype not in (TEXT, writer.number):
        raise Untranslatable("categories are columns of a table, not of arrays")
    categories = site.state["categories"]
    if x.ctype == TEXT:
        known = writer.strings(f"{site.name}_categories", tuple(categories))
        find, missing, check = writer.helper("find_text", FIND_TEXT), "x[0] == NULL", ""
    else:
        known = writer.raw_constant(f"{site.name}_categories", np.array(categories, float))
        find, missing, check = writer.helper("find_number", FIND_NUMBER), "isnan(x[0])", FRACTION
    lines = ["int at = -1;"]
    if missing_fails:
        lines += [f"if ({missing}) {FAIL % 'MISSING'}", *check.strip().splitlines()]
        lines.append(f"at = {find}({known}, {len(categories)}, x[0]);")
    else:
        lines += [f"if (!({missing})) {{", *check.strip().splitlines()]
        lines.append(f"at = {find}({known}, {len(categories)}, x[0]);")
    if unknown_fails:
        lines.append(f"if (at < 0) {FAIL % 'UNKNOWN_CATEGORY'}")
    return "\n".join(lines) + ("" if missing_fails else "\n}")


def _encoded(site: TranslationSite, transform: CategoryTransform, body: str) -> Value:
    fails = transform.missing == "error" or (
        transform.missing == "unknown" and transform.unknown == "error"
    )
    count = len(site.state["categories"])
    writer: CWriter = site.writer
    text = f"{_position(site, fails, transform.unknown == 'error')}\n{body}"
    return writer.compute(
        site.name, text, {"x": site.inputs[0]}, site.output_shape, ctype=writer.number,
        inline=True, count=count,
    )  # fmt: skip


class COneHot(CTranslation):
    """One number for each category, 1 where x has it."""

    replaces = (OneHot,)

    def write(self, transform: OneHot, site: TranslationSite, w: CWriter) -> Value:
        """Add a search for the category."""
        body = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"
        return _encoded(site, transform, body)


class CSignedOneHot(CTranslation):
    """The same; for two categories, one number, 1 or -1."""

    replaces = (SignedOneHot,)

    def write(self, transform: SignedOneHot, site: TranslationSite, w: CWriter) -> Value:
        """Add a search for the category."""
        body = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"
        if len(site.state["categories"]) == 2:
            body = "y[0] = ($number) ((at == 0) - (at == 1));"
        return _encoded(site, transform, body)


class COrdinal(CTranslation):
    """The position of x in the categories; their number for unknown ones."""

    replaces = (Ordinal,)

    def write(self, transform: Ordinal, site: TranslationSite, w: CWriter) -> Value:
        """Add a search for the category."""
        return _encoded(site, transform, "y[0] = ($number) (at < 0 ? $count : at);")


class CGroupRare(CTranslation):
    """y = x, or another text for categories that are rare or unknown; missing ones stay missing."""

    replaces = (GroupRare,)

    def write(self, transform: GroupRare, site: TranslationSite, w: CWriter) -> Value:
        """Add a search for the category."""
        names = tuple(map(class_name, site.state["categories"]))
        known_names = w.strings(f"{site.name}_names", names) if names else "NULL"
        missing = "x[0] == NULL" if site.inputs[0].ctype == TEXT else "isnan(x[0])"
        name = f"at < 0 ? $other : {known_names}[at]" if names else "$other"
        text = f"y[0] = {missing} ? NULL : {name};"
        text = f"{_position(site, False, False)}\n{text}" if names else text
        return w.compute(
            site.name, text, {"x": site.inputs[0]}, (), ctype=TEXT, inline=True,
            other=string(transform.other),
        )  # fmt: skip


class CImpute(CTranslation):
    """y = x, but a text of the training data where x is missing."""

    replaces = (Impute,)

    def write(self, transform: Impute, site: TranslationSite, w: CWriter) -> Value:
        """Add a choice between two texts."""
        if site.inputs[0].ctype != TEXT:
            raise Untranslatable("numbers are recorded")
        text = f"y[0] = x[0] == NULL ? {string(site.state['value'])} : x[0];"
        return step(site, text, ctype=TEXT, inline=True, in_place="x")
