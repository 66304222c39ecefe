"""Ranks among the training data, and normal quantiles of them, in C99."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.exchange.normal_quantile import AS241
from declnet_plugins.export.c99.transforms.numbers import LIMITED, each_number
from declnet_plugins.export.c99.translation import CTranslation
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.transforms.quantile import EDGE, Quantile
from declnet_plugins.tabular.transforms.numbers import QuantileNormal

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


def _normal_quantile(writer: CWriter) -> str:
    text = NORMAL_QUANTILE.replace("$poly", f"{writer.prefix}_polynomial")
    for name, coefficients in AS241.items():
        constant = writer.raw_constant(f"quantile_{name}", np.array(coefficients))
        text = text.replace(f"${name})", f"{constant})")
    for name, number in (("half", 0.5), ("near", 0.425), ("square", 0.180625), ("shift", 1.6)):
        text = text.replace(f"${name}", writer.raw(number))
    return writer.helper("normal_quantile", text)


RANK = """
const $number *const q = $quantiles + $at;
$number share = ($interpolated(v, q, $count, 0) + $interpolated(v, q, $count, 1)) / 2;
"""


def _ranks(site: TranslationSite, normal: bool, ends: str, share: str) -> Value:
    writer: CWriter = site.writer
    if site.inputs[0].ctype != writer.number:  # rounding takes values across the ends
        raise Untranslatable("arrays are given in float32, which is too coarse for quantiles")
    value = share
    if normal:
        limited = writer.helper("limited", LIMITED)
        inner = f"{limited}({share}, {writer.raw(EDGE)}, {writer.raw(1 - EDGE)})"
        value = f"{_normal_quantile(writer)}({inner})"
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
    constant = site.writer.raw_constant(f"{site.name}_quantiles", by_column)
    at = f"i * {count}" if len(by_column) > 1 else "0"
    return {"quantiles": constant, "count": count, "last": count - 1, "at": at}


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


class CQuantile(CTranslation):
    """y = the share of the training data below x, or the normal quantile of the share."""

    replaces = (Quantile,)

    def write(self, transform: Quantile, site: TranslationSite, w: CWriter) -> Value:
        """Add a search among the quantiles."""
        normal, raw = transform.distribution == "normal", w.raw
        if not site.inverse:
            scaled = f"{raw(EDGE)} + {raw(1 - 2 * EDGE)} * share"
            return _ranks(site, normal, "", scaled if normal else "share")
        share = "v"
        if normal:
            below = f"{raw(0.5)} * erfc$f(-v * {raw(np.sqrt(0.5))})"
            share = f"({below} - {raw(EDGE)}) / {raw(1 - 2 * EDGE)}"
        function = w.helper("value_at", INTERPOLATE)
        return each_number(
            site, f"{function}({share}, $quantiles + $at, $last)", **_quantiles(site)
        )


class CQuantileNormal(CTranslation):
    """y = the normal quantile of x's rank in the training data."""

    replaces = (QuantileNormal,)

    def write(self, transform: QuantileNormal, site: TranslationSite, w: CWriter) -> Value:
        """Add a search among the quantiles."""
        edge = w.raw(EDGE)
        ends = f"if (v - {edge} < q[0]) share = 0;\nif (v + {edge} > q[$last]) share = 1;"
        return _ranks(site, True, ends, "share")
