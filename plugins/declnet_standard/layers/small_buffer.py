"""How NumPy reads operands with gaps."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def small_buffer() -> Iterator[None]:
    """Has ufuncs copy operands with gaps through a buffer of 512 numbers instead of 8192.

    NumPy copies them wherever several rows fit in its buffer. That pays for rows of a few numbers,
    but for rows of a thousand it takes three to four times as long as reading them where they are.
    The buffer's size belongs to the thread's context; it is put back.
    """
    size = np.setbufsize(512)
    try:
        yield
    finally:
        np.setbufsize(size)
