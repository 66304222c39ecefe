"""The valid parts of a spec with errors, so that one pass can check everything else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.component import Component
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.runs.analysis import Analysis
from declnet.contracts.runs.calibrator import Calibrator
from declnet.contracts.runs.callback import Callback
from declnet.contracts.strict_model import StrictModel, resolve_paths
from declnet.errors import KeyPath, UnknownTypeError
from declnet.registry.discovery import default_registry
from declnet.registry.spelling import closest
from declnet.spec.data_section import DataSpec
from declnet.spec.heads import HeadSpec, PartialHead, TargetKind, split_head
from declnet.spec.model import EngineSpec, InitialWeights, ModelSpec, TrainingSpec

C = TypeVar("C", bound=Component)
S = TypeVar("S", bound=StrictModel)
Context = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class LayerPart:
    """An item of `model.layers`.

    Attributes:
        layer: None if it is invalid.
        name: as written; None if it has none.
        type: as written, or the installed type that was probably meant; None if it has none.
        position: where it is written, e.g. `3`, or `3.layers.0` in a block; None if unknown.
        closes_residual: whether it adds the input of a residual block to the block's output.
        short_names: the short names that it could have used, if it names an unknown input.
    """

    layer: Layer | None
    name: str | None
    type: str | None = None
    position: str | None = None
    closes_residual: bool = False
    short_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class PartialSpec:
    """The valid values of a spec, or all values if the spec is valid.

    In a section with errors, invalid fields have their defaults, or are absent without one.

    Attributes:
        is_data_valid: whether `data` has no error; otherwise it has valid sources and fractions.
        lacks_data: whether training data is missing, which only checks report.
        layers: all items of `model.layers`, including invalid ones.
        outputs: `model.outputs`; None if it is missing or invalid.
        heads: the losses with their outputs, targets and metrics; one if there is only `[loss]`,
            even if it is missing.
        optimizer: None if it is missing or invalid.
        callbacks: the valid items of `training.callbacks` by position.
        analyses: the valid items of `analyses` by position.
    """

    data: DataSpec
    is_data_valid: bool
    lacks_data: bool
    model: ModelSpec
    layers: tuple[LayerPart, ...]
    outputs: tuple[str, ...] | None
    heads: tuple[PartialHead, ...]
    optimizer: Optimizer | None
    training: TrainingSpec
    callbacks: Mapping[int, Callback]
    engine: EngineSpec
    analyses: Mapping[int, Analysis]


def valid_parts(document: Mapping[str, Any], context: Context) -> PartialSpec:
    """Return the valid parts of a document, each validated separately.

    Unknown keys, which have already been reported, do not make a component invalid.

    Args:
        document: a spec as tables, or the fields of a `RunSpec`.
        context: of the validation: `registry` and `folder`.
    """
    data, model, training = (_table(document, name) for name in ("data", "model", "training"))
    data_spec = _validated(DataSpec, document.get("data", {}), context)
    return PartialSpec(
        data=data_spec or DataSpec.model_construct(**_sources_and_fractions(data, context)),
        is_data_valid=data_spec is not None,
        lacks_data=isinstance(document.get("data", {}), dict | DataSpec) and "train" not in data,
        model=_model(document.get("model"), context),
        layers=tuple(_layer(item, context) for item in _items(model, "layers")),
        outputs=_names(model.get("outputs")),
        heads=_heads(document, training, context),
        optimizer=_component(Optimizer, document.get("optimizer"), context),
        training=_section(TrainingSpec, document.get("training"), context),
        callbacks=_components(Callback, _items(training, "callbacks"), context),
        engine=_section(EngineSpec, document.get("engine", {}), context),
        analyses=_components(Analysis, _items(document, "analyses"), context),
    )


def _heads(
    document: Mapping[str, Any], training: Mapping[str, Any], context: Context
) -> tuple[PartialHead, ...]:
    losses = document.get("losses")
    if not isinstance(losses, dict) or not losses:
        about = {"metrics": training.get("metrics"), "calibration": document.get("calibration")}
        return (_head("", document.get("loss"), about, context),)
    return tuple(_head(str(name), *_split(value), context) for name, value in losses.items())


def _split(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return the loss and the reserved keys of a table `[losses.NAME]`."""
    if isinstance(value, HeadSpec):
        return value.loss, dict(value)
    reserved, loss = split_head(value) if isinstance(value, dict) else ({}, value)
    return loss, reserved


