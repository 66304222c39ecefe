"""Regularizers: penalties on parameters, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.regularizers.l1 import L1 as L1
    from declnet_standard.regularizers.l1_l2 import L1L2 as L1L2
    from declnet_standard.regularizers.l2 import L2 as L2

REGULARIZERS = {
    "l1": "L1",
    "l1_l2": "L1L2",
    "l2": "L2",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in REGULARIZERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in REGULARIZERS.items():
        register.lazily("regularizer", file, f"{__name__}.{file}:{name}")
