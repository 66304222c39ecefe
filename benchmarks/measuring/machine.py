"""The machine and the package versions of a measurement."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "declnet", "numpy", "numba", "torch", "jax", "jaxlib", "keras", "scikit-learn", "scipy",
    "onnxruntime",
)  # fmt: skip


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's model, as reported by the system."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed_versions() -> dict[str, str]:
    """Return the versions of the relevant packages that are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def load() -> float:
    """Return the average number of runnable processes in the last minute; 0 if unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def describe() -> dict[str, object]:
    """Return all of this, for the JSON."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_before": load(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": installed_versions(),
    }