def _head(name: str, loss: Any, reserved: Mapping[str, Any], context: Context) -> PartialHead:
    output, target = (
        each if isinstance(each, str) else ""
        for each in (reserved.get("output"), reserved.get("target"))
    )
    steps = _items(_table(reserved, "calibration"), "steps")
    return PartialHead(
        name,
        _component(Loss, loss, context),
        _components(Metric, _items(reserved, "metrics"), context),
        output or name,
        target,
        calibration=_components(Calibrator, steps, context),
        targets=_targets(loss, context),
    )


def _targets(loss: Any, context: Context) -> TargetKind | None:
    """Return what a loss takes; None for one of an unknown type."""
    written = loss.get("type") if isinstance(loss, dict) else getattr(loss, "type", loss)
    registry = context.get("registry") or default_registry()
    with suppress(UnknownTypeError):
        if isinstance(written, str):
            found: type[Loss] = registry.find(Loss.kind, written)
            return found.targets
    return None


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    if isinstance(table, StrictModel):
        return {key: value for key, value in table if value is not None}
    return table if isinstance(table, dict) else {}


def _items(table: Mapping[str, Any], name: str) -> list[Any]:
    items = table.get(name)
    return list(items) if isinstance(items, list | tuple) else []


def _names(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        return None
    return tuple(value)


def _validated(model: type[S], value: Any, context: Context) -> S | None:
    try:
        return model.model_validate(value, context=dict(context))
    except ValidationError:
        return None


def _section(model: type[S], value: Any, context: Context) -> S:
    """Return a section with its valid scalars."""
    try:
        return model.model_validate(value, context=dict(context))
    except ValidationError as error:
        invalid = {each["loc"][0] for each in error.errors() if each["loc"]}
    valid = model.model_fields.keys() - invalid
    table = value if isinstance(value, dict) else {}
    table = {name: each for name, each in table.items() if name in valid}
    scalars: dict[str, Any] = {
        name: each
        for name, each in resolve_paths(model, table, context.get("folder")).items()
        if isinstance(each, str | int | float | Path)
    }
    construct: Any = model.model_construct
    section: S = construct(**scalars)
    return section


def _model(value: Any, context: Context) -> ModelSpec:
    section = _section(ModelSpec, value, context)
    table = value.get("initial_weights") if isinstance(value, dict) else None
    if isinstance(table, dict) and "initial_weights" not in section.model_fields_set:
        initial = _validated(InitialWeights, table, context)
        return section.model_copy(update={"initial_weights": initial})
    return section


def _sources_and_fractions(data: Mapping[str, Any], context: Context) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("train", "validation", "test"):
        value = data.get(name)
        is_fraction = name != "train" and isinstance(value, float) and 0 < value < 1
        found[name] = value if is_fraction else _component(DataSource, value, context)
    return found


def _layer(item: Any, context: Context) -> LayerPart:
    layer = _component(Layer, item, context)
    if layer is not None:
        return LayerPart(layer, layer.name, _type(item, context))
    name = item.get("name") if isinstance(item, dict) else None
    return LayerPart(None, name if isinstance(name, str) else None, _type(item, context))


def _type(item: Any, context: Context) -> str | None:
    """Return the type of a layer, which affects the names of other layers of that type."""
    written = item.get("type") if isinstance(item, dict) else item
    if not isinstance(written, str):
        return None
    known = (context.get("registry") or default_registry()).types(Layer.kind)
    return written if written in known else closest(written, known) or written


def _components(contract: type[C], items: list[Any], context: Context) -> dict[int, C]:
    found = {position: _component(contract, item, context) for position, item in enumerate(items)}
    return {position: each for position, each in found.items() if each is not None}


def _component(contract: type[C], value: Any, context: Context) -> C | None:
    if not isinstance(value, str | dict | contract):
        return None
    try:
        return contract.from_declaration(value, context)
    except PydanticCustomError:
        return None
    except ValidationError as error:
        details = error.errors()
    if any(detail["type"] != "unknown_key" for detail in details):
        return None
    try:
        known = value
        for each in details:
            known = _without(known, each["loc"])
        return contract.from_declaration(known, context)
    except (ValidationError, PydanticCustomError, LookupError, TypeError):
        return None


def _without(table: Any, path: KeyPath) -> Any:
    """Return a copy of a table without the key at a path."""
    key, rest = path[0], path[1:]
    if isinstance(table, list):
        return [_without(item, rest) if each == key else item for each, item in enumerate(table)]
    if not rest:
        return {each: item for each, item in table.items() if each != key}
    return {**table, key: _without(table[key], rest)}
