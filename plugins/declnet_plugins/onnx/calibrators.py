"""The adaptive sets of classes in ONNX, which sorts by TopK."""

from __future__ import annotations

from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.calibrators import Conformal


class OnnxConformal(OnnxTranslation):
    """Sets of classes by the sum of probabilities from the largest on."""

    replaces = (Conformal,)

    def write(self, component: Conformal, site: TranslationSite, w: GraphWriter) -> str:
        """Return booleans (n, classes)."""
        if site.method != "sets" or component.method != "aps":
            raise Untranslatable("it is recorded")
        p, shape = w.cast(site.inputs[0], "float64"), site.input_shapes[0]
        if shape in ((), (1,)):
            column = w.op("Reshape", p, w.constant([-1, 1], "int64"))
            p = w.concat([w.op("Neg", w.compute("Sub", column, 1)), column])
        count = 2 if shape in ((), (1,)) else shape[0]
        ordered, order = w.node(
            "TopK", (p, w.constant([count], "int64")), ("float64", "int64"), axis=1
        )
        sums = w.op("CumSum", ordered, w.constant(1))
        scores = w.op("ScatterElements", p, order, sums, axis=1)
        return w.compute("LessOrEqual", scores, site.state["limit"])
