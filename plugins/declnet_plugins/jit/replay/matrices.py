"""Recorded matrix products as calls of products, which threads can share."""

from __future__ import annotations

import numpy as np

from declnet import Array, NativeCall
from declnet_plugins.jit.routines.products import product

FLOATS = ("float32", "float64")

MOST = 16
"""Calls for one recorded product of stacks of matrices."""


def products(a: Array, b: Array, c: Array) -> list[NativeCall] | None:
    """Return calls that compute c = a @ b up to rounding, as np.matmul; None if there are none."""
    if any(x.dtype != c.dtype or x.ndim < 2 or not x.size for x in (a, b, c)):
        return None
    if c.dtype.name not in FLOATS or any(np.may_share_memory(c, x) for x in (a, b)):
        return None
    a_rows, c_rows = _as_matrix(a), _as_matrix(c)
    if b.ndim == 2 and a_rows is not None and c_rows is not None:
        calls = [product(a_rows, b, c_rows)]
    else:
        outer = c.shape[:-2]
        longest = max(range(len(outer)), key=outer.__getitem__)
        a, b = (np.broadcast_to(x, (*outer, *x.shape[-2:])) for x in (a, b))
        a, b, c = (np.moveaxis(x, longest, -3) for x in (a, b, c))
        others = c.shape[:-3]
        if np.prod(others) > MOST:
            return None
        calls = [product(a[place], b[place], c[place]) for place in np.ndindex(others)]
    supported = [call for call in calls if call is not None]
    return supported if len(supported) == len(calls) else None


def _as_matrix(array: Array) -> Array | None:
    """Return a view of a stack of matrices as the rows of one; None if there is none."""
    matrix = array.reshape(-1, array.shape[-1])
    return matrix if np.may_share_memory(matrix, array) else None
