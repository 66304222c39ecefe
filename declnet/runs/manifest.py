"""The manifest: with what, on what and when a run ran, and how it ended."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

import declnet
from declnet.components.kernel import Kernel
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.origins import used_components
from declnet.spec.model import RunSpec
from declnet.training.metrics import directions
from declnet.training.ready_data import ReadyData


def first_manifest(
    spec: RunSpec,
    spec_file: bytes,
    registry: Registry,
    data: Mapping[str, ReadyData],
    model: Model,
    kernels: Sequence[type[Kernel]] = (),
) -> dict[str, Any]:
    """Return the manifest of a run that starts now: status `running`.

    Args:
        spec: of the run.
        spec_file: the content of the folder's spec.toml.
        registry: where names were looked up.
        data: each data set as it is trained or evaluated on.
        model: of the run.
        kernels: what computes in place of components.
    """
    return {
        "status": "running",
        "name": spec.name,
        "seed": spec.seed,
        "spec": f"sha256:{hashlib.sha256(spec_file).hexdigest()}",
        "started": now(),
        "input_shape": list(model.input_shape),
        "data": {
            name: {"samples": len(each), "hash": each.fingerprint} for name, each in data.items()
        },
        "better": directions(spec.training.metrics),
        "components": used_components(spec, model, kernels, registry),
        "engine": _engine(kernels),
        "declnet": declnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _engine(kernels: Sequence[type[Kernel]]) -> dict[str, str]:
    """Which compiled kernels computed, or `numpy`, and the versions of what compiled them."""
    names = ", ".join(sorted(kernel.type for kernel in kernels if kernel.compiled)) or "numpy"
    versions: dict[str, str] = {}
    for kernel in kernels:
        versions |= kernel.versions()
    return {"kernels": names, **versions}


def _blas() -> dict[str, str]:
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return {"name": str(blas.get("name", "unknown")), "version": str(blas.get("version", ""))}
