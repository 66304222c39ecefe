"""Sums of products, such as matrix products, for one sample, by a letter for each axis."""

from __future__ import annotations

import string
from collections.abc import Sequence

from declnet import Array, Shape
from declnet_plugins.recording.cells import MIXES, Layout
from declnet_plugins.recording.sample_builder import SampleBuilder
from declnet_plugins.recording.sample_program import Operand
from declnet_plugins.recording.symbols import NotRecordedError


def contract(builder: SampleBuilder, factors: Sequence[Array], shape: Shape, output: Array) -> None:
    """Add a sum of products over the last axes of a space.

    Args:
        factors: arrays in the space, of which one depends on samples.
        shape: the lengths of the axes of the space.
        output: what the sum is written to, with the first axes.
    """
    spans = [[axis for axis, stride in enumerate(x.strides) if stride] for x in factors]
    missing = {*range(output.ndim)}.difference(*spans)
    spans[0] = sorted({*spans[0], *missing})
    cells = [
        builder.cells(x[tuple(slice(None) if axis in axes else 0 for axis in range(x.ndim))])
        for x, axes in zip(factors, spans, strict=True)
    ]
    layouts = set()
    for of_factor, axes in zip(cells, spans, strict=True):
        if not of_factor.are_constant:
            layout = builder.layout_of([of_factor], of_factor.shape)
            layouts.add((axes[layout.axis], layout.length, layout.sample_first))
    if len(layouts) > 1 or next(iter(layouts))[0] >= output.ndim:
        raise NotRecordedError(MIXES)
    ((along, length, sample_first),) = layouts

    def letters(axes: Sequence[int]) -> str:
        return "".join(string.ascii_letters[axis] for axis in axes if axis != along or length > 1)

    operands = []
    for of_factor, axes in zip(cells, spans, strict=True):
        if along in axes:
            layout = Layout(axes.index(along), builder.count, length, sample_first)
            operands.append(builder.operand(of_factor, layout, output.dtype))
        else:
            constants = of_factor.constants.astype(output.dtype)
            operands.append(Operand(of_factor.shape, None, constants))
    result = range(output.ndim)
    equation = f"{','.join(map(letters, spans))}->{letters(result)}"
    sizes = (length if axis == along else shape[axis] for axis in result)
    sample_shape = tuple(size for axis, size in enumerate(sizes) if axis != along or length > 1)
    number = builder.add(
        "contract", "", tuple(operands), sample_shape, output.dtype, equation=equation
    )
    layout = Layout(along, builder.count, length, sample_first)
    builder.assign(output, builder.value(layout, number))
