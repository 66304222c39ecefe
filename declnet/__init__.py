"""declnet: neural networks that are declared, and trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `build_model` and `load_model`; plugins derive from
the contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. Names load when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from declnet.components.arrays import Array, Dtype, Shape
    from declnet.components.component import Component
    from declnet.components.data_source import DataInfo, Dataset, DataSource
    from declnet.components.fusion import Fusion
    from declnet.components.initializer import Initializer
    from declnet.components.layer import Layer
    from declnet.components.loss import Loss
    from declnet.components.metric import Metric
    from declnet.components.optimizer import LearningRate, Optimizer
    from declnet.components.parameter import Buffer, Parameter
    from declnet.components.regularizer import Regularizer
    from declnet.components.schedule import Schedule
    from declnet.components.state import LayerState, OptimizerState
    from declnet.errors import (
        DataError,
        DeclnetError,
        DivergenceError,
        OutputError,
        Problem,
        RegistryError,
        RunError,
        SpecError,
        UnknownTypeError,
        WeightsError,
    )
    from declnet.graph.model import Model, build_model
    from declnet.registry.discovery import default_registry, discover
    from declnet.registry.hookspec import Register, hookimpl
    from declnet.registry.registry import Registry
    from declnet.runs.loading import load_model
    from declnet.runs.run import RunResult, run
    from declnet.spec.load import load_spec, parse_spec
    from declnet.spec.run_spec import DataSpec, ModelSpec, RunSpec, TrainingSpec

__version__ = "0.1.0"

_HOMES = {
    "components.arrays": ("Array", "Dtype", "Shape"),
    "components.component": ("Component",),
    "components.data_source": ("DataInfo", "DataSource", "Dataset"),
    "components.fusion": ("Fusion",),
    "components.initializer": ("Initializer",),
    "components.layer": ("Layer",),
    "components.loss": ("Loss",),
    "components.metric": ("Metric",),
    "components.optimizer": ("LearningRate", "Optimizer"),
    "components.parameter": ("Buffer", "Parameter"),
    "components.regularizer": ("Regularizer",),
    "components.schedule": ("Schedule",),
    "components.state": ("LayerState", "OptimizerState"),
    "errors": (
        "DataError",
        "DeclnetError",
        "DivergenceError",
        "OutputError",
        "Problem",
        "RegistryError",
        "RunError",
        "SpecError",
        "UnknownTypeError",
        "WeightsError",
    ),
    "graph.model": ("Model", "build_model"),
    "registry.discovery": ("default_registry", "discover"),
    "registry.hookspec": ("Register", "hookimpl"),
    "registry.registry": ("Registry",),
    "runs.loading": ("load_model",),
    "runs.run": ("RunResult", "run"),
    "spec.load": ("load_spec", "parse_spec"),
    "spec.run_spec": ("DataSpec", "ModelSpec", "RunSpec", "TrainingSpec"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'declnet' has no attribute {name!r}")
    value = getattr(import_module(f"declnet.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
