"""The arrays that the routines accept."""

import numpy as np

from declnet import Array

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def batch_last(*arrays: Array | None) -> bool:
    """Return whether arrays (n, features) are floats with a contiguous batch axis."""
    return all(
        each is None or (each.ndim == 2 and each.dtype in FLOATS and each.T.flags.c_contiguous)
        for each in arrays
    )
