"""Matrix products and np.einsum as sums of products, by a letter for each axis."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

import numpy as np

from declnet import Array
from declnet_plugins.recording.cells import MIXES, Cells, Layout
from declnet_plugins.recording.program import einsum_labels, require_only
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.sample_builder import SampleBuilder
from declnet_plugins.recording.sample_program import Operand
from declnet_plugins.recording.symbols import NotRecordedError


def matrix_product(builder: SampleBuilder, call: RecordedCall) -> None:
    """Add a call of np.matmul or of another ufunc with a signature."""
    require_only(call, "dtype", "casting")
    (output,) = call.outputs
    arrays = [*call.inputs, output]
    cores = call.function.signature.replace("->", ",").replace("(", "").split("),")
    names = [core.strip(")").split(",") if core.strip(")") else [] for core in cores]
    missing = {
        name
        for array, core in zip(call.inputs, names, strict=False)
        for name in core
        if name.endswith("?") and array.ndim < len(core)
    }
    labels = []
    for array, core in zip(arrays, names, strict=True):
        present = [name.rstrip("?") for name in core if name not in missing]
        outer = array.ndim - len(present)
        labels.append([*(f"{outer - at}" for at in range(outer)), *present])
    _contract(builder, call.inputs, labels, output)


def dot(builder: SampleBuilder, call: RecordedCall) -> None:
    """Add a call of np.dot or np.inner."""
    require_only(call, "out")
    a, b = call.inputs[:2]
    output = call.output
    if a.ndim == 0 or b.ndim == 0:
        raise NotRecordedError("calls np.dot with a number")
    last = max(0, b.ndim - 2) if call.function is np.dot else b.ndim - 1
    first = [*(f"a{at}" for at in range(a.ndim - 1)), "k"]
    second = ["k" if at == last else f"b{at}" for at in range(b.ndim)]
    result = [name for name in (*first, *second) if name != "k"]
    _contract(builder, (a, b), [first, second, result], output)


def einsum(builder: SampleBuilder, call: RecordedCall) -> None:
    """Add a call of np.einsum."""
    require_only(call, "out", "optimize")
    arrays, labels = einsum_labels(call)
    _contract(builder, arrays, labels, call.output)


def _contract(
    builder: SampleBuilder, arrays: Sequence[Array], labels: Sequence[list[str]], output: Array
) -> None:
    """Add a sum of products, given the letter of each axis of the operands and of the result."""
    sizes: dict[str, int] = {}
    for array, names in zip((*arrays, output), labels, strict=True):
        for name, size in zip(names, array.shape, strict=True):
            sizes[name] = max(sizes.get(name, 1), size)
    factors = [
        _without_broadcasting(builder.cells(array), names, sizes)
        for array, names in zip(arrays, labels, strict=False)
    ]
    result, letters = labels[-1], dict(zip(sizes, string.ascii_letters, strict=False))
    layouts = set()
    for cells, names in factors:
        if not cells.are_constant:
            layout = builder.layout_of([cells], cells.shape)
            layouts.add((names[layout.axis], layout.length, layout.sample_first))
    if len(layouts) > 1 or next(iter(layouts))[0] not in result:
        raise NotRecordedError(MIXES)
    ((along, length, sample_first),) = layouts

    def of_sample(names: Sequence[str]) -> list[str]:
        return [name for name in names if name != along or length > 1]

    operands = []
    for cells, names in factors:
        if along in names:
            layout = Layout(names.index(along), builder.count, length, sample_first)
            operands.append(builder.operand(cells, layout, output.dtype))
        else:
            operands.append(Operand(cells.shape, None, cells.constants.astype(output.dtype)))
    equation = _equation([of_sample(names) for _, names in factors], of_sample(result), letters)
    shape = tuple(length if name == along else sizes[name] for name in of_sample(result))
    number = builder.add("contract", "", tuple(operands), shape, output.dtype, equation=equation)
    layout = Layout(result.index(along), builder.count, length, sample_first)
    builder.assign(output, builder.value(layout, number))


def _without_broadcasting(
    cells: Cells, names: list[str], sizes: Mapping[str, int]
) -> tuple[Cells, list[str]]:
    """Return cells without axes of size 1 that are broadcast, and the names of the others."""
    is_one = [sizes[name] > 1 == size for name, size in zip(names, cells.shape, strict=True)]
    key = tuple(0 if one else slice(None) for one in is_one)
    remaining = [name for name, one in zip(names, is_one, strict=True) if not one]
    return cells.moved(lambda array: array[(*key, ...)]), remaining


def _equation(
    operands: Sequence[Sequence[str]], result: Sequence[str], letters: Mapping[str, str]
) -> str:
    """Return what np.einsum takes."""
    inputs = ",".join("".join(letters[name] for name in names) for names in operands)
    return f"{inputs}->{''.join(letters[name] for name in result)}"
