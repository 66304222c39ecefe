"""NumPy and BLAS settings for training steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from declnet.graph.model import Model

BUFFER = 8192
"""The default size of NumPy's ufunc buffer, in elements."""


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


SMALL = 1 << 22
"""Multiplications in a matrix product up to which one thread is as fast as two (measured with two:
576 000 took a third longer, 4 million equally long, 8 million two thirds of the time).

A second thread has to be woken for each product and spins until the next one, slowing down
everything in between; on a busy machine, a step took thirty times as long with two.
"""


@contextmanager
def blas_threads_for(model: Model, batch: int, *, one: bool = False) -> Iterator[None]:
    """Limit BLAS to one thread if all matrix products of a step are small.

    This depends only on the model and the batch, so results are bitwise reproducible. Most BLAS
    libraries have one limit per process; with several runs in threads, the first one sets it.

    Args:
        batch: samples per step.
        one: whether to limit it in any case: for steps that an engine makes, whose products are its
            own, a second thread that spins between evaluations costs more than it saves.
    """
    if not one and largest_product(model, batch) > SMALL:
        yield
        return
    with _libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> Any:
    """Return the BLAS libraries of this process; looking for them takes half a millisecond.

    Args:
        _modules: the number of imported modules: a library comes with one.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def largest_product(model: Model, batch: int) -> int:
    """Estimate the multiplications in the largest matrix product of a step, for any layer."""
    return max(
        batch * model.nodes[node.owner].parameter_count * max(1, prod(node.output_shape[1:]))
        for node in model.nodes
    )
