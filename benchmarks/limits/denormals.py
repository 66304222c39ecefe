"""The cost of denormal numbers on this machine."""

from functools import partial
from timeit import repeat

import numpy as np

NUMBERS = 65536


def cost_of_denormals() -> str:
    """Return how many times slower multiplying and dividing denormal numbers is."""
    x, y = np.linspace(1, 2, NUMBERS, dtype=np.float32), np.full(NUMBERS, 0.9, np.float32)
    texts, out = [], np.empty_like(x)
    for name, call in (("multiply", np.multiply), ("divide", np.divide)):
        times = [min(repeat(partial(call, each, y, out), number=9)) for each in (x * 1e-40, x)]
        texts.append(f"{name} {times[0] / times[1]:.1f}")
    return f"times as long for denormal numbers: {', '.join(texts)}"
