"""How NumPy and BLAS compute within a training step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np

from declnet.graph.model import Model

BUFFER = 8192
"""Numbers in NumPy's buffer, by default."""


@contextmanager
def arithmetic_for(batch: int) -> Iterator[None]:
    """Within it, NumPy warns of nothing, and leaves rows of a whole batch where they are.

    A ufunc copies what it broadcasts along the batch, a bias say, through its buffer wherever a row
    fits in there. From about a thousand samples on that takes twice as long as reading it in place
    (measured: 28 µs in place of 55 for a bias added to 64 rows of 3000). Settings belong to the
    thread's context and are put back.

    Args:
        batch: samples a step.
    """
    with np.errstate(all="ignore"):  # which puts the buffer's size back as well
        if 1000 < batch <= BUFFER:
            np.setbufsize((batch - 1) // 16 * 16)
        yield


SMALL = 1 << 22
"""Multiplications of a matrix product, up to which one thread is as fast as two (measured: 576 000
took a third longer with two, 4 million as long, 8 million two thirds).

A second thread has to be woken for each product and spins until the next one, which slows all that
lies between; on a machine with other work to do, a step took thirty times as long with two.
"""


@contextmanager
def blas_threads_for(model: Model, batch: int) -> Iterator[None]:
    """Within it, BLAS uses one thread if all products of a step are small, else as many as it may.

    That depends on the model and the batch alone, so the same run has the same bits. Most BLAS
    libraries have one limit for a process; of several runs in threads, the first one sets it.

    Args:
        model: that is trained.
        batch: samples a step.
    """
    if largest_product(model, batch) > SMALL:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


def largest_product(model: Model, batch: int) -> int:
    """About the multiplications of the largest matrix product in a step, for any kind of layer."""
    return max(
        batch * node.parameter_count * max(1, prod(node.output_shape[1:])) for node in model.nodes
    )
