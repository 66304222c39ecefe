"""Kernels of routines."""

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

from declnet import Kernel


class CompiledKernel(Kernel):
    """A kernel whose calls are routines bound to arrays; a base class.

    It is used where Numba is installed and `[engine] kernels` allows compiled kernels.
    """

    kind = "kernel"
    compiled = True

    @classmethod
    def unavailable(cls) -> str | None:
        """Return the missing extra, or None."""
        installed = find_spec("numba") is not None
        return None if installed else "numba is not installed: pip install 'declnet[jit]'"

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the versions of the compiler."""
        return {"numba": _version("numba"), "llvmlite": _version("llvmlite")}


_version = cache(version)
