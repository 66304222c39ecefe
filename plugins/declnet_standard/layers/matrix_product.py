"""The product of two matrices, where one may be thin."""

import numpy as np

from declnet import Array

FEW = 3
"""Rows or columns up to which a vector at a time is faster than BLAS's product of matrices, which
copies both into blocks first (measured: half the time for 2 or 3, the same for 4)."""

SMALL = 8192
"""Multiplications up to which the product of matrices is as fast."""


def multiply(a: Array, b: Array, out: Array) -> None:
    """out = a @ b.

    Args:
        a: (rows, inner).
        b: (inner, columns).
        out: (rows, columns), in either memory order.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    if inner == 1:  # no sums; BLAS takes five times as long
        np.multiply(a, b, out=out)
    elif 1 < columns <= FEW and a.size * columns > SMALL:
        np.matmul(b.T[:, None], a.T, out=out.T[:, None])
    elif 1 < rows <= FEW and rows * b.size > SMALL:
        np.matmul(a[:, None], b, out=out[:, None])
    else:
        np.matmul(a, b, out=out)
