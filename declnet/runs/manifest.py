"""The manifest: with what, on what and when a run ran, and how it ended."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydantic import BaseModel

import declnet
from declnet.components.arrays import Shape
from declnet.components.component import Component
from declnet.components.kernel import Kernel
from declnet.registry.registry import Registry
from declnet.spec.run_spec import RunSpec
from declnet.training.ready_data import ReadyData


def first_manifest(
    spec: RunSpec,
    spec_file: bytes,
    registry: Registry,
    data: Mapping[str, ReadyData],
    input_shape: Shape,
    kernels: Sequence[type[Kernel]] = (),
) -> dict[str, Any]:
    """The manifest of a run that starts now: status `running`.

    Args:
        spec_file: the content of the folder's spec.toml.
        kernels: what computes in place of components.
    """
    return {
        "status": "running",
        "name": spec.name,
        "seed": spec.seed,
        "spec": f"sha256:{hashlib.sha256(spec_file).hexdigest()}",
        "started": now(),
        "input_shape": list(input_shape),
        "data": {
            name: {"samples": len(each), "hash": each.fingerprint} for name, each in data.items()
        },
        "plugins": _plugins(spec, registry, kernels),
        "engine": _engine(kernels),
        "declnet": declnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _engine(kernels: Sequence[type[Kernel]]) -> dict[str, str]:
    """Which kernels computed, or `numpy`, and the versions of what compiled them."""
    names = ", ".join(sorted(kernel.type for kernel in kernels)) or "numpy"
    versions: dict[str, str] = {}
    for kernel in kernels:
        versions |= kernel.versions()
    return {"kernels": names, **versions}


def _plugins(
    spec: RunSpec,
    registry: Registry,
    kernels: Sequence[type[Kernel]],
) -> list[dict[str, str]]:
    used = [type(component) for component in _components(spec)]
    plugins = {registry.plugin_of(component) for component in (*used, *kernels)} - {None}
    return [
        {"plugin": each.name, "distribution": each.distribution, "version": each.version}
        for each in sorted(plugin for plugin in plugins if plugin is not None)
    ]


def _components(value: Any) -> Iterable[Component]:
    """Every component in a spec, at any depth."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _components(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _components(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _components(item)


def _blas() -> dict[str, str]:
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return {"name": str(blas.get("name", "unknown")), "version": str(blas.get("version", ""))}
