"""The preparation of raw columns, and the inverse transforms of targets, in C99.

Everything is computed in the type of raw numbers, `double` by default, item by item. A missing
number is NaN, a missing text NULL.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Shape, Transform, Translation, TranslationSite
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


class _NumbersInC(Translation):
    """A base for transforms of single numbers, `v`, by what they learned."""

    format = "c"

    def translate(self, transform: Transform, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        writer: CWriter = site.writer
        learned = {
            key: _learned(writer, f"{site.name}_{key}", each, site.output_shape)
            for key, each in site.state.items()
            if not isinstance(each, str)
        }
        expression = self.expression(transform, learned, writer, site.inverse)
        body = f"""
            for (int i = 0; i < $size; i++) {{
                const $number v = x[i];
                y[i] = {expression};
            }}
        """
        x: Value = site.inputs[0]
        return (
            writer.compute(
                site.name, body, {"x": x}, site.output_shape, ctype=writer.number, inline=True,
                in_place="x", size=x.size, note=site.name,
            ),
        )  # fmt: skip

    def expression(
        self, transform: Any, learned: dict[str, str], writer: CWriter, inverse: bool
    ) -> str:
        """Return the value of a number `v`, an expression."""
        raise NotImplementedError


def _learned(writer: CWriter, name: str, value: Any, shape: Shape) -> str:
    """Return an expression of what was learned about number i of a sample."""
    if np.ndim(value) == 0:
        return writer.raw(value)
    array = np.asarray(value, float)
    return f"{writer.raw_constant(name, np.broadcast_to(array, shape))}[i]"


class StandardizeInC(_NumbersInC):
    """y = (x - mean) / std."""

    type = "c_standardize"
    replaces = (Standardize,)

    def expression(
        self, transform: Any, learned: dict[str, str], writer: CWriter, inverse: bool
    ) -> str:
        """Return the value of `v`."""
        mean, std = learned["mean"], learned["std"]
        return f"v * {std} + {mean}" if inverse else f"(v - {mean}) / {std}"


class MinMaxInC(Translation):
    """y = low + (x - min) / (max - min) * (high - low)."""

    type = "c_min_max"
    format = "c"
    replaces = (MinMax,)

    def translate(self, transform: MinMax, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        writer: CWriter = site.writer
        low, high = transform.low, transform.high
        least = np.asarray(site.state["min"], float)
        span = np.asarray(site.state["max"], float) - least
        shape = site.output_shape
        least_of = _learned(writer, f"{site.name}_min", least, shape)
        if site.inverse:
            factor = _learned(writer, f"{site.name}_factor", span / (high - low), shape)
            expression = f"(x[i] - {writer.raw(low)}) * {factor} + {least_of}"
        else:
            own = np.where(span == 0, 1.0, span)
            span_of = _learned(writer, f"{site.name}_span", own, shape)
            expression = (
                f"(x[i] - {least_of}) / {span_of} * {writer.raw(high - low)} + {writer.raw(low)}"
            )
        body = f"for (int i = 0; i < $size; i++) y[i] = {expression};"
        if transform.clip and not site.inverse:
            limited = writer.helper("limited", LIMITED)
            body = body.replace(
                f"= {expression}", f"= {limited}({expression}, $low, $high)"
            )
        x: Value = site.inputs[0]
        return (
            writer.compute(
                site.name, body, {"x": x}, shape, ctype=writer.number, inline=True, in_place="x",
                size=x.size, note=site.name, low=writer.raw(low), high=writer.raw(high),
            ),
        )  # fmt: skip


LIMITED = """
/* v, at least low and at most high; NaN stays. */
static $number $name($number v, $number low, $number high)
{
    return v < low ? low : v > high ? high : v;
}
"""


class ClampInC(_NumbersInC):
    """y = x; the inverse is limited to the range of the training data."""

    type = "c_clamp"
    replaces = (Clamp,)

    def expression(
        self, transform: Any, learned: dict[str, str], writer: CWriter, inverse: bool
    ) -> str:
        """Return the value of `v`."""
        if not inverse:
            return "v"
        return f"{writer.helper('limited', LIMITED)}(v, {learned['min']}, {learned['max']})"


class RobustScaleInC(_NumbersInC):
    """y = z / sqrt(1 + (z / clip)**2), z = (x - median) * factor."""

    type = "c_robust_scale"
    replaces = (RobustScale,)

    def expression(
        self, transform: Any, learned: dict[str, str], writer: CWriter, inverse: bool
    ) -> str:
        """Return the value of `v`."""
        z = f"(v - {learned['median']}) * {learned['factor']}"
        if transform.clip is None:
            return z
        return f"{writer.helper('soft_limited', SOFT_LIMITED)}({z}, {writer.raw(transform.clip)})"


SOFT_LIMITED = """
/* z, smoothly limited to a range around 0. */
static $number $name($number z, $number limit)
{
    const $number share = z / limit;
    return z / sqrt$f(($number) 1 + share * share);
}
"""


class SignedLogInC(_NumbersInC):
    """y = sign(x) * log(1 + |x| / scale)."""

    type = "c_signed_log"
    replaces = (SignedLog,)

    def expression(
        self, transform: Any, learned: dict[str, str], writer: CWriter, inverse: bool
    ) -> str:
        """Return the value of `v`."""
        scale = writer.raw(transform.scale)
        if inverse:
            return f"copysign$f(expm1$f(fabs$f(v)) * {scale}, v)"
        return f"copysign$f(log1p$f(fabs$f(v) / {scale}), v)"


LOG = """
for (int i = 0; i < $size; i++) {
    if (x[i] <= -$shift) {
        out->column = $column;
        return ${PREFIX}_OUT_OF_RANGE;
    }
    y[i] = log$f(x[i] + $shift);
}
"""


class LogInC(Translation):
    """y = log(x + shift); smaller numbers are an error."""

    type = "c_log"
    format = "c"
    replaces = (Log,)

    def translate(self, transform: Log, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers."""
        writer, x = site.writer, site.inputs[0]
        body = "for (int i = 0; i < $size; i++) y[i] = exp$f(x[i]) - $shift;"
        return (
            writer.compute(
                site.name, body if site.inverse else LOG, {"x": x}, site.output_shape,
                ctype=writer.number, inline=True, in_place="x", size=x.size, note=site.name,
                shift=writer.raw(transform.shift),
            ),
        )  # fmt: skip


