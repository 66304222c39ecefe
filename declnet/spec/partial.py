"""The result of validating a spec, and its valid parts, so that one pass can check them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.component import Component, components_in
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.runs.analysis import Analysis
from declnet.contracts.runs.calibrator import Calibrator
from declnet.contracts.runs.callback import Callback
from declnet.contracts.strict_model import StrictModel, resolve_paths
from declnet.errors import Diagnostic, KeyPath, SpecError, UnknownTypeError, dotted
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest
from declnet.spec.data_section import DataSpec
from declnet.spec.document.blocks import LAYERS
from declnet.spec.document.document import without_large_numbers
from declnet.spec.document.expansion import ExpandedMap
from declnet.spec.heads import PartialHead, TargetKind, split_head
from declnet.spec.model import EngineSpec, InitialWeights, ModelSpec, RunSpec, TrainingSpec

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
    """All values of a valid spec, or the valid values of one with errors.

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

    @classmethod
    def of(cls, spec: RunSpec) -> Self:
        """Return all values of a valid spec."""
        return cls(
            data=spec.data,
            is_data_valid=True,
            lacks_data=spec.data.train is None,
            model=spec.model,
            layers=tuple(LayerPart(layer, layer.name, layer.type) for layer in spec.model.layers),
            outputs=spec.model.outputs,
            heads=spec.heads,
            optimizer=spec.optimizer,
            training=spec.training,
            callbacks=dict(enumerate(spec.training.callbacks)),
            engine=spec.engine,
            analyses=dict(enumerate(spec.analyses)),
        )

    def components(self) -> Iterator[tuple[KeyPath, Component]]:
        """Yield every valid component with its path, and those in its fields."""
        groups = self.optimizer.groups if self.optimizer is not None else ()
        parts: list[tuple[KeyPath, Any]] = [
            (("model", "layers"), [part.layer for part in self.layers]),
            (("data",), self.data.sources),
            (("optimizer",), self.optimizer),
            (("optimizer", "groups"), [group.optimizer for group in groups]),
            (("training", "callbacks"), self.callbacks),
            (("analyses",), self.analyses),
        ]
        for head in self.heads:
            parts.append((head.path, head.loss))
            parts.append((head.metrics_path, head.metrics))
            parts.append((head.calibration_path, head.calibration))
        for path, part in parts:
            yield from components_in(part, path)

    def deciding_evaluated(self) -> list[tuple[KeyPath, Optimizer | Callback]]:
        """Return what says which parameters are evaluated, with paths: optimizers, then callbacks.

        The model is evaluated with the trained parameters if there is none. Whether an optimizer
        within another one counts is up to the outer one.
        """
        defaults = Optimizer.evaluated, Callback.evaluated
        sections = (), ("optimizer", "groups"), ("training", "callbacks")
        return [
            (path, component)
            for path, component in self.components()
            if isinstance(component, Optimizer | Callback)
            and path[:-1] in sections
            and type(component).evaluated not in defaults
        ]


def valid_parts(document: Mapping[str, Any], context: Context) -> PartialSpec:
    """Return the valid parts of a document, each validated separately.

    Unknown keys, which have already been reported, do not make a component invalid.

    Args:
        document: a spec as tables.
        context: of the validation: `registry` and `folder`.
    """
    data, model, training = (_table(document.get(name)) for name in ("data", "model", "training"))
    data_spec = _validated(DataSpec, document.get("data", {}), context)
    outputs = _items(model.get("outputs"))
    names = [name for name in outputs if isinstance(name, str)]
    return PartialSpec(
        data=data_spec or DataSpec.model_construct(**_sources_and_fractions(data, context)),
        is_data_valid=data_spec is not None,
        lacks_data=isinstance(document.get("data", {}), dict) and "train" not in data,
        model=_model(document.get("model"), context),
        layers=tuple(_layer(item, context) for item in _items(model.get("layers"))),
        outputs=tuple(names) if len(names) == len(outputs) > 0 else None,
        heads=_heads(document, training, context),
        optimizer=_component(Optimizer, document.get("optimizer"), context),
        training=_section(TrainingSpec, training, context),
        callbacks=_components(Callback, training.get("callbacks"), context),
        engine=_section(EngineSpec, document.get("engine"), context),
        analyses=_components(Analysis, document.get("analyses"), context),
    )


def _heads(
    document: Mapping[str, Any], training: Mapping[str, Any], context: Context
) -> tuple[PartialHead, ...]:
    heads = []
    for name, value in _table(document.get("losses")).items():
        reserved, loss = split_head(value) if isinstance(value, dict) else ({}, value)
        heads.append(_head(str(name), loss, reserved, context))
    about = {"metrics": training.get("metrics"), "calibration": document.get("calibration")}
    return tuple(heads) or (_head("", document.get("loss"), about, context),)


def _head(name: str, loss: Any, reserved: Mapping[str, Any], context: Context) -> PartialHead:
    output, target = (
        value if isinstance(value, str) else ""
        for value in (reserved.get("output"), reserved.get("target"))
    )
    return PartialHead(
        name,
        _component(Loss, loss, context),
        _components(Metric, reserved.get("metrics"), context),
        output or name,
        target,
        calibration=_components(
            Calibrator, _table(reserved.get("calibration")).get("steps"), context
        ),
        targets=_targets(loss, context),
    )


def _targets(loss: Any, context: Context) -> TargetKind | None:
    """Return what a loss takes; None for one of an unknown type."""
    written = loss.get("type") if isinstance(loss, dict) else getattr(loss, "type", loss)
    with suppress(UnknownTypeError):
        if isinstance(written, str):
            component: type[Loss] = _registry(context).find(Loss.kind, written)
            return component.targets
    return None


