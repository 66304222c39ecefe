"""The preparation of raw columns, and the inverse transforms of targets, in C99.

Everything is computed in the type of raw numbers, `double` by default, item by item. A missing
number is NaN, a missing text NULL.
"""

from __future__ import annotations

from math import prod
from textwrap import indent
from typing import Any

import numpy as np

from declnet import Translation, TranslationSite, Untranslatable
from declnet_export.c99.text import string
from declnet_export.c99.writer import TEXT, CWriter, Value
from declnet_standard.transforms import (
    GroupRare,
    Impute,
    Log,
    MinMax,
    MissingIndicator,
    Normalize,
    OneHot,
    Ordinal,
    Quantile,
    SignedLog,
    Standardize,
)
from declnet_standard.transforms.categories import CategoryTransform, shown
from declnet_standard.transforms.quantile import EDGE
from declnet_tabular.transforms.categories import SignedOneHot
from declnet_tabular.transforms.numbers import QuantileNormal, RobustScale
from declnet_tabular.transforms.targets import Clamp

EACH = """
for (int i = 0; i < $size; i++) {
    const $number v = ($number) x[i];
    $before
    y[i] = ($kind) ($value);
}
"""


def each_number(
    site: TranslationSite, value: str, before: str = "", **terms: Any
) -> tuple[Value, ...]:
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
    return (
        writer.compute(
            site.name, body, {"x": x}, x.shape, ctype=kind, inline=True, in_place="x",
            size=x.size, kind=kind, note=site.name, **terms,
        ),
    )  # fmt: skip


def indented(text: str) -> str:
    """Return lines of a body, indented; empty for no text."""
    return indent(text.strip("\n"), "    ") + "\n" if text else ""


def learned(site: TranslationSite, name: str, value: Any = None) -> str:
    """Return an expression of what was learned about number i of a sample.

    Args:
        site: the transform's place.
        name: a key of its state, or another name if there is a value.
        value: a number, or an array of the shape of a sample.
    """
    writer: CWriter = site.writer
    value = site.state[name] if value is None else value
    if np.ndim(value) == 0:
        return writer.raw(value)
    return f"{writer.raw_constant(f'{site.name}_{name}', np.asarray(value, float))}[i]"


