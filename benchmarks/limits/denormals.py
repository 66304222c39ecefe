"""What denormal numbers cost on this machine."""

from functools import partial
from timeit import repeat

import numpy as np

NUMBERS = 65536


def cost_of_denormals() -> str:
    """How many times as long the processor takes to multiply and to divide denormal numbers."""
    x, y = np.linspace(1, 2, NUMBERS, dtype=np.float32), np.full(NUMBERS, 0.9, np.float32)
    texts, out = [], np.empty_like(x)
    for name, call in (("multiply", np.multiply), ("divide", np.divide)):
        times = [min(repeat(partial(call, each, y, out), number=9)) for each in (x * 1e-40, x)]
        texts.append(f"{name} {times[0] / times[1]:.1f}")
    return f"times as long for denormal numbers: {', '.join(texts)}"
