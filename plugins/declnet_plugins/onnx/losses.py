"""The postprocessing of a model's output by losses, in ONNX."""

from __future__ import annotations

from typing import Any

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.losses.distribution import GaussianNLL
from declnet_plugins.standard.losses.ordinal import Ordinal
from declnet_plugins.standard.losses.regression import LARGEST_LOGARITHM, Poisson
from declnet_plugins.tabular.losses import MembersCrossentropy, MembersSquaredError


class OnnxGaussianNLL(OnnxTranslation):
    """The means, which are the first half."""

    replaces = (GaussianNLL,)

    def write(self, component: GaussianNLL, site: TranslationSite, w: GraphWriter) -> str:
        """Return the means."""
        return w.slice(site.inputs[0], 1, 0, site.input_shapes[0][0] // 2)


class OnnxPoisson(OnnxTranslation):
    """Exp, of logarithms."""

    replaces = (Poisson,)

    def write(self, component: Poisson, site: TranslationSite, w: GraphWriter) -> str:
        """Return the mean counts."""
        (y,) = site.inputs
        return w.op("Exp", w.clip(y, high=LARGEST_LOGARITHM)) if component.log_input else y


class OnnxOrdinal(OnnxTranslation):
    """Differences of neighboring sigmoids."""

    replaces = (Ordinal,)

    def write(self, component: Ordinal, site: TranslationSite, w: GraphWriter) -> str:
        """Return the probability of each class."""
        (y,), ((units,), *_) = site.inputs, site.input_shapes
        a = first = w.slice(y, 1, 0, 1)
        if units > 1:
            steps = w.op("Softplus", w.slice(y, 1, 1, units))
            sums = w.op("CumSum", steps, w.constant(1, "int64"))
            a = w.concat([first, w.op("Sub", first, sums)])
        above = w.op("Sigmoid", a)

        def padded(before: int, value: float) -> str:
            pads = w.constant([0, before, 0, 1 - before], "int64")
            return w.op("Pad", above, pads, w.like(above, value))

        return w.op("Sub", padded(1, 1.0), padded(0, 0.0))


class OnnxMembers(OnnxTranslation):
    """The mean over the members."""

    replaces = (MembersCrossentropy, MembersSquaredError)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return the mean of the members' probabilities or values."""
        (y,) = site.inputs
        if isinstance(component, MembersCrossentropy):
            y = w.op("Softmax", y, axis=-1)
        return w.reduce("ReduceMean", y, [1], keep=False)
