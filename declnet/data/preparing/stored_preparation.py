"""Conversion of a fitted preparation to JSON and arrays and back, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, Strict, ValidationError, model_validator

from declnet.contracts.arrays import Array
from declnet.contracts.data.sample_arrays import ARRAY
from declnet.contracts.data.table import CellFormat, ColumnType
from declnet.contracts.data.transform import Transform, TransformState
from declnet.contracts.network.inputs import UNNAMED
from declnet.data.preparing.preparation import FittedPreparation, FittedStep
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.data.preparing.targets import FittedTargetStep
from declnet.data.preparing.windows import Windows
from declnet.errors import DataError, error_message
from declnet.registry.registry import Registry
from declnet.spec.data_section import WindowSpec

FORM = 1
"""Format version, raised whenever older readers could not read the format."""

FORM_WITH_INPUTS = 2
"""Format version of a preparation with named inputs."""

FORM_WITH_TARGETS = 3
"""Format version of a preparation with named or transformed targets."""

FORM_WITH_WINDOWS = 4
"""Format version of a preparation that cuts windows."""

_ARRAY = "array"


@dataclass(frozen=True, eq=False)
class StoredPreparation:
    """The serialized form of a preparation.

    Attributes:
        document: JSON values.
        arrays: the arrays that the document refers to, by name.
    """

    document: dict[str, Any]
    arrays: dict[str, Array]


def stored(preparation: FittedPreparation) -> StoredPreparation:
    """Serialize a preparation; numbers are preserved exactly."""
    arrays: dict[str, Array] = {}
    steps = []
    for number, step in enumerate(preparation.steps):
        states = {
            name: _kept_state(state, f"{number}.{position}", arrays)
            for position, (name, state) in enumerate(step.states.items())
        }
        dumped = step.transform.model_dump(mode="json", exclude_none=True)
        steps.append({"transform": dumped, "states": states, "number": step.number})
    target, named = preparation.target, dict(preparation.targets)
    named.pop(UNNAMED, None)
    inputs = {name: list(own) for name, own in preparation.inputs.items()}
    has_names = inputs.keys() != {UNNAMED}
    document: dict[str, Any] = {
        "form": FORM_WITH_INPUTS if has_names else FORM,
        "columns": None
        if preparation.types is None
        else [{"name": name, "type": each} for name, each in preparation.types.items()],
        "steps": steps,
        "feature_names": preparation.feature_names,
        "target": None if target is None else _stored_target(target),
    }
    if has_names:
        document["inputs"] = inputs
    if named:
        document["targets"] = {name: _stored_target(each) for name, each in named.items()}
    if preparation.target_steps:
        document["target_steps"] = {
            name: [
                {
                    "transform": step.transform.model_dump(mode="json", exclude_none=True),
                    "state": _kept_state(step.state, f"target.{position}.{number}", arrays),
                }
                for number, step in enumerate(own)
            ]
            for position, (name, own) in enumerate(preparation.target_steps.items())
        }
    if named or preparation.target_steps:
        document["form"] = FORM_WITH_TARGETS
    if preparation.windows is not None:
        document["form"] = FORM_WITH_WINDOWS
        spec, time = preparation.windows.spec, preparation.windows.time
        kept = spec.model_dump(mode="json", exclude_none=True)
        document["windows"] = {"spec": kept, "time": time}
    if preparation.cells != CellFormat():
        document["cells"] = asdict(preparation.cells)
    return StoredPreparation(document, arrays)


def _stored_target(target: TargetEncoding) -> dict[str, Any]:
    return {"column": target.column, "classes": target.classes, "names": target.class_names}


def _kept_state(state: TransformState, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    return {key: _kept(value, f"{prefix}.{key}", arrays) for key, value in state.items()}


def restored(document: Any, arrays: Mapping[str, Array], registry: Registry) -> FittedPreparation:
    """Deserialize a preparation.

    Raises:
        DataError: it was not written by `stored`, or a transform is no longer installed.
    """
    form = document.get("form") if isinstance(document, dict) else None
    if form not in (FORM, FORM_WITH_INPUTS, FORM_WITH_TARGETS, FORM_WITH_WINDOWS):
        raise DataError(
            f"the preparation has format {form}, but this version of declnet reads "
            f"{FORM_WITH_WINDOWS}"
        )
    try:
        return _restored(document, arrays, registry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the stored preparation cannot be read: {error_message(error)}") from None


_Names = Annotated[tuple[str, ...], Strict(False)]


class _Column(BaseModel, strict=True, defer_build=True):
    name: str
    type: ColumnType


class _Step(BaseModel, strict=True, defer_build=True):
    transform: str | dict[str, Any]
    states: dict[str, dict[str, Any]]
    number: int | None = None


class _Target(BaseModel, strict=True, defer_build=True):
    column: str
    classes: Annotated[tuple[str | bool | int | float, ...], Strict(False)] | None


class _Windows(BaseModel, strict=True, defer_build=True):
    spec: WindowSpec
    time: str | None


class _Cells(BaseModel, strict=True, defer_build=True):
    missing: _Names
    decimal: str
    comma_columns: _Names


class _TargetStep(BaseModel, strict=True, defer_build=True):
    transform: str | dict[str, Any]
    state: dict[str, Any]


class _Document(BaseModel, strict=True, defer_build=True):
    """The types that the document must have; states are up to the transforms."""

    columns: list[_Column] | None
    steps: list[_Step]
    feature_names: _Names | None
    target: _Target | None
    inputs: dict[str, _Names] | None = None
    targets: dict[str, _Target] | None = None
    target_steps: dict[str, list[_TargetStep]] = {}
    windows: _Windows | None = None
    cells: _Cells | None = None

    @model_validator(mode="after")
    def _about_its_columns(self) -> Self:
        arrays = {name or ARRAY for name in self.inputs or (UNNAMED,)}
        known = arrays if self.columns is None else {each.name for each in self.columns}
        for name, own in (self.inputs or {}).items():
            if not known.issuperset(own):
                raise ValueError(f'the input "{name}" has columns that are not there')
        for name in self.windows.spec.known if self.windows is not None else ():
            if name not in known:
                raise ValueError(f'the windows know "{name}", which is not a column')
        for name in (name for step in self.steps for name in step.states):
            if name not in known:
                raise ValueError(f'a step is about "{name}", which is not a column')
        return self


def _restored(
    document: Mapping[str, Any], arrays: Mapping[str, Array], registry: Registry
) -> FittedPreparation:
    read = _Document.model_validate(document)
    steps = []
    for position, each in enumerate(read.steps):
        transform = Transform.from_declaration(each.transform, {"registry": registry})
        states = {
            name: _verified_state(transform, state, arrays) for name, state in each.states.items()
        }
        steps.append(
            FittedStep(transform, states, position if each.number is None else each.number)
        )
    target_steps: dict[str, tuple[FittedTargetStep, ...]] = {}
    for name, own in read.target_steps.items():
        for kept in own:
            transform = Transform.from_declaration(kept.transform, {"registry": registry})
            step = FittedTargetStep(transform, _verified_state(transform, kept.state, arrays))
            target_steps[name] = (*target_steps.get(name, ()), step)
    targets = (read.targets or {}) if read.target is None else {UNNAMED: read.target}
    return FittedPreparation(
        None if read.columns is None else {each.name: each.type for each in read.columns},
        tuple(steps),
        read.feature_names,
        {name: TargetEncoding(each.column, each.classes) for name, each in targets.items()},
        read.inputs or {UNNAMED: tuple(each.name for each in read.columns or ()) or (ARRAY,)},
        target_steps,
        None if read.windows is None else Windows(read.windows.spec, read.windows.time),
        CellFormat() if read.cells is None else CellFormat(**read.cells.model_dump()),
    )


def _verified_state(
    transform: Transform, kept: Mapping[str, Any], arrays: Mapping[str, Array]
) -> TransformState:
    """Return a state that `_kept_state` wrote; raise ValueError if the transform rejects it."""
    state = {key: _found(value, arrays) for key, value in kept.items()}
    transform.verify_state(state)
    return state


def _kept(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[name] = np.ascontiguousarray(value)
        return {_ARRAY: name}
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _found(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, dict) and set(value) == {_ARRAY}:
        return arrays[value[_ARRAY]]
    return value


def state_after_storing(state: TransformState) -> TransformState:
    """Return a transform's state as read back from a file, where JSON turns tuples into lists.

    Raises:
        TypeError, ValueError: JSON cannot represent one of its values.
    """
    import json

    arrays: dict[str, Array] = {}
    kept = {key: _kept(value, key, arrays) for key, value in state.items()}
    document = json.loads(json.dumps(kept, allow_nan=False))
    return {key: _found(value, arrays) for key, value in document.items()}
