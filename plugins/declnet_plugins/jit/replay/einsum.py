"""np.einsum as loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.jit.replay import inner_loops
from declnet_plugins.jit.replay.loop_list import LoopList, NotLoweredError, nest, require_only
from declnet_plugins.recording.recording import RecordedCall


def einsum(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.einsum of two arrays that have no axis twice: zeros, to which products are added."""
    require_only(call, "out")
    output = call.kwargs.get("out", *call.outputs)
    (a, b), labels = _labels(call.inputs)
    arrays = [a, b, output]
    kinds = {array.dtype for array in arrays}
    if len(kinds) != 1 or output.dtype not in (np.float32, np.float64):
        raise NotLoweredError(f"calls np.einsum with {', '.join(map(str, kinds))}")
    lengths = [
        dict(zip(label, x.shape, strict=True)) for label, x in zip(labels, arrays, strict=True)
    ]
    sizes = {key: size for by_label in lengths for key, size in by_label.items()}
    if any(sizes[key] != size for by_label in lengths for key, size in by_label.items()):
        raise NotLoweredError("calls np.einsum with arrays that are broadcast")
    loops.convert(np.zeros((), output.dtype), output)
    if any(np.may_share_memory(operand, output) for operand in (a, b)):
        raise NotLoweredError("calls np.einsum with an output that is also an input")
    order = [*labels[2], *sorted({*labels[0], *labels[1]} - {*labels[2]})]
    axes = [[label.index(key) if key in label else -1 for key in order] for label in labels]
    shape, _, strides = nest(arrays, axes, {2})
    contiguous = strides[0][-1] == strides[1][-1] == output.itemsize and shape[-1] > 1
    in_vectors = contiguous and strides[2][-1] == 0
    loops.add(inner_loops.products(output.dtype, in_vectors), arrays, axes)


def _labels(inputs: Sequence[Any]) -> tuple[list[Array], list[list[Any]]]:
    """Return the two operands of np.einsum, and the labels of the axes of them and the output."""
    if isinstance(inputs[0], str) and len(inputs) == 3 and "->" in inputs[0]:
        words, a, b = inputs
        parts = words.replace(" ", "").replace("->", ",").split(",")
        most = max(x.ndim for x in (a, b))
        dots = [f"{'.' * (i + 1)}" for i in range(most)]
        explicit = [len(part.replace("...", "")) for part in parts[:2]]
        extra = [x.ndim - count for x, count in zip((a, b), explicit, strict=True)]
        if "..." in words and (extra[0] != extra[1] or any("..." not in p for p in parts)):
            raise NotLoweredError("calls np.einsum with arrays that are broadcast")
        labels = [
            [*before, *(dots[: extra[0]] if dotted else []), *after]
            for before, dotted, after in (part.partition("...") for part in parts)
        ]
    elif len(inputs) == 5:
        a, first, b, second, last = inputs
        labels = [[str(axis) for axis in axes] for axes in (first, second, last)]
    else:
        raise NotLoweredError("calls np.einsum with other than two arrays, or without its output")
    arrays = [a, b]
    repeated = any(len(set(label)) < len(label) for label in labels)
    if repeated or not all(isinstance(array, np.ndarray) for array in arrays):
        raise NotLoweredError("calls np.einsum with an axis that occurs twice")
    return arrays, labels
