"""The manifest: a run's environment, data, times and outcome, and what has changed since."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

import declnet
from declnet.caching import computed_once
from declnet.contracts.execution.engine import Engine
from declnet.contracts.execution.kernel import Kernel
from declnet.contracts.returned import verify
from declnet.contracts.runs.callback import Callback
from declnet.display.words import kind_in_words
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.registry.plugin import FIRST_PARTY
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.documents import Manifest, StoredInput, UsedData
from declnet.runs.storage.origins import Origins, used_components
from declnet.spec.model import RunSpec
from declnet.training.metrics import directions

if TYPE_CHECKING:
    from declnet.runs.inference.member import Member
    from declnet.runs.ready_run import ReadyRun


def first_manifest(ready: ReadyRun, spec_file: bytes) -> Manifest:
    """Return the manifest of a run that starts now, with status `running`.

    Args:
        ready: the run.
        spec_file: the content of the folder's spec.toml.
    """
    spec, model, data = ready.spec, ready.prepared.model, ready.prepared.data
    kernels = ready.trainer.kernels.used
    components = partial(used_components, spec, model, kernels, ready.registry)
    about = "components", [section for key, section in vars(spec).items() if key != "seed"], kernels
    weights = spec.model.weights_path
    return _manifest(
        spec,
        model,
        spec_file,
        data={name: UsedData(len(samples), samples.fingerprint) for name, samples in data.items()},
        initial_weights=checksum(weights.read_bytes()) if weights is not None else None,
        components=computed_once((model.network, ready.registry), about, components),
        engine=_engine(ready.trainer.kernels),
    )


def manifest_of(member: Member, spec_file: bytes) -> Manifest:
    """Return the manifest of a model that was trained elsewhere.

    Args:
        member: the model.
        spec_file: the content of the folder's spec.toml.
    """
    spec, model = member.spec, member.model
    components = used_components(spec, model, (), member.registry)
    engine = {"kernels": "numpy"}
    return _manifest(spec, model, spec_file, data={}, components=components, engine=engine)


def _manifest(spec: RunSpec, model: Model, spec_file: bytes, **others: Any) -> Manifest:
    """Return a manifest with the status `running`, of the environment and `others`."""
    inputs = (model.inputs | model.unread).items()
    return Manifest(
        status="running",
        name=spec.name,
        seed=spec.seed,
        spec=checksum(spec_file),
        started=now(),
        inputs=tuple(StoredInput(name, **vars(info)) for name, info in inputs),
        better=directions(spec.heads),
        declnet=declnet.__version__,
        python=platform.python_version(),
        numpy=np.__version__,
        blas=_blas(),
        platform=platform.platform(),
        machine=platform.machine(),
        **others,
    )


def now() -> str:
    """Return the current UTC time in ISO 8601 format with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _engine(kernels: Kernels) -> dict[str, str]:
    """Return the compiled kernels used, and the versions of their compilers.

    Without compiled kernels, that is `recorded` if an engine repeats what components do, or
    `numpy`.
    """
    names = ", ".join(sorted(kernel.type for kernel in kernels.used if kernel.compiled))
    names = names or ("numpy" if kernels.engine is None else "recorded")
    engine = kernels.engine
    versions = {} if engine is None else dict(verify(Engine.versions, engine, engine.versions()))
    for kernel in kernels.used:
        versions |= verify(Kernel.versions, kernel, kernel.versions())
    return {"kernels": names, **versions}


@cache
def _blas() -> dict[str, str]:
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return {"name": str(blas.get("name", "unknown")), "version": str(blas.get("version", ""))}


UNCOMPARED = frozenset({Callback.kind, Engine.kind, Kernel.kind})
"""Kinds of components that affect a training, but whose results are not compared."""


def changes(before: Manifest, now: Manifest) -> list[str]:
    """Return a description of each difference between a run's manifest and one made now."""
    same_spec = before.spec == now.spec
    described = [] if same_spec else ["spec.toml has been edited"]
    weights = before.initial_weights, now.initial_weights
    if None not in weights and weights[0] != weights[1]:
        described.append("the initial weights have changed")
    described += _changes_of_data(before.data, now.data)
    described += _changes_of_components(before, now, same_spec)
    named = {"engine": "the kernels", "machine": "the machine's architecture"}
    for name in ("engine", "declnet", "numpy", "blas", "machine"):
        old, new = (_joined(getattr(manifest, name)) for manifest in (before, now))
        if old != new:
            verbs = ("were", "are") if name == "engine" else ("was", "is")
            described.append(f"{named.get(name, name)} {verbs[0]} {old} and {verbs[1]} {new}")
    return described


def _changes_of_data(before: Mapping[str, UsedData], now: Mapping[str, UsedData]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield f"there {'was no' if old is None else 'is no'} {name} data"
        elif old != new:
            counts = f" ({old.samples} samples, now {new.samples})"
            yield f"the {name} data has changed{counts if old.samples != new.samples else ''}"


def _changes_of_components(before: Manifest, now: Manifest, same_spec: bool) -> Iterator[str]:
    """Yield distributions with changed versions, and components added or removed.

    declnet's own version and a spec that names other components are reported separately.
    """
    was, is_now = Origins.recorded(before), Origins.recorded(now)
    old, new = was.versions(), is_now.versions()
    for name in sorted({*old, *new} - {FIRST_PARTY}):
        if old.get(name) != new.get(name):
            yield f"{name} was {old.get(name, 'not used')} and is {new.get(name, 'not used')}"
    if not (same_spec and was.components):
        return
    for kind, name in sorted({*was.components, *is_now.components}):
        one, other = (origins.components.get((kind, name)) for origins in (was, is_now))
        if one is None or other is None or not one.is_of(other.distribution):
            words = (
                "not used" if plugin is None else f"of {plugin.origin}" for plugin in (one, other)
            )
            yield f'{kind_in_words(kind)} "{name}" was {" and is ".join(words)}'


def _joined(value: str | Mapping[str, str]) -> str:
    return value if isinstance(value, str) else " ".join(value.values())
