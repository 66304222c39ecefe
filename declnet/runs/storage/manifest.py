"""The manifest: a run's environment, data, times and outcome, and what has changed since."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

import declnet
from declnet.contracts.execution.kernel import Kernel
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.returned import verify
from declnet.data.sharing import made_once
from declnet.registry.plugin import FIRST_PARTY
from declnet.registry.spelling import kind_in_words
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.origins import Origins, used_components
from declnet.training.metrics import directions

if TYPE_CHECKING:
    from declnet.graph.model import Model
    from declnet.runs.ready_run import ReadyRun
    from declnet.spec.model import RunSpec


def first_manifest(ready: ReadyRun, spec_file: bytes) -> dict[str, Any]:
    """Return the manifest of a run that starts now, with status `running`.

    Args:
        ready: the run.
        spec_file: the content of the folder's spec.toml.
    """
    spec, model, data = ready.spec, ready.prepared.model, ready.prepared.data
    kernels = ready.trainer.kernels.used
    components = partial(used_components, spec, model, kernels, ready.registry)
    about = "components", [each for key, each in vars(spec).items() if key != "seed"], kernels
    return {
        "status": "running",
        "name": spec.name,
        "seed": spec.seed,
        "spec": checksum(spec_file),
        "started": now(),
        **_inputs(model),
        "data": {
            name: {"samples": len(each), "hash": each.fingerprint} for name, each in data.items()
        },
        **_initial_weights(spec),
        "better": directions(spec.heads),
        "components": made_once((model.nodes, ready.registry), about, components),
        "engine": _engine(kernels),
        "declnet": declnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def _inputs(model: Model) -> dict[str, Any]:
    """Return what is known about the inputs, without a name if there is one that has none."""
    inputs = [
        {
            "name": name,
            "shape": list(each.shape),
            "dtype": each.dtype,
            "levels": each.levels,
            "vocabulary": each.vocabulary,
            "optional": each.optional or None,
        }
        for name, each in (model.inputs | model.unread).items()
    ]
    written = [{k: v for k, v in each.items() if v not in ("", None)} for each in inputs]
    return {"inputs": written}


def inputs_of(manifest: dict[str, Any]) -> dict[str, InputInfo]:
    """Return the inputs that `first_manifest` wrote.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the manifest is damaged.
    """
    inputs = {}
    for each in manifest["inputs"]:
        name, levels = str(each.get("name", UNNAMED)), each.get("levels")
        shape, dtype = each["shape"], each.get("dtype", "float")
        numbers = [shape, levels or []]
        if not all(isinstance(n, list) and all(type(i) is int for i in n) for n in numbers):
            raise ValueError(each)
        if dtype not in ("float", "integer"):
            raise ValueError(each)
        vocabulary, optional = each.get("vocabulary"), each.get("optional", False)
        if not (vocabulary is None or type(vocabulary) is int) or type(optional) is not bool:
            raise ValueError(each)
        inputs[name] = InputInfo(
            tuple(shape), dtype, tuple(levels) if levels else None, vocabulary, optional
        )
    return inputs


def _initial_weights(spec: RunSpec) -> dict[str, str]:
    """Return the hash of the file that training starts from, if any."""
    path = spec.model.weights_path
    return {"initial_weights": checksum(path.read_bytes())} if path is not None else {}


def now() -> str:
    """Return the current UTC time in ISO 8601 format with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _engine(kernels: Sequence[type[Kernel]]) -> dict[str, str]:
    """Return the compiled kernels used, or `numpy`, and the versions of their compilers."""
    names = ", ".join(sorted(kernel.type for kernel in kernels if kernel.compiled)) or "numpy"
    versions: dict[str, str] = {}
    for kernel in kernels:
        versions |= verify(Kernel.versions, kernel, kernel.versions())
    return {"kernels": names, **versions}


@cache
def _blas() -> dict[str, str]:
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return {"name": str(blas.get("name", "unknown")), "version": str(blas.get("version", ""))}


PINNED = (
    "spec",
    "data",
    "initial_weights",
    "components",
    "engine",
    "declnet",
    "numpy",
    "blas",
    "machine",
)
"""Manifest entries that may affect the exact bits of the result."""


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a description of each difference between a run's manifest and one made now."""
    same_spec = before.get("spec") == now["spec"]
    found = [] if same_spec else ["spec.toml has been edited"]
    weights = [each.get("initial_weights") for each in (before, now)]
    if None not in weights and weights[0] != weights[1]:
        found.append("the initial weights have changed")
    found += _of_data(before.get("data", {}), now["data"])
    found += _of_components(before, now, same_spec)
    numpy_alone = {"kernels": "numpy"}  # the engine of runs from before kernels existed
    old, new = (_in_words(each.get("engine", numpy_alone)) for each in (before, now))
    if old != new:
        found.append(f"the kernels were {old} and are {new}")
    for name in ("declnet", "numpy", "blas", "machine"):
        old, new = (_in_words(each.get(name)) for each in (before, now))
        if old != new:
            what = "the machine's architecture" if name == "machine" else name
            found.append(f"{what} was {old} and is {new}")
    return found


def _of_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in (*before, *(name for name in now if name not in before)):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield f"there {'was no' if old is None else 'is no'} {name} data"
        elif old != new:
            counts = f" ({old['samples']} samples, now {new['samples']})"
            differs = old["samples"] != new["samples"]
            yield f"the {name} data has changed{counts if differs else ''}"


def _of_components(
    before: Mapping[str, Any], now: Mapping[str, Any], same_spec: bool
) -> Iterator[str]:
    """Yield distributions with changed versions, and components added or removed.

    declnet's own version and a spec that names other components are reported separately.
    """
    was, is_now = Origins.of(before), Origins.of(now)
    old, new = was.versions(), is_now.versions()
    for name in sorted({*old, *new} - {FIRST_PARTY}):
        if old.get(name) != new.get(name):
            yield f"{name} was {old.get(name, 'not used')} and is {new.get(name, 'not used')}"
    if not (same_spec and was.components):
        return
    for kind, name in sorted({*was.components, *is_now.components}):
        one, other = (each.components.get((kind, name)) for each in (was, is_now))
        if one is None or other is None or not one.is_of(other.distribution):
            words = ("not used" if each is None else f"of {each.origin}" for each in (one, other))
            yield f'{kind_in_words(kind)} "{name}" was {" and is ".join(words)}'


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values())
    return str(value)
