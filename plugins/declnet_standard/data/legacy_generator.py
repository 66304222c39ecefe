"""Calls to nnfs, which uses NumPy's global generator, that preserve its state."""

import threading
from collections.abc import Callable

import numpy as np

from declnet import Array

_one_at_a_time = threading.Lock()


def drawn(
    create: Callable[[], tuple[Array, Array]], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the result of `create` with the global generator seeded from `rng`; restore its state.

    The lock serializes data sources in this process; it cannot block other code that uses the
    global generator at the same time.
    """
    seed = int(rng.integers(2**32))
    with _one_at_a_time:
        before = np.random.get_state()
        try:
            np.random.seed(seed)
            return create()
        finally:
            np.random.set_state(before)
