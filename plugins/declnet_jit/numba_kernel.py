"""Kernels of routines that Numba compiles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from declnet import Array, Kernel

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

ROUNDING = {"reassoc", "contract", "nsz", "arcp"}
"""Liberties the compiler may take: reorder sums, fuse a product and a sum, ignore the sign of zero,
multiply by a reciprocal. NaN and infinities propagate as in NumPy."""

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": ROUNDING}


def batch_last(*arrays: Array | None) -> bool:
    """Return whether arrays (n, features) are floats with a contiguous batch axis."""
    return all(
        each is None or (each.ndim == 2 and each.dtype in FLOATS and each.T.flags.c_contiguous)
        for each in arrays
    )


class Routine:
    """A function of arrays and numbers, written in the subset of Python that Numba compiles.

    Numba is imported, and the function compiled for its argument types, when it is first bound.
    The machine code is cached next to the source, or in the user's cache directory if that is not
    writable, or in `NUMBA_CACHE_DIR`. A damaged cache is discarded and written again.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self._dispatcher: Any = None

    def compiled_for(self, *arguments: Any) -> Callable[..., None]:
        """Return the function, compiled for arguments of these types."""
        import numba

        if self._dispatcher is None:
            try:
                self._dispatcher = numba.njit(cache=True, **OPTIONS)(self._function)
            except RuntimeError:  # no folder is writable: each process compiles again
                self._dispatcher = numba.njit(**OPTIONS)(self._function)
        signature = tuple(numba.typeof(argument) for argument in arguments)
        if signature not in self._dispatcher.overloads:
            self._announce()
            try:
                self._dispatcher.compile(signature)
            except Exception:  # e.g. a truncated file; an error of the function itself recurs
                self._discard_cache()
                self._dispatcher.compile(signature)
        compiled: Callable[..., None] = self._dispatcher
        return compiled

    def _discard_cache(self) -> None:
        """Empty the function's cache on disk, or disable the cache if it cannot be written."""
        import numba

        try:
            self._dispatcher.recompile()
        except OSError:
            self._dispatcher = numba.njit(**OPTIONS)(self._function)

    def bound(self, *arguments: Any) -> Callable[[], None]:
        """Return the compiled function bound to these arguments."""
        return partial(self.compiled_for(*arguments), *arguments)

    def _announce(self) -> None:
        """Announce the wait, once per process, if the function is not cached yet."""
        folder = self._dispatcher.stats.cache_path
        pattern = f"*{self._function.__name__}-*.nbi"
        if not _announced and (folder is None or not any(Path(folder).glob(pattern))):
            _announced.append(self._function.__name__)
            sys.stderr.write(
                "declnet: compiling kernels with Numba, once on this machine (a few seconds)\n"
            )


_announced: list[str] = []


class NumbaKernel(Kernel):
    """A kernel of compiled routines."""

    kind = "kernel"
    compiled = True

    @classmethod
    def unavailable(cls) -> str | None:
        """Return the missing extra, or None."""
        missing = find_spec("numba") is None
        return "numba is not installed: pip install 'declnet[jit]'" if missing else None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the version of the compiler."""
        return {"numba": version("numba"), "llvmlite": version("llvmlite")}
