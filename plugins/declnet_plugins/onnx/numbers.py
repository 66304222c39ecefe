"""Missing values and quantiles in ONNX, in double precision."""

from __future__ import annotations

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.gelu import DENOMINATOR, FAR, NUMERATOR
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.quantile import CENTER, EDGE, TAIL, Quantile
from declnet_plugins.tabular.transforms.numbers import QuantileNormal

DOUBLE = "float64"


class OnnxImpute(OnnxTranslation):
    """Where, with a value in place of NaN, infinity or the empty text."""

    replaces = (Impute,)

    def write(self, component: Impute, site: TranslationSite, w: GraphWriter) -> str:
        """Return x with its gaps filled."""
        (x,), value = site.inputs, site.state["value"]
        if w.type_of(x) == "text":
            is_gap = w.compute("Equal", w.table(x, [""], [1], 0), 1)  # opset 17 compares no texts
            return w.where(is_gap, w.constant(str(value)), x)
        if w.type_of(x) not in ("float64", "float32"):
            return str(x)
        gaps = w.op("IsNaN", x)
        if component.infinite:
            gaps = w.op("Or", gaps, w.op("IsInf", x))
        return w.where(gaps, w.like(x, value), x)


class OnnxQuantile(OnnxTranslation):
    """A binary search for the quantile below, then a piecewise linear function."""

    replaces = (Quantile, QuantileNormal)

    def write(
        self, component: Quantile | QuantileNormal, site: TranslationSite, w: GraphWriter
    ) -> str:
        """Return ranks or their normal quantiles, or the numbers given these."""
        shape = site.input_shapes[0]
        edges = np.asarray(site.state["quantiles"], float)
        columns = edges.reshape(len(edges), -1)
        x = w.cast(site.inputs[0], DOUBLE)
        x = w.op("Reshape", x, w.constant([-1, columns.shape[1]], "int64"))
        largest = w.compute("Mul", w.op("Sign", x), np.finfo(float).max)
        x = w.where(w.op("IsInf", x), largest, x)  # infinity times a slope of 0 is NaN
        if site.inverse:
            shares = x
            if component.distribution == "normal":  # type: ignore[union-attr]
                shares = w.compute("Sub", normal_share(w, x), EDGE)
                shares = w.compute("Div", shares, 1 - 2 * EDGE)
            known = np.repeat(np.linspace(0, 1, len(edges))[:, None], columns.shape[1], axis=1)
            numbers = _interpolated(w, shares, known, columns, right=True)
        else:
            numbers = _ranks(w, x, columns)
            if isinstance(component, QuantileNormal):
                low = w.op("Less", w.compute("Sub", x, EDGE), w.constant(columns[0]))
                high = w.op("Greater", w.compute("Add", x, EDGE), w.constant(columns[-1]))
                numbers = w.where(low, w.like(numbers, 0), numbers)
                numbers = normal_quantiles(w, w.where(high, w.like(numbers, 1), numbers))
            elif component.distribution == "normal":
                share = w.compute("Add", w.compute("Mul", numbers, 1 - 2 * EDGE), EDGE)
                numbers = normal_quantiles(w, share)
        return w.reshape(numbers, shape) if shape else w.flat(numbers)


def _ranks(w: GraphWriter, x: str, edges: Array) -> str:
    """Return the share of the data below each x: of equal edges, the middle."""
    shares = np.repeat(np.linspace(0, 1, len(edges))[:, None], edges.shape[1], axis=1)
    low = _interpolated(w, x, edges, shares, right=False)
    high = _interpolated(w, x, edges, shares, right=True)
    return w.compute("Mul", w.op("Add", low, high), 0.5)


def _interpolated(w: GraphWriter, x: str, known: Array, values: Array, *, right: bool) -> str:
    """Return what np.interp does, for each column of x (n, k) with separate points (count, k).

    Of equal points, the value of the last one counts if `right`, otherwise of the first. The slope
    before the first and after the last point is 0; NaN stays.
    """
    width = np.diff(known, axis=0)
    slopes = np.divide(np.diff(values, axis=0), width, out=np.zeros_like(width), where=width > 0)
    none = np.zeros_like(known[:1])
    base = np.concatenate([known[:1], known])
    start = np.concatenate([values[:1], values])
    slope = np.concatenate([none, slopes, none])
    below = _count_below(w, x, known, equal=right)
    at = [
        w.op("GatherElements", w.constant(column), below, axis=0) for column in (base, start, slope)
    ]
    return w.op("Add", at[1], w.op("Mul", w.op("Sub", x, at[0]), at[2]))


def _count_below(w: GraphWriter, x: str, known: Array, *, equal: bool) -> str:
    """Return how many of the ascending points are below x, or equal, by halving."""
    size = 1 << len(known).bit_length()
    padded = np.full((size, known.shape[1]), np.inf)
    padded[: len(known)] = known
    points, below = w.constant(padded), None
    step = size // 2
    while step:
        if below is None:
            nothing = w.op("Mul", x, w.like(x, 0))
            nothing = w.where(w.op("IsNaN", nothing), w.like(x, 0), nothing)
            below = w.cast(nothing, "int64")
        last = w.compute("Add", below, step - 1)
        point = w.op("GatherElements", points, last, axis=0)
        within = w.op("GreaterOrEqual" if equal else "Greater", x, point)
        below = w.op("Add", below, w.compute("Mul", w.cast(within, "int64"), step))
        step //= 2
    return w.clip(str(below), high=len(known))


def normal_quantiles(w: GraphWriter, shares: str) -> str:
    """Return the quantiles of N(0, 1) for shares, cut to EDGE and 1 - EDGE; NaN stays."""
    p = w.compute("Min", w.compute("Max", shares, EDGE), 1 - EDGE)
    q = w.compute("Sub", p, 0.5)
    r = w.op("Neg", w.compute("Sub", w.op("Mul", q, q), 0.425**2))
    inner = w.op("Mul", q, _ratio(w, r, CENTER))
    rest = w.op("Min", p, w.op("Neg", w.compute("Sub", p, 1)))
    root = w.op("Sqrt", w.op("Neg", w.op("Log", rest)))
    outer = w.op("Mul", w.op("Sign", q), _ratio(w, w.compute("Sub", root, 1.6), TAIL))
    is_inner = w.compute("LessOrEqual", w.op("Abs", q), 0.425)
    return w.where(is_inner, inner, outer)


def _ratio(w: GraphWriter, r: str, pair: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    return w.op("Div", *(w.polynomial(r, coefficients) for coefficients in pair))


def normal_share(w: GraphWriter, y: str) -> str:
    """Return the share of N(0, 1) below y, which the operator Erf does not know for doubles."""
    a = w.clip(w.op("Abs", y), high=FAR)
    density = w.op("Exp", w.compute("Mul", w.op("Mul", a, a), -0.5))
    tail = w.op("Mul", _ratio(w, a, (NUMERATOR, DENOMINATOR)), density)
    rest = w.op("Neg", w.compute("Sub", tail, 1))
    return w.where(w.compute("Less", y, 0), tail, rest)