class NormalizeInC(Translation):
    """y = (x / maximum - mean) / std, by channels."""

    type = "c_normalize"
    format = "c"
    replaces = (Normalize,)

    def translate(self, transform: Normalize, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the numbers of a sample."""
        writer, x, shape = site.writer, site.inputs[0], site.output_shape
        expression = f"x[i] / {writer.raw(transform.maximum)}"
        for name, symbol, each in (("mean", "-", transform.mean), ("std", "/", transform.std)):
            if each is None:
                continue
            if len(each) == 1:
                own = writer.raw(each[0])
            else:
                places = shape[1] * shape[2]
                array = writer.raw_constant(f"{site.name}_{name}", np.array(each))
                own = f"{array}[i / {places}]"
            expression = f"({expression} {symbol} {own})"
        body = f"for (int i = 0; i < $size; i++) y[i] = {expression};"
        return (
            writer.compute(
                site.name, body, {"x": x}, shape, ctype=writer.number, inline=True, in_place="x",
                size=x.size, note=site.name,
            ),
        )  # fmt: skip


class ImputeInC(Translation):
    """y = x, but a value of the training data where x is missing."""

    type = "c_impute"
    format = "c"
    replaces = (Impute,)

    def translate(self, transform: Impute, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers, or a choice between two texts."""
        writer, x, value = site.writer, site.inputs[0], site.state["value"]
        if x.ctype == TEXT:
            body = f"y[0] = x[0] == NULL ? {string(value)} : x[0];"
        else:
            known = _learned(writer, f"{site.name}_value", value, site.output_shape)
            test = "!isfinite(x[i])" if transform.infinite else "isnan(x[i])"
            body = f"for (int i = 0; i < $size; i++) y[i] = {test} ? {known} : x[i];"
        return (
            writer.compute(
                site.name, body, {"x": x}, site.output_shape, ctype=x.ctype, inline=True,
                in_place="x", size=x.size, note=site.name,
            ),
        )  # fmt: skip


class MissingIndicatorInC(Translation):
    """y = x and, for each number that the training data lacks somewhere, 1 where it is missing."""

    type = "c_missing_indicator"
    format = "c"
    replaces = (MissingIndicator,)

    def translate(self, transform: MissingIndicator, site: TranslationSite) -> tuple[Value, ...]:
        """Add a loop over the column's numbers, and a line for each indicator."""
        writer, x = site.writer, site.inputs[0]
        lines = ["for (int i = 0; i < $size; i++) y[i] = x[i];"]
        for number, position in enumerate(site.state["numbers"]):
            lines.append(f"y[{x.size + number}] = isnan(x[{position}]) ? $one : $zero;")
        return (
            writer.compute(
                site.name, "\n".join(lines), {"x": x}, site.output_shape, ctype=writer.number,
                inline=True, size=x.size, note=site.name, one=writer.raw(1), zero=writer.raw(0),
            ),
        )  # fmt: skip


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


class OneHotInC(Translation):
    """One number for each category, 1 where x has it."""

    type = "c_one_hot"
    format = "c"
    replaces = (OneHot,)

    def translate(self, transform: OneHot, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        body = "for (int i = 0; i < $count; i++) y[i] = ($number) (i == at);"
        return _encoded(site, transform, body)


class SignedOneHotInC(Translation):
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


class OrdinalInC(Translation):
    """The position of x in the categories; their number for unknown ones."""

    type = "c_ordinal"
    format = "c"
    replaces = (Ordinal,)

    def translate(self, transform: Ordinal, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search for the category."""
        return _encoded(site, transform, "y[0] = ($number) (at < 0 ? $count : at);")


class GroupRareInC(Translation):
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


RANKS = """
for (int i = 0; i < $size; i++) {
    const $number v = x[i];
    const $number *const q = $quantiles + $at;
    y[i] = ($interpolated(v, q, $count, 0) + $interpolated(v, q, $count, 1)) * $half;
    $ends
    y[i] = isnan(v) ? v : $result;
}
"""


def _ranks(site: TranslationSite, normal: bool, ends: str, scaled: str) -> tuple[Value, ...]:
    writer, x = site.writer, site.inputs[0]
    quantiles = np.asarray(site.state["quantiles"], float)
    count = len(quantiles)
    by_column = quantiles.reshape(count, -1).T
    result = scaled
    if normal:
        limited = writer.helper("limited", LIMITED)
        result = f"{_normal_quantile(writer)}({limited}({scaled}, $edge, $most))"
    body = RANKS.replace("$ends", ends).replace("$result", result)
    body = "\n".join(line for line in body.splitlines() if line.strip())
    own = writer.raw_constant(f"{site.name}_quantiles", by_column)
    return (
        writer.compute(
            site.name, body, {"x": x}, site.output_shape, ctype=writer.number, inline=True,
            note=site.name, size=x.size, count=count, quantiles=own,
            at=f"i * {count}" if len(by_column) > 1 else "0",
            interpolated=writer.helper("share_below", INTERPOLATED), half=writer.raw(0.5),
            edge=writer.raw(EDGE), most=writer.raw(1 - EDGE), inner=writer.raw(1 - 2 * EDGE),
        ),
    )  # fmt: skip


INVERSE_QUANTILE = """
for (int i = 0; i < $size; i++) {
    const $number *const q = $quantiles + $at;
    const $number share = $share * ($number) $last;
    if (share <= 0) y[i] = q[0];
    else if (share >= ($number) $last) y[i] = q[$last];
    else {
        const int left = (int) share;
        y[i] = q[left] + (q[left + 1] - q[left]) * (share - ($number) left);
    }
}
"""


class QuantileInC(Translation):
    """y = the share of the training data below x, or the normal quantile of the share."""

    type = "c_quantile"
    format = "c"
    replaces = (Quantile,)

    def translate(self, transform: Quantile, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search among the quantiles."""
        normal = transform.distribution == "normal"
        if not site.inverse:
            return _ranks(site, normal, "", "($edge + $inner * y[i])" if normal else "y[i]")
        writer, x = site.writer, site.inputs[0]
        quantiles = np.asarray(site.state["quantiles"], float)
        count = len(quantiles)
        by_column = quantiles.reshape(count, -1).T
        share = "x[i]"
        if normal:
            share = "($half * erfc$f(-x[i] * $root) - $edge) / $inner"
        return (
            writer.compute(
                site.name, INVERSE_QUANTILE.replace("$share", f"({share})"), {"x": x},
                site.output_shape, ctype=writer.number, inline=True, note=site.name, size=x.size,
                quantiles=writer.raw_constant(f"{site.name}_quantiles", by_column),
                at=f"i * {count}" if len(by_column) > 1 else "0", last=count - 1,
                half=writer.raw(0.5), root=writer.raw(np.sqrt(0.5)), edge=writer.raw(EDGE),
                inner=writer.raw(1 - 2 * EDGE),
            ),
        )  # fmt: skip


class QuantileNormalInC(Translation):
    """y = the normal quantile of x's rank in the training data."""

    type = "c_quantile_normal"
    format = "c"
    replaces = (QuantileNormal,)

    def translate(self, transform: QuantileNormal, site: TranslationSite) -> tuple[Value, ...]:
        """Add a search among the quantiles."""
        ends = "if (v - $edge < q[0]) y[i] = 0;\n    if (v + $edge > q[$count - 1]) y[i] = 1;"
        return _ranks(site, True, ends, "y[i]")
