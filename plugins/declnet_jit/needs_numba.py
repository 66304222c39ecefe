"""The base class of all kernels of this package."""

from importlib.metadata import version
from importlib.util import find_spec

from declnet import Kernel


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
