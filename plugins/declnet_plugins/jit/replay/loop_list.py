"""The loops of recorded calls, added one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet import Array, Dtype, NativeCall
from declnet_plugins.jit.replay import inner_loops
from declnet_plugins.jit.replay.loops import AXES, OPERANDS, Loop
from declnet_plugins.jit.replay.ufunc_loops import loop_of
from declnet_plugins.recording.program import NotTranslatedError, address_of, are_identical
from declnet_plugins.recording.symbols import Symbol


class LoopList:
    """Loops in the order in which they run."""

    def __init__(self) -> None:
        self.loops: list[Loop] = []

    def add(
        self,
        inner: tuple[int, int] | NativeCall | None,
        arrays: Sequence[Array],
        *,
        order: Sequence[int] = (),
    ) -> None:
        """Add a loop over all elements.

        NumPy's own iterator orders and joins the axes, so that sums come out in NumPy's order.

        Args:
            inner: the inner loop; None raises NotTranslatedError.
            arrays: inputs, then the output, or the output of a reduction first; those with fewer
                axes are broadcast.
            order: the arrays, by number, as the inner loop takes them; default: as they are.
        """
        if inner is None:
            kinds = ", ".join(str(array.dtype) for array in arrays)
            raise NotTranslatedError(f"converts or selects elements of {kinds}")
        if any(array.size == 0 for array in arrays):
            return
        places = order or range(len(arrays))
        shape, addresses, strides = nest(arrays, {places[-1]})
        self.loops.append(
            Loop(
                inner,
                tuple(addresses[place] for place in places),
                shape,
                tuple(strides[place] for place in places),
                keeps=tuple(arrays),
            )
        )

    def convert(self, source: Array, target: Array) -> None:
        """Copy elements, broadcast if need be, and convert them to the type of the target."""
        if source.dtype == target.dtype:
            if are_identical(source, target):
                return
            word = np.dtype(f"u{target.itemsize}")
            if target.itemsize not in (1, 2, 4, 8):
                raise NotTranslatedError(f"copies an array of {target.dtype}")
            function = require_loop(np.positive, (word, word))
            self.add(function, [source.view(word), target.view(word)])
            return
        if target.dtype == np.bool:
            inner = require_loop(np.not_equal, (source.dtype, source.dtype, target.dtype))
            self.add(inner, [source, np.zeros((), source.dtype), target])
            return
        self.add(inner_loops.conversion(source.dtype, target.dtype), [source, target])

    def converted(self, value: Any, dtype: Dtype) -> Array:
        """Return an operand as an array of a type: itself, a constant, or a converted copy."""
        if isinstance(value, Symbol):
            value = value.slot
        if not isinstance(value, np.ndarray):
            return np.array(value, dtype)
        return value if value.dtype == dtype else self.copied(value, dtype)

    def copied(self, array: Array, dtype: Dtype | None = None) -> Array:
        """Return an array to which another one is copied whenever the loops run."""
        pairs = zip(array.shape, array.strides, strict=True)
        once = tuple(slice(1) if step == 0 and n > 1 else slice(None) for n, step in pairs)
        core = array[(*once, ...)]
        copy = np.empty_like(core, dtype)
        self.convert(core, copy)
        return np.broadcast_to(copy, array.shape)


def nest(
    arrays: Sequence[Array], written: set[int]
) -> tuple[tuple[int, ...], list[int], list[tuple[int, ...]]]:
    """Return the shape of a loop over arrays, and the address and the strides of each."""
    if not all(array.flags.aligned and array.dtype.isnative for array in arrays):
        raise NotTranslatedError("has an array whose elements are not aligned in memory")
    access = [["readwrite" if number in written else "readonly"] for number in range(len(arrays))]
    iterator = np.nditer(arrays, ["external_loop", "reduce_ok"], access, order="K")  # type: ignore[call-overload]
    with iterator:
        views = iterator.itviews
        shape: tuple[int, ...] = views[0].shape or (1,)
        if len(shape) > AXES or len(arrays) > OPERANDS:
            raise NotTranslatedError(f"loops over {len(shape)} axes of {len(arrays)} arrays")
        return shape, [address_of(view) for view in views], [view.strides or (0,) for view in views]


def require_loop(ufunc: np.ufunc, dtypes: Sequence[Dtype]) -> tuple[int, int]:
    """Return the inner loop of a ufunc; raise NotTranslatedError if there is none."""
    inner = loop_of(ufunc, dtypes)
    if inner is None:
        names = ", ".join(map(str, dtypes))
        raise NotTranslatedError(f"calls np.{ufunc.__name__} with {names}")
    return inner
