"""The preparation of columns of numbers, and the inverse transforms of targets, in C99.

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
from declnet_plugins.export.c99.translation import CTranslation, unchanged
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.images import Normalize
from declnet_plugins.standard.transforms.impute import Impute, MissingIndicator
from declnet_plugins.standard.transforms.scaling import Log, MinMax, SignedLog, Standardize
from declnet_plugins.tabular.transforms.numbers import RobustScale
from declnet_plugins.tabular.transforms.targets import Clamp

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


class CStandardize(CTranslation):
    """y = (x - mean) / std."""

    replaces = (Standardize,)

    def write(self, transform: Standardize, site: TranslationSite, w: CWriter) -> Value:
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


class CMinMax(CTranslation):
    """y = low + (x - min) / (max - min) * (high - low)."""

    replaces = (MinMax,)

    def write(self, transform: MinMax, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers."""
        raw, low, high = w.raw, transform.low, transform.high
        least = learned(site, "min")
        span = np.subtract(site.state["max"], site.state["min"])
        if site.inverse:
            factor = learned(site, "factor", span / (high - low))
            return each_number(site, f"(v - {raw(low)}) * {factor} + {least}")
        divisor = learned(site, "span", np.where(span == 0, 1.0, span))
        value = f"(v - {least}) / {divisor} * {raw(high - low)} + {raw(low)}"
        if transform.clip:
            limited = w.helper("limited", LIMITED)
            value = f"{limited}({value}, {raw(low)}, {raw(high)})"
        return each_number(site, value)


class CClamp(CTranslation):
    """y = x; the inverse is limited to the range of the training data."""

    replaces = (Clamp,)

    def write(self, transform: Clamp, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers, or return them unchanged."""
        if not site.inverse:
            return unchanged(site)
        limited = w.helper("limited", LIMITED)
        return each_number(site, f"{limited}(v, {learned(site, 'min')}, {learned(site, 'max')})")


SOFT_LIMITED = """
/* z, smoothly limited to a range around 0. */
static $number $name($number z, $number limit)
{
    const $number share = z / limit;
    return z / sqrt$f(1 + share * share);
}
"""


class CRobustScale(CTranslation):
    """y = z / sqrt(1 + (z / clip)**2), z = (x - median) * factor."""

    replaces = (RobustScale,)

    def write(self, transform: RobustScale, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers."""
        z = f"(v - {learned(site, 'median')}) * {learned(site, 'factor')}"
        if transform.clip is not None:
            function = w.helper("soft_limited", SOFT_LIMITED)
            z = f"{function}({z}, {w.raw(transform.clip)})"
        return each_number(site, z)


class CSignedLog(CTranslation):
    """y = sign(x) * log(1 + |x| / scale)."""

    replaces = (SignedLog,)

    def write(self, transform: SignedLog, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers."""
        scale = w.raw(transform.scale)
        if site.inverse:
            return each_number(site, f"copysign$f(expm1$f(fabs$f(v)) * {scale}, v)")
        return each_number(site, f"copysign$f(log1p$f(fabs$f(v) / {scale}), v)")


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


class CNormalize(CTranslation):
    """y = (x / maximum - mean) / std, by channels."""

    replaces = (Normalize,)

    def write(self, transform: Normalize, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the numbers of a sample."""
        value = f"v / {w.raw(transform.maximum)}"
        for name, symbol, numbers in (("mean", "-", transform.mean), ("std", "/", transform.std)):
            if numbers is None:
                continue
            number = w.raw(numbers[0])
            if len(numbers) > 1:
                places = prod(site.output_shape[1:])
                number = f"{w.raw_constant(f'{site.name}_{name}', np.array(numbers))}[i / {places}]"
            value = f"({value} {symbol} {number})"
        return each_number(site, value)


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
        return each_number(site, f"{missing} ? {learned(site, 'value')} : v")


class CMissingIndicator(CTranslation):
    """y = x and, for each number that the training data lacks somewhere, 1 where it is missing."""

    replaces = (MissingIndicator,)

    def write(self, transform: MissingIndicator, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the column's numbers, and a line for each indicator."""
        x = site.inputs[0]
        if not site.state["numbers"]:
            return unchanged(site)
        require_scalar_types(site)
        lines = ["for (int i = 0; i < $size; i++) y[i] = x[i];"]
        for number, position in enumerate(site.state["numbers"]):
            lines.append(f"y[{x.size + number}] = isnan(x[{position}]) ? ($kind) 1 : ($kind) 0;")
        return w.compute(
            site.name, "\n".join(lines), {"x": x}, site.output_shape, ctype=x.ctype,
            inline=True, size=x.size, kind=x.ctype,
        )  # fmt: skip


def require_scalar_types(site: TranslationSite) -> None:
    """Refuse windows of several rows, of which only single numbers are transformed."""
    if site.inputs[0].size != prod(site.input_shapes[0]):
        raise Untranslatable("in windows of rows, only numbers that stay single can be prepared")
