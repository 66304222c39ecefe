"""Transforms of categories in ONNX: LabelEncoder, and tables to gather from.

A value that declnet refuses has the last position of its table. A missing text is the empty text, a
missing number NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet import Array, class_name
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.transforms.categories import GroupRare, OneHot, Ordinal
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.tabular.transforms import SignedOneHot

LARGEST_INTEGER = 2.0**62
"""Floats below this have an integer of 64 bits."""


class OnnxCategory(OnnxTranslation):
    """The position of a category, then a row of a table."""

    replaces = (OneHot, Ordinal, SignedOneHot)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return a row for each category, or its position."""
        categories = site.state["categories"]
        count = len(categories)
        refused = count + 1
        unknown = refused if component.unknown == "error" else count
        accepts = component.missing == "zeros" or (
            component.missing == "unknown" and component.unknown == "index"
        )
        missing = count if accepts else refused
        places = positions(w, site.inputs[0], categories, (unknown, missing, refused))
        w.refuse(w.compute("Equal", places, refused))
        return w.op("Gather", w.constant(self._table(component, count)), places, axis=0)

    def _table(self, component: Any, count: int) -> Array:
        if isinstance(component, Ordinal):
            return np.append(np.arange(count + 1), 0)
        rows = np.eye(count + 2, count)
        if isinstance(component, SignedOneHot):
            return rows[:, :1] - rows[:, 1:] if count == 2 else rows
        return rows.astype(bool)


class OnnxGroupRare(OnnxTranslation):
    """The position of a category, then its name."""

    replaces = (GroupRare,)

    def write(self, component: GroupRare, site: TranslationSite, w: GraphWriter) -> str:
        """Return the names of frequent categories, and one for all others."""
        categories = site.state["categories"]
        names = [*map(class_name, categories), component.other, "", ""]
        refused = len(names) - 1
        places = positions(w, site.inputs[0], categories, (refused - 2, refused - 1, refused))
        w.refuse(w.compute("Equal", places, refused))
        return w.op("Gather", w.constant(names), places, axis=0)


class OnnxImpute(OnnxTranslation):
    """Where, with a text in place of the empty one."""

    replaces = (Impute,)

    def write(self, component: Impute, site: TranslationSite, w: GraphWriter) -> str:
        """Return x with its gaps filled."""
        (x,) = site.inputs
        if w.type_of(x) != "text":
            raise Untranslatable("numbers are recorded")
        is_gap = w.compute("Equal", w.table(x, [""], [1], 0), 1)  # opset 17 compares no texts
        return w.where(is_gap, w.constant(str(site.state["value"])), x)


def positions(
    w: GraphWriter, x: str, categories: Sequence[Any], others: tuple[int, int, int]
) -> str:
    """Return the position of each category, (n,).

    Args:
        others: the positions of unknown values, of missing ones, and of fractions.
    """
    unknown, missing, refused = others
    if w.type_of(x) == "text":
        keys, values = [str(category) for category in categories], [*range(len(categories))]
        if "" not in keys:
            keys, values = [*keys, ""], [*values, missing]
        return w.table(x, keys, values, unknown)
    whole_keys = [int(category) for category in categories]
    if w.type_of(x) not in ("float64", "float32"):
        return w.table(w.cast(x, "int64"), whole_keys, range(len(whole_keys)), unknown)
    is_small = w.compute("Less", w.op("Abs", x), LARGEST_INTEGER)
    is_whole = w.op("And", is_small, w.op("Equal", x, w.op("Floor", x)))
    whole = w.cast(w.where(is_whole, x, w.like(x, 0)), "int64")
    places = w.table(whole, whole_keys, range(len(whole_keys)), unknown)
    places = w.where(is_whole, places, w.constant(refused))
    return w.where(w.op("IsNaN", x), w.constant(missing), places)