class CStandardize(Translation):
    """y = (x - mean) / std."""

    type = "c_standardize"
    format = "c"
    replaces = (Standardize,)

    def translate(self, transform: Standardize, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        mean, std = learned(site, "mean"), learned(site, "std")
        return each_number(site, f"v * {std} + {mean}" if site.inverse else f"(v - {mean}) / {std}")


LIMITED = """
/* v, at least low and at most high; NaN stays. */
static $number $name($number v, $number low, $number high)
{
    return v < low ? low : v > high ? high : v;
}
"""


class CMinMax(Translation):
    """y = low + (x - min) / (max - min) * (high - low)."""

    type = "c_min_max"
    format = "c"
    replaces = (MinMax,)

    def translate(self, transform: MinMax, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        raw, low, high = site.writer.raw, transform.low, transform.high
        least = learned(site, "min")
        span = np.subtract(site.state["max"], site.state["min"])
        if site.inverse:
            factor = learned(site, "factor", span / (high - low))
            return each_number(site, f"(v - {raw(low)}) * {factor} + {least}")
        own = learned(site, "span", np.where(span == 0, 1.0, span))
        value = f"(v - {least}) / {own} * {raw(high - low)} + {raw(low)}"
        if transform.clip:
            limited = site.writer.helper("limited", LIMITED)
            value = f"{limited}({value}, {raw(low)}, {raw(high)})"
        return each_number(site, value)


class CClamp(Translation):
    """y = x; the inverse is limited to the range of the training data."""

    type = "c_clamp"
    format = "c"
    replaces = (Clamp,)

    def translate(self, transform: Clamp, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers, or return them unchanged."""
        if not site.inverse:
            return (site.inputs[0],)
        limited = site.writer.helper("limited", LIMITED)
        return each_number(site, f"{limited}(v, {learned(site, 'min')}, {learned(site, 'max')})")


SOFT_LIMITED = """
/* z, smoothly limited to a range around 0. */
static $number $name($number z, $number limit)
{
    const $number share = z / limit;
    return z / sqrt$f(1 + share * share);
}
"""


class CRobustScale(Translation):
    """y = z / sqrt(1 + (z / clip)**2), z = (x - median) * factor."""

    type = "c_robust_scale"
    format = "c"
    replaces = (RobustScale,)

    def translate(self, transform: RobustScale, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        z = f"(v - {learned(site, 'median')}) * {learned(site, 'factor')}"
        if transform.clip is not None:
            own = site.writer.helper("soft_limited", SOFT_LIMITED)
            z = f"{own}({z}, {site.writer.raw(transform.clip)})"
        return each_number(site, z)


class CSignedLog(Translation):
    """y = sign(x) * log(1 + |x| / scale)."""

    type = "c_signed_log"
    format = "c"
    replaces = (SignedLog,)

    def translate(self, transform: SignedLog, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        scale = site.writer.raw(transform.scale)
        if site.inverse:
            return each_number(site, f"copysign$f(expm1$f(fabs$f(v)) * {scale}, v)")
        return each_number(site, f"copysign$f(log1p$f(fabs$f(v) / {scale}), v)")


class CLog(Translation):
    """y = log(x + shift); smaller numbers are an error."""

    type = "c_log"
    format = "c"
    replaces = (Log,)

    def translate(self, transform: Log, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        shift = site.writer.raw(transform.shift)
        if site.inverse:
            return each_number(site, f"exp$f(v) - {shift}")
        return each_number(
            site, f"log$f(v + {shift})", f"if (v <= -{shift}) {FAIL % 'OUT_OF_RANGE'}"
        )


class CNormalize(Translation):
    """y = (x / maximum - mean) / std, by channels."""

    type = "c_normalize"
    format = "c"
    replaces = (Normalize,)

    def translate(self, transform: Normalize, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the numbers of a sample."""
        writer, value = site.writer, f"v / {site.writer.raw(transform.maximum)}"
        for name, symbol, each in (("mean", "-", transform.mean), ("std", "/", transform.std)):
            if each is None:
                continue
            own = writer.raw(each[0])
            if len(each) > 1:
                places = prod(site.output_shape[1:])
                own = f"{writer.raw_constant(f'{site.name}_{name}', np.array(each))}[i / {places}]"
            value = f"({value} {symbol} {own})"
        return each_number(site, value)


class CImpute(Translation):
    """y = x, but a value of the training data where x is missing."""

    type = "c_impute"
    format = "c"
    replaces = (Impute,)

    def translate(self, transform: Impute, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers, or a choice between two texts."""
        writer, x, value = site.writer, site.inputs[0], site.state["value"]
        if x.ctype == TEXT:
            return (
                writer.compute(
                    site.name, f"y[0] = x[0] == NULL ? {string(value)} : x[0];", {"x": x}, (),
                    ctype=TEXT, inline=True, in_place="x", note=site.name,
                ),
            )  # fmt: skip
        missing = "!isfinite(v)" if transform.infinite else "isnan(v)"
        return each_number(site, f"{missing} ? {learned(site, 'value')} : v")


class CMissingIndicator(Translation):
    """y = x and, for each number that the training data lacks somewhere, 1 where it is missing."""

    type = "c_missing_indicator"
    format = "c"
    replaces = (MissingIndicator,)

    def translate(self, transform: MissingIndicator, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers, and a line for each indicator."""
        writer, x = site.writer, site.inputs[0]
        if not site.state["numbers"]:
            return (x,)
        _require_scalar_types(site)
        lines = ["for (int i = 0; i < $size; i++) y[i] = x[i];"]
        for number, position in enumerate(site.state["numbers"]):
            lines.append(f"y[{x.size + number}] = isnan(x[{position}]) ? ($kind) 1 : ($kind) 0;")
        return (
            writer.compute(
                site.name, "\n".join(lines), {"x": x}, site.output_shape, ctype=x.ctype,
                inline=True, size=x.size, kind=x.ctype, note=site.name,
            ),
        )  # fmt: skip


def _require_scalar_types(site: TranslationSite) -> None:
    """Refuse windows of several rows, of which only single numbers are transformed."""
    if site.inputs[0].size != prod(site.input_shapes[0]):
        raise Untranslatable("in windows of rows, only numbers that stay single can be prepared")


FIND_TEXT = """
/* The position of a text in sorted ones; -1 if it is none of them. */
static int $name(const char *const *texts, int count, const char *text)
{
    int from = 0, to = count;
    while (from < to) {
        const int middle = from + (to - from) / 2;
        const unsigned char *a = (const unsigned char *) texts[middle];
        const unsigned char *b = (const unsigned char *) text;
        while (*a != 0 && *a == *b) a++, b++;
        if (*a == *b) return middle;
        if (*a < *b) from = middle + 1;
        else to = middle;
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
if (x[0] != floor$f(x[0])) {
    out->column = $column;
    return ${PREFIX}_OUT_OF_RANGE;
}
"""

FAIL = """{
    out->column = $column;
    return ${PREFIX}_%s;
}"""


def _position(site: TranslationSite, missing_fails: bool, unknown_fails: bool) -> str:
    """Return statements that set `at` to the category of x[0]; -1 if it is accepted unknown."""
    writer, x = site.writer, site.inputs[0]
    _require_scalar_types(site)
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


def _encoded(site: TranslationSite, transform: CategoryTransform, body: str) -> tuple[Value, ...]:
    fails = transform.missing == "error" or (
        transform.missing == "unknown" and transform.unknown == "error"
    )
    count = len(site.state["categories"])
    writer: CWriter = site.writer
    text = f"{_position(site, fails, transform.unknown == 'error')}\n{body}"
    return (
        writer.compute(
            site.name, text, {"x": site.inputs[0]}, site.output_shape, ctype=writer.number,
            inline=True, note=site.name, count=count,
        ),
    )  # fmt: skip


class COneHot(Translation):
    """One number for each category, 1 where x has it."""

    type = "c_one_hot"
    format = "c"
    replaces = (OneHot,)

    def translate(self, transform: OneHot, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        body = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"
        return _encoded(site, transform, body)


class CSignedOneHot(Translation):
    """The same; for two categories, one number, 1 or -1."""

    type = "c_signed_one_hot"
    format = "c"
    replaces = (SignedOneHot,)

    def translate(self, transform: SignedOneHot, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        body = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"
        if len(site.state["categories"]) == 2:
            body = "y[0] = ($number) ((at == 0) - (at == 1));"
        return _encoded(site, transform, body)


class COrdinal(Translation):
    """The position of x in the categories; their number for unknown ones."""

    type = "c_ordinal"
    format = "c"
    replaces = (Ordinal,)

    def translate(self, transform: Ordinal, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        return _encoded(site, transform, "y[0] = ($number) (at < 0 ? $count : at);")


class CGroupRare(Translation):
    """y = x, or another text for categories that are rare or unknown; missing ones stay missing."""

    type = "c_group_rare"
    format = "c"
    replaces = (GroupRare,)

    def translate(self, transform: GroupRare, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        names = tuple(map(shown, site.state["categories"]))
        own = site.writer.strings(f"{site.name}_names", names) if names else "NULL"
        missing = "x[0] == NULL" if site.inputs[0].ctype == TEXT else "isnan(x[0])"
        found = f"at < 0 ? $other : {own}[at]" if names else "$other"
        text = f"y[0] = {missing} ? NULL : {found};"
        text = f"{_position(site, False, False)}\n{text}" if names else text
        return (
            site.writer.compute(
                site.name, text, {"x": site.inputs[0]}, (), ctype=TEXT, inline=True,
                note=site.name, other=string(transform.other),
            ),
        )  # fmt: skip


INTERPOLATED = """
/* The share of the data below v, from 0 to 1: between quantiles that ascend, interpolated; above
   equal ones if `above`, else below them. */
static $number $name($number v, const $number *quantiles, int count, int above)
{
    if (v < quantiles[0]) return 0;
    if (v > quantiles[count - 1]) return 1;
    int from = 0, to = count;
    while (from < to) {
        const int middle = from + (to - from) / 2;
        if (quantiles[middle] < v || (above && quantiles[middle] == v)) from = middle + 1;
        else to = middle;
    }
    if (above) from--;
    if (quantiles[from] == v) return ($number) from / ($number) (count - 1);
    const int left = above ? from : from - 1;
    const $number width = quantiles[left + 1] - quantiles[left];
    return (($number) left + (v - quantiles[left]) / width) / ($number) (count - 1);
}
"""

NORMAL_QUANTILE = """
static $number $poly($number r, const $number *c)
{
    return ((((((c[7] * r + c[6]) * r + c[5]) * r + c[4]) * r + c[3]) * r + c[2]) * r + c[1]) * r
           + c[0];
}

/* The quantile of N(0, 1) of a share: Wichura, Algorithm AS 241, 1988. */
static $number $name($number p)
{
    const $number q = p - $half;
    if (fabs$f(q) <= $near) {
        const $number r = $square - q * q;
        return q * $poly(r, $a) / $poly(r, $b);
    }
    $number r = sqrt$f(-log$f(q < 0 ? p : ($number) 1 - p));
    $number v;
    if (r <= 5) {
        r -= $shift;
        v = $poly(r, $c) / $poly(r, $d);
    } else {
        r -= 5;
        v = $poly(r, $e) / $poly(r, $g);
    }
    return q < 0 ? -v : v;
}
"""

AS241 = {
    "a": (3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3,
          1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
          3.3430575583588128105e4, 2.5090809287301226727e3),
    "b": (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
          2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
          5.2264952788528545610e3),
    "c": (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
          3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1,
          2.27238449892691845833e-2, 7.74545014278341407640e-4),
    "d": (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
          1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
          1.05075007164441684324e-9),
    "e": (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
          2.71155556874348757815e-5, 2.01033439929228813265e-7),
    "g": (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
          1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
          1.42151175831644588870e-7, 2.04426310338993978564e-15),
}  # fmt: skip
"""Coefficients of numerators and denominators, from the lowest power on."""


def _normal_quantile(writer: CWriter) -> str:
    text = NORMAL_QUANTILE.replace("$poly", f"{writer.prefix}_polynomial")
    for name, coefficients in AS241.items():
        own = writer.raw_constant(f"quantile_{name}", np.array(coefficients))
        text = text.replace(f"${name})", f"{own})")
    for name, number in (("half", 0.5), ("near", 0.425), ("square", 0.180625), ("shift", 1.6)):
        text = text.replace(f"${name}", writer.raw(number))
    return writer.helper("normal_quantile", text)


RANK = """
const $number *const q = $quantiles + $at;
$number share = ($interpolated(v, q, $count, 0) + $interpolated(v, q, $count, 1)) / 2;
"""


def _ranks(site: TranslationSite, normal: bool, ends: str, share: str) -> tuple[Value, ...]:
    writer: CWriter = site.writer
    if site.inputs[0].ctype != writer.number:  # rounding takes values across the ends
        raise Untranslatable("arrays are given in float32, which is too coarse for quantiles")
    value = share
    if normal:
        limited = writer.helper("limited", LIMITED)
        own = f"{limited}({share}, {writer.raw(EDGE)}, {writer.raw(1 - EDGE)})"
        value = f"{_normal_quantile(writer)}({own})"
    return each_number(
        site,
        f"isnan(v) ? v : {value}",
        RANK + ends,
        interpolated=writer.helper("share_below", INTERPOLATED),
        **_quantiles(site),
    )


def _quantiles(site: TranslationSite) -> dict[str, Any]:
    """Return terms: a constant of quantiles, column by column, their number, and the offset."""
    quantiles = np.asarray(site.state["quantiles"], float)
    count = len(quantiles)
    by_column = quantiles.reshape(count, -1).T
    own = site.writer.raw_constant(f"{site.name}_quantiles", by_column)
    at = f"i * {count}" if len(by_column) > 1 else "0"
    return {"quantiles": own, "count": count, "last": count - 1, "at": at}


INTERPOLATE = """
/* The value at a share between quantiles that ascend, from 0 to 1. */
static $number $name($number share, const $number *quantiles, int last)
{
    const $number place = share * ($number) last;
    if (place <= 0) return quantiles[0];
    if (place >= ($number) last) return quantiles[last];
    const int left = (int) place;
    return quantiles[left] + (quantiles[left + 1] - quantiles[left]) * (place - ($number) left);
}
"""


class CQuantile(Translation):
    """y = the share of the training data below x, or the normal quantile of the share."""

    type = "c_quantile"
    format = "c"
    replaces = (Quantile,)

    def translate(self, transform: Quantile, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search among the quantiles."""
        normal, raw = transform.distribution == "normal", site.writer.raw
        if not site.inverse:
            scaled = f"{raw(EDGE)} + {raw(1 - 2 * EDGE)} * share"
            return _ranks(site, normal, "", scaled if normal else "share")
        share = "v"
        if normal:
            below = f"{raw(0.5)} * erfc$f(-v * {raw(np.sqrt(0.5))})"
            share = f"({below} - {raw(EDGE)}) / {raw(1 - 2 * EDGE)}"
        own = site.writer.helper("value_at", INTERPOLATE)
        return each_number(site, f"{own}({share}, $quantiles + $at, $last)", **_quantiles(site))


class CQuantileNormal(Translation):
    """y = the normal quantile of x's rank in the training data."""

    type = "c_quantile_normal"
    format = "c"
    replaces = (QuantileNormal,)

    def translate(self, transform: QuantileNormal, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search among the quantiles."""
        edge = site.writer.raw(EDGE)
        ends = f"if (v - {edge} < q[0]) share = 0;\nif (v + {edge} > q[$last]) share = 1;"
        return _ranks(site, True, ends, "share")
