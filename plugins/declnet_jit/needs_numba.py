"""What all kernels of this package need."""

from importlib.metadata import version
from importlib.util import find_spec

from declnet import Kernel


class NumbaKernel(Kernel):
    """A kernel of compiled routines."""

    kind = "kernel"
    compiled = True

    @classmethod
    def unavailable(cls) -> str | None:
        """Which extra is missing, or None."""
        missing = find_spec("numba") is None
        return "numba is not installed: pip install 'declnet[jit]'" if missing else None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Of the compiler."""
        return {"numba": version("numba"), "llvmlite": version("llvmlite")}
