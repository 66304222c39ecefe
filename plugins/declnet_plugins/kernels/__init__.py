"""Compiled kernels of declnet's own components; the extra `jit` installs their compiler.

They exist where they are faster than the fused recording of a component.

They use nothing but the public names of `declnet`, `declnet_plugins.jit` and
`declnet_plugins.standard`.
"""

import numpy as np

from declnet import Register, hookimpl

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint8))
"""Types of the arrays that kernels take."""

KERNELS = {
    "conv2d": "conv2d, conv2d relu",
    "dense": "dense, dense relu",
    "embedding": "embedding",
    "embedding_bag": "embedding_bag",
    "pooling": "average_pool2d, max_pool2d",
    "recurrent": "gru, lstm, simple_rnn",
}
"""By module, the types of the components that each of its kernels replaces together."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the kernels; each is imported for models with the components that it replaces."""
    for module, kernels in KERNELS.items():
        for replaced in kernels.split(", "):
            types = tuple(replaced.split())
            register.lazily("kernel", "_".join([*types, "jit"]), f"{__name__}.{module}", types)
