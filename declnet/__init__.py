"""declnet: declarative neural networks, trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `open_run` and `build_model`; plugins derive from the
contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. Names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from declnet.registry.lazy import lazy_names as lazy_names

if TYPE_CHECKING:
    from declnet.contracts.arrays import Array as Array
    from declnet.contracts.arrays import Dtype as Dtype
    from declnet.contracts.arrays import MappedArray as MappedArray
    from declnet.contracts.arrays import Shape as Shape
    from declnet.contracts.callback import Callback as Callback
    from declnet.contracts.callback import EpochFinished as EpochFinished
    from declnet.contracts.callback import EpochLogged as EpochLogged
    from declnet.contracts.callback import Run as Run
    from declnet.contracts.component import Component as Component
    from declnet.contracts.context import LayerContext as LayerContext
    from declnet.contracts.context import RunContext as RunContext
    from declnet.contracts.data_source import DataInfo as DataInfo
    from declnet.contracts.data_source import Dataset as Dataset
    from declnet.contracts.data_source import DataSource as DataSource
    from declnet.contracts.kernel import Kernel as Kernel
    from declnet.contracts.kernel import KernelCalls as KernelCalls
    from declnet.contracts.kernel import KernelSite as KernelSite
    from declnet.contracts.layer import Elementwise as Elementwise
    from declnet.contracts.layer import Layer as Layer
    from declnet.contracts.layer import OutputRange as OutputRange
    from declnet.contracts.loss import Loss as Loss
    from declnet.contracts.metric import Metric as Metric
    from declnet.contracts.optimizer import LearningRate as LearningRate
    from declnet.contracts.optimizer import Optimizer as Optimizer
    from declnet.contracts.optimizer import Schedule as Schedule
    from declnet.contracts.parameter import Initializer as Initializer
    from declnet.contracts.parameter import LayerState as LayerState
    from declnet.contracts.parameter import OptimizerState as OptimizerState
    from declnet.contracts.parameter import Parameter as Parameter
    from declnet.contracts.parameter import Regularizer as Regularizer
    from declnet.contracts.parameter import Workspace as Workspace
    from declnet.contracts.table import ColumnProfile as ColumnProfile
    from declnet.contracts.table import ColumnType as ColumnType
    from declnet.contracts.table import Table as Table
    from declnet.contracts.table import TableProfile as TableProfile
    from declnet.contracts.table import column_type as column_type
    from declnet.contracts.table import distinct_values as distinct_values
    from declnet.contracts.table import missing_values as missing_values
    from declnet.contracts.template import Template as Template
    from declnet.contracts.transform import ColumnError as ColumnError
    from declnet.contracts.transform import Transform as Transform
    from declnet.contracts.transform import TransformState as TransformState
    from declnet.data.python_table import as_table as as_table
    from declnet.errors import ComponentError as ComponentError
    from declnet.errors import DataError as DataError
    from declnet.errors import DeclnetError as DeclnetError
    from declnet.errors import DeclnetWarning as DeclnetWarning
    from declnet.errors import Diagnostic as Diagnostic
    from declnet.errors import DivergenceError as DivergenceError
    from declnet.errors import OriginError as OriginError
    from declnet.errors import OutputError as OutputError
    from declnet.errors import Place as Place
    from declnet.errors import RegistryError as RegistryError
    from declnet.errors import ResumeError as ResumeError
    from declnet.errors import RunError as RunError
    from declnet.errors import SpecError as SpecError
    from declnet.errors import UnknownTypeError as UnknownTypeError
    from declnet.errors import WeightsError as WeightsError
    from declnet.graph.model import LayerSummary as LayerSummary
    from declnet.graph.model import Model as Model
    from declnet.graph.model import build_model as build_model
    from declnet.registry.discovery import default_registry as default_registry
    from declnet.registry.discovery import discover as discover
    from declnet.registry.hookspec import Register as Register
    from declnet.registry.hookspec import hookimpl as hookimpl
    from declnet.registry.registry import Registry as Registry
    from declnet.runs.cross_validation import CrossValidation as CrossValidation
    from declnet.runs.cross_validation import cross_validate as cross_validate
    from declnet.runs.evaluation import ConfusionMatrix as ConfusionMatrix
    from declnet.runs.evaluation import Evaluation as Evaluation
    from declnet.runs.predictions import Predictions as Predictions
    from declnet.runs.predictor import Predictor as Predictor
    from declnet.runs.resuming import resume as resume
    from declnet.runs.run import run as run
    from declnet.runs.session import RunResult as RunResult
    from declnet.runs.stored_run import PredictedData as PredictedData
    from declnet.runs.stored_run import StoredData as StoredData
    from declnet.runs.stored_run import StoredRun as StoredRun
    from declnet.runs.stored_run import load_model as load_model
    from declnet.runs.stored_run import load_predictor as load_predictor
    from declnet.runs.stored_run import open_run as open_run
    from declnet.runs.writing import write_atomically as write_atomically
    from declnet.spec.data_section import DataSpec as DataSpec
    from declnet.spec.flatten import spec_differences as spec_differences
    from declnet.spec.model import EngineSpec as EngineSpec
    from declnet.spec.model import ModelSpec as ModelSpec
    from declnet.spec.model import RunSpec as RunSpec
    from declnet.spec.model import TrainingSpec as TrainingSpec
    from declnet.spec.validate import load_spec as load_spec
    from declnet.spec.validate import parse_spec as parse_spec

__version__ = "0.1.0"

_HOMES = {
    "contracts.arrays": (
        "Array",
        "Dtype",
        "MappedArray",
        "Shape",
    ),
    "contracts.callback": (
        "Callback",
        "EpochFinished",
        "EpochLogged",
        "Run",
    ),
    "contracts.component": ("Component",),
    "contracts.context": (
        "LayerContext",
        "RunContext",
    ),
    "contracts.data_source": (
        "DataInfo",
        "DataSource",
        "Dataset",
    ),
    "contracts.kernel": (
        "Kernel",
        "KernelCalls",
        "KernelSite",
    ),
    "contracts.layer": (
        "Elementwise",
        "Layer",
        "OutputRange",
    ),
    "contracts.loss": ("Loss",),
    "contracts.metric": ("Metric",),
    "contracts.optimizer": (
        "LearningRate",
        "Optimizer",
        "Schedule",
    ),
    "contracts.parameter": (
        "Initializer",
        "LayerState",
        "OptimizerState",
        "Parameter",
        "Regularizer",
        "Workspace",
    ),
    "contracts.table": (
        "ColumnProfile",
        "ColumnType",
        "Table",
        "TableProfile",
        "column_type",
        "distinct_values",
        "missing_values",
    ),
    "contracts.template": ("Template",),
    "contracts.transform": (
        "ColumnError",
        "Transform",
        "TransformState",
    ),
    "data.python_table": ("as_table",),
    "errors": (
        "ComponentError",
        "DataError",
        "DeclnetError",
        "DeclnetWarning",
        "Diagnostic",
        "DivergenceError",
        "OriginError",
        "OutputError",
        "Place",
        "RegistryError",
        "ResumeError",
        "RunError",
        "SpecError",
        "UnknownTypeError",
        "WeightsError",
    ),
    "graph.model": (
        "LayerSummary",
        "Model",
        "build_model",
    ),
    "registry.discovery": (
        "default_registry",
        "discover",
    ),
    "registry.hookspec": (
        "Register",
        "hookimpl",
    ),
    "registry.registry": ("Registry",),
    "runs.cross_validation": (
        "CrossValidation",
        "cross_validate",
    ),
    "runs.evaluation": (
        "ConfusionMatrix",
        "Evaluation",
    ),
    "runs.predictions": ("Predictions",),
    "runs.predictor": ("Predictor",),
    "runs.resuming": ("resume",),
    "runs.run": ("run",),
    "runs.session": ("RunResult",),
    "runs.stored_run": (
        "PredictedData",
        "StoredData",
        "StoredRun",
        "load_model",
        "load_predictor",
        "open_run",
    ),
    "runs.writing": ("write_atomically",),
    "spec.data_section": ("DataSpec",),
    "spec.flatten": ("spec_differences",),
    "spec.model": (
        "EngineSpec",
        "ModelSpec",
        "RunSpec",
        "TrainingSpec",
    ),
    "spec.validate": (
        "load_spec",
        "parse_spec",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__", "lazy_names"])  # noqa: PLE0605


_RENAMED = {
    "Buffer": "Workspace, which a layer's method workspace() returns",
    "Finding": "Diagnostic, whose `help` was `hint` and whose `path` was `key`",
    "Fusion": "Kernel, with replaces = (LayerClass, LossClass) and a method bind(site)",
    "FusionKernel": "Kernel, with replaces = (LayerClass, LossClass) and a method bind(site)",
    "LayerKernel": "Kernel, with replaces = (LayerClass,) and a method bind(site)",
    "LayerOutline": "LayerContext",
    "OptimizerKernel": "Kernel, with replaces = (OptimizerClass,) and a method bind(site)",
    "Outline": "RunContext, whose `metrics` was `figures`",
    "Problem": "Diagnostic, whose first argument is the message and whose `help` was `hint`",
    "Records": "Table",
    "RegularizerKernel": "Kernel, with replaces = (RegularizerClass,) and a method bind(site)",
}
"""Public names of the first edition that were removed, with their replacements."""

_lazy = lazy_names(__name__, _HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _RENAMED:  # `from declnet import …` would drop the message of an AttributeError
        raise ImportError(f"declnet.{name} was renamed: use {_RENAMED[name]}")
    return _lazy(name)


def __dir__() -> list[str]:
    return list(__all__)
