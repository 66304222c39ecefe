"""The native engine, and the building blocks of compiled kernels; the extra `jit` installs Numba.

A kernel is a subclass of `CompiledKernel` whose `bind` returns calls of *routines*: functions
decorated with `Routine`, bound to arrays. Everything here can be imported without Numba, which is
needed when a routine is bound for the first time on a machine.

- Routines: `Routine`, `rounded_as_written`, `share` (a thread's part of the work), and `Intrinsic`
  for instructions that Numba's Python does not have, with `call_at`, `Vectors` and `host_features`.
- Functions that routines call: `exp`, `expm1`, `log`, `log1p`, `logistic`, `tanh`,
  `of_its_type`; `load` and `store` for numbers at addresses.
- Matrix products: `product` and `rectified_gradient` are calls of their own; `multiply_tile` and
  `copy_columns` are parts of products within routines, with the sizes in `TILE`.
"""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.jit.kernel import CompiledKernel as CompiledKernel
    from declnet_plugins.jit.routines.elementary_functions import exp as exp
    from declnet_plugins.jit.routines.elementary_functions import expm1 as expm1
    from declnet_plugins.jit.routines.elementary_functions import log as log
    from declnet_plugins.jit.routines.elementary_functions import log1p as log1p
    from declnet_plugins.jit.routines.elementary_functions import logistic as logistic
    from declnet_plugins.jit.routines.elementary_functions import of_its_type as of_its_type
    from declnet_plugins.jit.routines.elementary_functions import tanh as tanh
    from declnet_plugins.jit.routines.few_rows import rectified_gradient as rectified_gradient
    from declnet_plugins.jit.routines.memory import call_at as call_at
    from declnet_plugins.jit.routines.memory import load as load
    from declnet_plugins.jit.routines.memory import store as store
    from declnet_plugins.jit.routines.micro_kernel import NOTHING as NOTHING
    from declnet_plugins.jit.routines.micro_kernel import SUMS as SUMS
    from declnet_plugins.jit.routines.micro_kernel import TILE as TILE
    from declnet_plugins.jit.routines.micro_kernel import copy_columns as copy_columns
    from declnet_plugins.jit.routines.micro_kernel import multiply_tile as multiply_tile
    from declnet_plugins.jit.routines.products import product as product
    from declnet_plugins.jit.routines.routine import Intrinsic as Intrinsic
    from declnet_plugins.jit.routines.routine import Routine as Routine
    from declnet_plugins.jit.routines.routine import rounded_as_written as rounded_as_written
    from declnet_plugins.jit.routines.routine import share as share
    from declnet_plugins.jit.routines.vectors import Vectors as Vectors
    from declnet_plugins.jit.routines.vectors import host_features as host_features

_NAMES = {
    "kernel": ["CompiledKernel"],
    "routines.routine": ["Intrinsic", "Routine", "rounded_as_written", "share"],
    "routines.elementary_functions": [
        *("exp", "expm1", "log", "log1p", "logistic", "of_its_type", "tanh"),
    ],
    "routines.few_rows": ["rectified_gradient"],
    "routines.memory": ["call_at", "load", "store"],
    "routines.micro_kernel": ["NOTHING", "SUMS", "TILE", "copy_columns", "multiply_tile"],
    "routines.products": ["product"],
    "routines.vectors": ["Vectors", "host_features"],
}

__getattr__ = lazy_names(
    __name__, {name: module for module, names in _NAMES.items() for name in names}
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the engine, which is imported when a run may use it."""
    register.lazily("engine", "native", f"{__name__}.engine")
