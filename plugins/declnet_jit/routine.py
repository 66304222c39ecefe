"""A Python function that is compiled when it is first bound to arrays, and cached on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROUNDING = {"reassoc", "contract", "nsz", "arcp"}
"""What the compiler may change: the order of sums, a product and a sum in one, the sign of a zero,
a quotient as a product with the reciprocal. NaN and infinities go through as they do in NumPy."""


class Routine:
    """A function of arrays and numbers, written in the part of Python that Numba compiles.

    Numba is imported and the function compiled for the types of its arguments when it is first
    bound. The machine code is cached beside the source, or in the user's cache directory where
    that cannot be written to, or in `NUMBA_CACHE_DIR`.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self._dispatcher: Any = None

    def compiled_for(self, *arguments: Any) -> Callable[..., None]:
        """The compiled function, ready for arguments of these types."""
        import numba

        if self._dispatcher is None:
            options = {"nogil": True, "error_model": "numpy", "fastmath": ROUNDING}
            try:
                self._dispatcher = numba.njit(cache=True, **options)(self._function)
            except RuntimeError:  # no folder can be written to: each process compiles anew
                self._dispatcher = numba.njit(**options)(self._function)
        dispatcher = self._dispatcher
        signature = tuple(numba.typeof(argument) for argument in arguments)
        if signature not in dispatcher.overloads:
            self._announce()
            dispatcher.compile(signature)
        compiled: Callable[..., None] = dispatcher
        return compiled

    def bound(self, *arguments: Any) -> Callable[[], None]:
        """A call of the compiled function with these arguments."""
        return partial(self.compiled_for(*arguments), *arguments)

    def _announce(self) -> None:
        """Says once a process that there is a wait, if there is none of this in the cache yet."""
        folder = self._dispatcher.stats.cache_path
        pattern = f"*{self._function.__name__}-*.nbi"
        if not _announced and (folder is None or not any(Path(folder).glob(pattern))):
            _announced.append(self._function.__name__)
            sys.stderr.write(
                "declnet: compiling kernels with Numba, once on this machine (a few seconds)\n"
            )


_announced: list[str] = []
