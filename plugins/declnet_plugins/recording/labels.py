"""Labels of the axes of products: equal ones share an index; those the result lacks are summed."""

from __future__ import annotations

import re

import numpy as np

from declnet import Array
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.symbols import NotTranslatedError


def labels_of(call: RecordedCall) -> tuple[list[Array], list[list[str]]]:
    """Return the operands of a sum of products, and labels of the axes of each and the result."""
    if call.function is np.einsum:
        return _einsum_labels(call)
    arrays = [*map(np.asarray, call.inputs[:2])]
    if call.function in (np.dot, np.inner):
        a, b = arrays
        if a.ndim == 0 or b.ndim == 0:
            raise NotTranslatedError(f"calls {call.name} with a number")
        last = max(0, b.ndim - 2) if call.function is np.dot else b.ndim - 1
        first = [*(f"a{at}" for at in range(a.ndim - 1)), "k"]
        second = ["k" if at == last else f"b{at}" for at in range(b.ndim)]
        return arrays, [first, second, [name for name in (*first, *second) if name != "k"]]
    cores = core_names(call.function.signature)
    missing = {
        name
        for array, core in zip(arrays, cores, strict=False)
        for name in core
        if name.endswith("?") and array.ndim < len(core)
    }
    labels = []
    for array, core in zip((*arrays, call.output), cores, strict=True):
        present = [name for name in core if name not in missing]
        outer = array.ndim - len(present)
        labels.append([*(f"{outer - at}" for at in range(outer)), *present])
    return arrays, labels


def core_names(signature: str) -> list[list[str]]:
    """Return the names of the axes of a signature such as (n?,k),(k,m?)->(n?,m?)."""
    return [re.findall(r"[^,\s]+", axes) for axes in re.findall(r"\(([^)]*)\)", signature)]


def _einsum_labels(call: RecordedCall) -> tuple[list[Array], list[list[str]]]:
    if not isinstance(call.inputs[0], str):
        *operands, result = call.inputs
        if len(operands) % 2:
            raise NotTranslatedError("calls np.einsum without the axes of its result")
        return [*operands[::2]], [[*map(str, axes)] for axes in (*operands[1::2], result)]
    words, *arrays = call.inputs
    if "->" not in words:
        raise NotTranslatedError("calls np.einsum without the axes of its result")
    labels = []
    parts = words.replace(" ", "").replace("->", ",").split(",")
    for part, array in zip(parts, (*arrays, call.output), strict=True):
        before, dots, after = part.partition("...")
        outer = array.ndim - len(before) - len(after) if dots else 0
        labels.append([*before, *(f"{outer - at}" for at in range(outer)), *after])
    return arrays, labels
