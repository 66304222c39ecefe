"""Sequences with lengths in ONNX: masks, positions, and one vector of a sequence."""

from __future__ import annotations

import numpy as np

from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.over_time import LastStep, MaxOverTime, MeanOverTime
from declnet_plugins.standard.layers.positions import PositionalEncoding, waves


def kept_steps(w: GraphWriter, site: TranslationSite, time: int, position: int = 1) -> str | None:
    """Return whether each step is not padding, (n, time); None without an input of lengths."""
    if len(site.inputs) <= position:
        return None
    return steps_before(w, site.inputs[position], time)


def steps_before(w: GraphWriter, lengths: str, time: int) -> str:
    """Return whether each step comes before the end, (n, time), given lengths (n,) or (n, 1)."""
    column = w.op("Reshape", w.cast(lengths, "int64"), w.constant([-1, 1], "int64"))
    return w.op("Less", w.constant(np.arange(time), "int64"), column)


def without_padding(w: GraphWriter, x: str, is_step: str | None) -> str:
    """Return sequences (n, time, features) with 0 at padding."""
    if is_step is None:
        return x
    return w.where(w.expand(is_step, 2), x, w.like(x, 0))


class OnnxPositions(OnnxTranslation):
    """Add, with waves or learned vectors."""

    replaces = (PositionalEncoding,)

    def write(self, component: PositionalEncoding, site: TranslationSite, w: GraphWriter) -> str:
        """Return x + p."""
        learned = component.encoding == "learned"
        positions = (
            site.parameters["positions"] if learned else waves(*site.input_shapes[0], np.float32)
        )
        return w.compute("Add", site.inputs[0], positions)


class OnnxLastStep(OnnxTranslation):
    """The product with a row that is 1 at the last step and 0 elsewhere."""

    replaces = (LastStep,)

    def write(self, component: LastStep, site: TranslationSite, w: GraphWriter) -> str:
        """Return the last step."""
        (time, _), x = site.input_shapes[0], site.inputs[0]
        if len(site.inputs) == 1:
            return w.squeeze(w.slice(x, 1, time - 1, time), 1)
        last = w.compute("Sub", w.cast(site.inputs[1], "int64"), 1)
        column = w.op("Reshape", last, w.constant([-1, 1], "int64"))
        is_last = w.op("Equal", w.constant(np.arange(time), "int64"), column)
        return _shares(w, w.cast(is_last, "float32"), x)


class OnnxMeanOverTime(OnnxTranslation):
    """The product with a row of shares."""

    replaces = (MeanOverTime,)

    def write(self, component: MeanOverTime, site: TranslationSite, w: GraphWriter) -> str:
        """Return the mean of the steps."""
        (time, _), x = site.input_shapes[0], site.inputs[0]
        is_step = kept_steps(w, site, time)
        if is_step is None:
            return w.reduce("ReduceMean", x, [1], keep=False)
        ones = w.cast(is_step, "float32")
        count = w.compute("Max", w.reduce("ReduceSum", ones, [1]), 1)
        return _shares(w, w.op("Div", ones, count), x)


def _shares(w: GraphWriter, shares: str, x: str) -> str:
    """Return the sum over time of shares (n, time) times x."""
    return w.squeeze(w.op("MatMul", w.expand(shares, 1), x), 1)


class OnnxMaxOverTime(OnnxTranslation):
    """The maximum, with -inf at padding."""

    replaces = (MaxOverTime,)

    def write(self, component: MaxOverTime, site: TranslationSite, w: GraphWriter) -> str:
        """Return the maximum of the steps; 0 if there are none."""
        (time, _), x = site.input_shapes[0], site.inputs[0]
        is_step = kept_steps(w, site, time)
        if is_step is None:
            return w.reduce("ReduceMax", x, [1], keep=False)
        values = w.where(w.expand(is_step, 2), x, w.like(x, -np.inf))
        largest = w.reduce("ReduceMax", values, [1], keep=False)
        return w.where(w.slice(is_step, 1, 0, 1), largest, w.like(x, 0))
