"""Calibrators in ONNX, in double precision as declnet computes them."""

from __future__ import annotations

from declnet import CalibratorState
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.calibrators import (
    LARGEST_BOUND,
    Conformal,
)
from declnet_plugins.standard.temperature import LEAST_POSITIVE


class OnnxConformal(OnnxTranslation):
    """Intervals around predictions, or which classes are in a set."""

    replaces = (Conformal,)

    def write(self, component: Conformal, site: TranslationSite, w: GraphWriter) -> tuple[str, ...]:
        """Return lower and upper bounds, or booleans (n, classes)."""
        y, state = w.cast(site.inputs[0], "float64"), site.state
        if site.method == "intervals":
            return self._bounds(component, w, y, state)
        if not site.input_shapes[0] or site.input_shapes[0] == (1,):
            column = w.op("Reshape", y, w.constant([-1, 1], "int64"))
            y = w.concat([_rest(w, column), column])
        if component.method == "lac":
            scores = _rest(w, y)
        else:  # the sums of the probabilities from the largest on
            count = _classes(site)
            inputs = (y, w.constant([count], "int64"))
            p, order = w.node("TopK", inputs, ("float64", "int64"), axis=1)
            sums = w.op("CumSum", p, w.constant(1))
            scores = w.op("ScatterElements", y, order, sums, axis=1)
        return (w.compute("LessOrEqual", scores, state["limit"]),)

    def _bounds(
        self, component: Conformal, w: GraphWriter, y: str, state: CalibratorState
    ) -> tuple[str, ...]:
        logarithmic, shift = component.scale == "log", component.shift
        if logarithmic:
            y = w.op("Log", w.compute("Max", w.compute("Add", y, shift), LEAST_POSITIVE))
        low = high = y
        if state["quantiles"]:
            low, high = (
                w.reduce(operator, y, [1], keep=False) for operator in ("ReduceMin", "ReduceMax")
            )
        lower = w.compute("Sub", low, state["limit"])
        upper = w.compute("Add", high, state["limit"])
        middle = w.compute("Mul", w.op("Add", lower, upper), 0.5)
        bounds = w.op("Min", lower, middle), w.op("Max", upper, middle)
        if not logarithmic:
            return bounds
        powers = [w.op("Exp", w.compute("Min", bound, LARGEST_BOUND)) for bound in bounds]
        return tuple(w.compute("Sub", power, shift) for power in powers)


def _classes(site: TranslationSite) -> int:
    """Return the number of classes."""
    shape = site.input_shapes[0]
    return 2 if shape in ((), (1,)) else int(shape[0])


def _rest(w: GraphWriter, p: str) -> str:
    """Return 1 - p."""
    return w.op("Neg", w.compute("Sub", p, 1))
