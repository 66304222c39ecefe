"""Ranks among the training data, and normal quantiles of them, in C99."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet_plugins.exchange import Translation, TranslationSite, Untranslatable
from declnet_plugins.export.c99.transforms.numbers import LIMITED, each_number
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
