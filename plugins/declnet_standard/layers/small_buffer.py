"""NumPy's buffering of strided operands."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def small_buffer() -> Iterator[None]:
    """Make ufuncs copy strided operands through a buffer of 512 numbers instead of 8192.

    NumPy copies them if several rows fit in its buffer. That pays off for rows of a few numbers,
    but for rows of a thousand it takes three to four times as long as reading them in place. The
    buffer size belongs to the thread's context and is restored afterward.
    """
    size = np.setbufsize(512)
    try:
        yield
    finally:
        np.setbufsize(size)
