"""The parts of a spec, as far as they are right by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.components.callback import Callback
from declnet.components.component import Component
from declnet.components.data_source import DataSource
from declnet.components.declared import resolve_paths
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.components.optimizer import Optimizer
from declnet.errors import KeyPath
from declnet.registry.discovery import default_registry
from declnet.registry.spelling import closest
from declnet.spec.data_spec import DataSpec
from declnet.spec.run_spec import ModelSpec, RunSpec

C = TypeVar("C", bound=Component)

SETS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class LayerPart:
    """An item of `model.layers`.

    Attributes:
        layer: the component, or None if it is wrong.
        name: as written; None if there is none.
        type: as written, or, if there is no such type, one that was probably meant.
    """

    layer: Layer | None
    name: str | None
    type: str | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """What later checks look at; a part that is wrong or missing is None or left out.

    Attributes:
        sources: the data sources by data set.
        needs_source: whether the missing of training data is yet to be told.
        data: the whole section `[data]`, if it is right.
        held_out: the fractions of the training data that are held out, by data set.
        layers: all items of the list, the wrong ones too; empty if there is no list.
        dtype: of the model.
        initial_weights: the file.
        loss: of the run.
        optimizer: of the run.
        metrics: by their positions.
        callbacks: by their positions.
        batch_size: of mini-batches.
        kernels: the choice of the section `[engine]`.
    """

    sources: dict[str, DataSource] = field(default_factory=dict)
    needs_source: bool = False
    data: DataSpec | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    layers: tuple[LayerPart, ...] = ()
    dtype: str = "float32"
    initial_weights: Path | None = None
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    metrics: Mapping[int, Metric] = field(default_factory=dict)
    callbacks: Mapping[int, Callback] = field(default_factory=dict)
    batch_size: int | None = None
    kernels: str = "auto"


def parts_of(spec: RunSpec) -> Parts:
    """The parts of a right spec: all of them."""
    return Parts(
        spec.data.sources,
        spec.data.train is None,
        spec.data,
        spec.data.fractions,
        tuple(LayerPart(layer, layer.name) for layer in spec.model.layers),
        spec.model.dtype,
        spec.model.initial_weights,
        spec.loss,
        spec.optimizer,
        dict(enumerate(spec.training.metrics)),
        dict(enumerate(spec.training.callbacks)),
        spec.training.batch_size,
        spec.engine.kernels,
    )


def right_parts(document: Mapping[str, Any], context: Mapping[str, Any]) -> Parts:
    """The right parts of a wrong document.

    A component whose only faults are unknown keys counts without them: they are told already.
    """
    data, model, training = (_table(document, name) for name in ("data", "model", "training"))
    sources = {name: _component(DataSource, data.get(name), context) for name in SETS}
    dtype = model.get("dtype")
    batch_size = training.get("batch_size")
    return Parts(
        {name: each for name, each in sources.items() if each is not None},
        isinstance(document.get("data", {}), dict) and "train" not in data,
        _data(data, context),
        _fractions(data),
        tuple(_layer(item, context) for item in _list(model, "layers")),
        dtype if dtype in ("float32", "float64") else "float32",
        _weights(model, context),
        _component(Loss, document.get("loss"), context),
        _component(Optimizer, document.get("optimizer"), context),
        _components(Metric, _list(training, "metrics"), context),
        _components(Callback, _list(training, "callbacks"), context),
        batch_size if type(batch_size) is int and batch_size >= 1 else None,
        str(_table(document, "engine").get("kernels", "auto")),
    )


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _list(table: Mapping[str, Any], name: str) -> list[Any]:
    items = table.get(name)
    return list(items) if isinstance(items, list | tuple) else []


def _data(table: Mapping[str, Any], context: Mapping[str, Any]) -> DataSpec | None:
    try:
        return DataSpec.model_validate(table, context=dict(context))
    except ValidationError:
        return None


def _fractions(table: Mapping[str, Any]) -> dict[str, float]:
    given = {name: table.get(name) for name in SETS[1:]}
    return {
        name: share for name, share in given.items() if isinstance(share, float) and 0 < share < 1
    }


def _layer(item: Any, context: Mapping[str, Any]) -> LayerPart:
    layer = _component(Layer, item, context)
    written = item.get("name") if isinstance(item, dict) else None
    name = layer.name if layer is not None else written if isinstance(written, str) else None
    return LayerPart(layer, name, _type(item, context))


def _type(item: Any, context: Mapping[str, Any]) -> str | None:
    """What type a layer is of, wrong or not: others are named by how many came before them."""
    written = item.get("type") if isinstance(item, dict) else item
    if not isinstance(written, str):
        return None
    known = (context.get("registry") or default_registry()).types(Layer.kind)
    return written if written in known else closest(written, known) or written


def _weights(model: Mapping[str, Any], context: Mapping[str, Any]) -> Path | None:
    value = resolve_paths(ModelSpec, model, context.get("folder")).get("initial_weights")
    return value if isinstance(value, Path) else None


def _components(contract: type[C], items: list[Any], context: Mapping[str, Any]) -> dict[int, C]:
    found = {position: _component(contract, item, context) for position, item in enumerate(items)}
    return {position: each for position, each in found.items() if each is not None}


def _component(contract: type[C], value: Any, context: Mapping[str, Any]) -> C | None:
    if not isinstance(value, str | dict | contract):
        return None
    try:
        return contract.from_declaration(value, context)
    except PydanticCustomError:
        return None
    except ValidationError as error:
        details = error.errors()
    if any(each["type"] != "unknown_key" for each in details):
        return None
    try:
        known = value
        for each in details:
            known = _without(known, each["loc"])
        return contract.from_declaration(known, context)
    except (ValidationError, PydanticCustomError, LookupError, TypeError):
        return None


def _without(table: Any, path: KeyPath) -> Any:
    """A copy of a table without the key at a path."""
    key, rest = path[0], path[1:]
    if isinstance(table, list):
        return [_without(item, rest) if each == key else item for each, item in enumerate(table)]
    if not rest:
        return {each: item for each, item in table.items() if each != key}
    return {**table, key: _without(table[key], rest)}