def _registry(context: Context) -> Registry:
    return context.get("registry") or default_registry()


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _validated(model: type[S], value: Any, context: Context) -> S | None:
    with suppress(ValidationError):
        return model.model_validate(value, context=dict(context))
    return None


def _section(model: type[S], value: Any, context: Context) -> S:
    """Return a section with its valid scalars."""
    table = _table(value)
    try:
        return model.model_validate(table, context=dict(context))
    except ValidationError as error:
        invalid = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
    valid = {name: table[name] for name in table if name in model.model_fields.keys() - invalid}
    construct: Any = model.model_construct
    section: S = construct(
        **{
            name: item
            for name, item in resolve_paths(model, valid, context.get("folder")).items()
            if isinstance(item, str | int | float | Path)
        }
    )
    return section


def _model(value: Any, context: Context) -> ModelSpec:
    section = _section(ModelSpec, value, context)
    table = _table(value).get("initial_weights")
    if isinstance(table, dict) and "initial_weights" not in section.model_fields_set:
        initial = _validated(InitialWeights, table, context)
        return section.model_copy(update={"initial_weights": initial})
    return section


def _sources_and_fractions(data: Mapping[str, Any], context: Context) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in ("train", "validation", "test"):
        value = data.get(name)
        is_fraction = name != "train" and isinstance(value, float) and 0 < value < 1
        parts[name] = value if is_fraction else _component(DataSource, value, context)
    return parts


def _layer(item: Any, context: Context) -> LayerPart:
    layer, written = _component(Layer, item, context), item
    if isinstance(item, dict):
        written = item.get("type")
    if isinstance(written, str):
        known = _registry(context).types(Layer.kind)
        written = written if written in known else closest(written, known) or written
    name = layer.name if layer is not None else _table(item).get("name")
    is_type = isinstance(written, str)
    return LayerPart(layer, name if isinstance(name, str) else None, written if is_type else None)


def _components(contract: type[C], items: Any, context: Context) -> dict[int, C]:
    components = enumerate(_component(contract, item, context) for item in _items(items))
    return {position: component for position, component in components if component is not None}


def _component(contract: type[C], value: Any, context: Context) -> C | None:
    """Return a component without its unknown keys, or None if it is invalid."""
    if not isinstance(value, str | dict | contract):
        return None
    with suppress(ValidationError, PydanticCustomError, LookupError, TypeError):
        try:
            return contract.from_declaration(value, context)
        except ValidationError as error:
            details = error.errors()
        if all(detail["type"] == "unknown_key" for detail in details):
            known = reduce(_without, [detail["loc"] for detail in details], value)
            return contract.from_declaration(known, context)
    return None


def _without(table: Any, path: KeyPath) -> Any:
    """Return a copy of a table without the key at a path."""
    key, rest = path[0], path[1:]
    if isinstance(table, list):
        return [_without(item, rest) if at == key else item for at, item in enumerate(table)]
    if not rest:
        return {name: item for name, item in table.items() if name != key}
    return {**table, key: _without(table[key], rest)}


@dataclass(frozen=True, eq=False)
class ParsedSpec:
    """The result of validating a document.

    Attributes:
        source_map: the document that was validated and the locations of its values.
        spec: the spec, or None if anything is invalid.
        diagnostics: all errors, most without a place, with paths as written; of a valid spec,
            warnings of keys of earlier versions.
        context: the validation context: `registry` and `folder`.
        is_incomplete: whether a file that the spec extends could not be read.
        members: the results of its members, if it has any.
        repaired: the spec with other names, if these are its only errors.
    """

    source_map: ExpandedMap
    spec: RunSpec | None
    diagnostics: tuple[Diagnostic, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    is_incomplete: bool = False
    members: tuple[ParsedSpec, ...] = ()
    repaired: RunSpec | None = None

    @classmethod
    def of(cls, spec: RunSpec) -> ParsedSpec:
        """Return the result for a valid spec."""
        members = spec.members.members if spec.members is not None else ()
        source_map = spec.source_map
        return cls(
            source_map,
            spec,
            source_map.warnings,
            members=tuple(cls.of(member.spec) for member in members),
        )

    @cached_property
    def partial(self) -> PartialSpec:
        """The parts that are valid on their own; computed on first use, by checks only."""
        spec = self.spec or self.repaired
        if spec is not None:
            return self._with_blocks(PartialSpec.of(spec))
        document = without_large_numbers(self.source_map.document)
        partial = self._with_blocks(valid_parts(document, self.context))
        return replace(partial, lacks_data=False) if self.is_incomplete else partial

    def _with_blocks(self, partial: PartialSpec) -> PartialSpec:
        """Return the parts with the places of layers in their blocks."""
        layers = tuple(
            replace(
                part,
                position=dotted(written.path[len(LAYERS) :]),
                closes_residual=written.is_sum,
                short_names=written.short_names,
            )
            for part, written in zip(
                partial.layers, map(self.source_map.layer, count()), strict=False
            )
        )
        return replace(partial, layers=layers)

    def _repr_html_(self) -> str:
        from declnet.display.diagnostics import diagnostics_view

        if self.spec is not None:
            return self.spec._repr_html_()
        return diagnostics_view(self.source_map.locate(self.diagnostics))

    def require(self) -> RunSpec:
        """Return the spec.

        Raises:
            SpecError: it is invalid; contains every error with its place.
        """
        if self.spec is None:
            raise SpecError(self.source_map.locate(self.diagnostics))
        return self.spec
