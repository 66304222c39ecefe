"""NumPy and BLAS settings for training steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np

BUFFER = 8192
"""The default size of NumPy's ufunc buffer, in elements."""


_LIMITED: ContextVar[bool] = ContextVar("limited", default=False)


@contextmanager
def arithmetic_for(batch: int) -> Iterator[None]:
    """Silence NumPy's warnings and keep ufuncs from buffering rows of a whole batch.

    A ufunc copies an operand that it broadcasts along the batch, such as a bias, through its buffer
    if a row fits. From about a thousand samples, that takes twice as long as reading it in place
    (measured: 28 µs in place instead of 55, for a bias added to 64 rows of 3000). The settings
    belong to the thread's context and are restored.

    Args:
        batch: samples per step.
    """
    with np.errstate(all="ignore"):  # also restores the buffer size
        if 1000 < batch <= BUFFER:
            np.setbufsize((batch - 1) // 16 * 16)
        yield


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread.

    Its threads wait for each other within every product, and spin until the next one: next to two
    busy processes on two cores, a run took ten times as long with two threads as with one. What
    BLAS rounds depends on their number, so it cannot follow the load; an engine's own threads can,
    with the same bits. Most libraries have one limit per process, which the first thread sets.
    Within another such context it does nothing: setting the limit takes as long as a small step.
    """
    if _LIMITED.get():
        yield
        return
    libraries = _libraries(len(sys.modules))
    # threadpoolctl's context describes each library in full, which takes five times as long
    limits = [library.get_num_threads() for library in libraries]
    _LIMITED.set(True)
    try:
        for library in libraries:
            library.set_num_threads(1)
        yield
    finally:
        _LIMITED.set(False)  # a generator may end in another context, which a token refuses
        for library, limit in zip(libraries, limits, strict=True):
            library.set_num_threads(limit)


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> list[Any]:
    """Return the BLAS libraries of this process; looking for them takes half a millisecond.

    Args:
        _modules: the number of imported modules: a library comes with one.
    """
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
