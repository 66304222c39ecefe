"""The machine and the versions that a measurement belongs to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "declnet", "numpy", "numba", "torch", "jax", "jaxlib", "keras", "scikit-learn", "scipy",
    "thinc", "tinygrad", "onnxruntime",
)  # fmt: skip


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's model, as well as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed_versions() -> dict[str, str]:
    """The versions of the packages in play that are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def load() -> float:
    """Processes that wanted a core during the last minute, on average; 0 where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def describe() -> dict[str, object]:
    """All of it, for the JSON."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_before": load(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": installed_versions(),
    }
