"""Kernels of routines."""

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

from declnet import Kernel
from declnet_plugins.jit.routines.settings import disabled, settings


class CompiledKernel(Kernel):
    """A kernel whose calls are routines bound to arrays; a base class.

    It is used where Numba is installed and `[engine] kernels` allows compiled kernels.
    """

    kind = "kernel"
    compiled = True

    @classmethod
    def unavailable(cls) -> str | None:
        """Return the missing extra, or the setting that disables the compiler; else None."""
        if find_spec("numba") is None:
            return "numba is not installed: pip install 'declnet[jit]'"
        return disabled()

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the versions of the compiler, and its settings that are not the usual ones."""
        versions = {"numba": _version("numba"), "llvmlite": _version("llvmlite")}
        return versions | settings()


_version = cache(version)
