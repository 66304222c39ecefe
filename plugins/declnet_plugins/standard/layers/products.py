"""Matrix products of any shape, as fast as NumPy can."""

import numpy as np

from declnet import Array

FEW = 3
"""Maximum number of rows or columns for which products with single vectors beat BLAS's matrix
product, which first copies both into blocks (measured: half the time for 2 or 3, the same for
4)."""

SMALL = 8192
"""Maximum number of multiplications for which the matrix product is as fast."""


def matrix_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b.

    Args:
        a: (rows, inner).
        b: (inner, columns).
        out: (rows, columns), in either memory order.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    if inner == 1:  # no sums; BLAS is five times as slow
        np.multiply(a, b, out=out)
    elif 1 < columns <= FEW and a.size * columns > SMALL:
        np.matmul(b.T[:, None], a.T, out=out.T[:, None])
    elif 1 < rows <= FEW and rows * b.size > SMALL:
        np.matmul(a[:, None], b, out=out[:, None])
    else:
        np.matmul(a, b, out=out)
