"""declnet: neural networks that are declared, and trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `open_run` and `build_model`; plugins derive from the
contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. Names load when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from declnet.registry.lazy import lazy_names as lazy_names

if TYPE_CHECKING:
    from declnet.components.arrays import Array as Array
    from declnet.components.arrays import Dtype as Dtype
    from declnet.components.arrays import Shape as Shape
    from declnet.components.callback import Callback as Callback
    from declnet.components.callback import EpochFinished as EpochFinished
    from declnet.components.callback import EpochLogged as EpochLogged
    from declnet.components.callback import Run as Run
    from declnet.components.columns import ColumnType as ColumnType
    from declnet.components.columns import column_type as column_type
    from declnet.components.columns import distinct_values as distinct_values
    from declnet.components.columns import missing_values as missing_values
    from declnet.components.component import Component as Component
    from declnet.components.context import LayerContext as LayerContext
    from declnet.components.context import RunContext as RunContext
    from declnet.components.data_source import DataInfo as DataInfo
    from declnet.components.data_source import Dataset as Dataset
    from declnet.components.data_source import DataSource as DataSource
    from declnet.components.elementwise import Elementwise as Elementwise
    from declnet.components.initializer import Initializer as Initializer
    from declnet.components.kernel import Kernel as Kernel
    from declnet.components.kernel import KernelCalls as KernelCalls
    from declnet.components.kernel import KernelSite as KernelSite
    from declnet.components.layer import Layer as Layer
    from declnet.components.loss import Loss as Loss
    from declnet.components.mapped_array import MappedArray as MappedArray
    from declnet.components.metric import Metric as Metric
    from declnet.components.optimizer import LearningRate as LearningRate
    from declnet.components.optimizer import Optimizer as Optimizer
    from declnet.components.output_range import OutputRange as OutputRange
    from declnet.components.parameter import Parameter as Parameter
    from declnet.components.parameter import Workspace as Workspace
    from declnet.components.regularizer import Regularizer as Regularizer
    from declnet.components.schedule import Schedule as Schedule
    from declnet.components.state import LayerState as LayerState
    from declnet.components.state import OptimizerState as OptimizerState
    from declnet.components.table import Table as Table
    from declnet.components.table_profile import ColumnProfile as ColumnProfile
    from declnet.components.table_profile import TableProfile as TableProfile
    from declnet.components.template import Template as Template
    from declnet.components.transform import ColumnError as ColumnError
    from declnet.components.transform import Transform as Transform
    from declnet.components.transform import TransformState as TransformState
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
    from declnet.runs.loading import load_model as load_model
    from declnet.runs.loading import load_predictor as load_predictor
    from declnet.runs.predictions import Predictions as Predictions
    from declnet.runs.predictor import Predictor as Predictor
    from declnet.runs.resuming import resume as resume
    from declnet.runs.run import run as run
    from declnet.runs.session import RunResult as RunResult
    from declnet.runs.stored_run import PredictedData as PredictedData
    from declnet.runs.stored_run import StoredData as StoredData
    from declnet.runs.stored_run import StoredRun as StoredRun
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
    "components.arrays": ("Array", "Dtype", "Shape"),
    "components.callback": ("Callback", "EpochFinished", "EpochLogged", "Run"),
    "components.columns": ("ColumnType", "column_type", "distinct_values", "missing_values"),
    "components.component": ("Component",),
    "components.data_source": ("DataInfo", "DataSource", "Dataset"),
    "components.elementwise": ("Elementwise",),
    "components.initializer": ("Initializer",),
    "components.kernel": ("Kernel", "KernelCalls", "KernelSite"),
    "components.layer": ("Layer",),
    "components.loss": ("Loss",),
    "components.mapped_array": ("MappedArray",),
    "components.metric": ("Metric",),
    "components.optimizer": ("LearningRate", "Optimizer"),
    "components.context": ("Diagnostic", "LayerContext", "RunContext"),
    "components.output_range": ("OutputRange",),
    "components.parameter": ("Workspace", "Parameter"),
    "components.table": ("Table",),
    "components.table_profile": ("ColumnProfile", "TableProfile"),
    "components.template": ("Template",),
    "components.regularizer": ("Regularizer",),
    "components.schedule": ("Schedule",),
    "components.state": ("LayerState", "OptimizerState"),
    "components.transform": ("ColumnError", "Transform", "TransformState"),
    "data.python_table": ("as_table",),
    "errors": (
        "ComponentError",
        "DataError",
        "DeclnetError",
        "DeclnetWarning",
        "DivergenceError",
        "OriginError",
        "OutputError",
        "Place",
        "Diagnostic",
        "RegistryError",
        "ResumeError",
        "RunError",
        "SpecError",
        "UnknownTypeError",
        "WeightsError",
    ),
    "graph.model": ("LayerSummary", "Model", "build_model"),
    "registry.discovery": ("default_registry", "discover"),
    "registry.hookspec": ("Register", "hookimpl"),
    "registry.registry": ("Registry",),
    "runs.cross_validation": ("CrossValidation", "cross_validate"),
    "runs.evaluation": ("ConfusionMatrix", "Evaluation"),
    "runs.loading": ("load_model", "load_predictor"),
    "runs.predictions": ("Predictions",),
    "runs.predictor": ("Predictor",),
    "runs.resuming": ("resume",),
    "runs.run": ("run",),
    "runs.session": ("RunResult",),
    "runs.stored_run": ("PredictedData", "StoredData", "StoredRun", "open_run"),
    "runs.writing": ("write_atomically",),
    "spec.data_section": ("DataSpec",),
    "spec.flatten": ("spec_differences",),
    "spec.validate": ("load_spec", "parse_spec"),
    "spec.model": ("EngineSpec", "ModelSpec", "RunSpec", "TrainingSpec"),
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
"""Public names of the first edition that are gone, and what to use."""

_lazy = lazy_names(__name__, _HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _RENAMED:  # an AttributeError would lose the message in `from declnet import …`
        raise ImportError(f"declnet.{name} was renamed: use {_RENAMED[name]}")
    return _lazy(name)


def __dir__() -> list[str]:
    return list(__all__)
