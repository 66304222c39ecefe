"""Calls nnfs, which draws from NumPy's global generator, without leaving a trace in it."""

import threading
from collections.abc import Callable

import numpy as np

from declnet import Array

_one_at_a_time = threading.Lock()


def drawn(
    create: Callable[[], tuple[Array, Array]], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Runs `create` with the global generator seeded from `rng`, and restores its state.

    The lock keeps two data sources of this process apart; it cannot hold back other code that uses
    the global generator at the same moment.
    """
    seed = int(rng.integers(2**32))
    with _one_at_a_time:
        before = np.random.get_state()
        try:
            np.random.seed(seed)
            return create()
        finally:
            np.random.set_state(before)
