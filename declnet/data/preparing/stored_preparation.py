"""Conversion of a fitted preparation to JSON and arrays and back, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from declnet.contracts.arrays import Array
from declnet.contracts.serialization import verify_state
from declnet.data.preparing.preparation import FittedPreparation
from declnet.registry.registry import Registry
from declnet.stored import Stored, require_format

FORM = 5
"""Format version, raised whenever older readers could not read the format."""


@dataclass(frozen=True, eq=False)
class _PreparationFile:
    """The content of the file of a preparation."""

    form: Annotated[int, AfterValidator(partial(require_format, FORM))]
    preparation: FittedPreparation


_FILE = Stored[_PreparationFile](_PreparationFile)


def stored(preparation: FittedPreparation) -> tuple[bytes, dict[str, Array]]:
    """Return a preparation as JSON, and the arrays that it refers to; numbers are exact."""
    arrays: dict[str, Array] = {}
    return _FILE.write(_PreparationFile(FORM, preparation), arrays=arrays), arrays


def restored(content: bytes, arrays: Mapping[str, Array], registry: Registry) -> FittedPreparation:
    """Return the preparation that `stored` converted.

    Raises:
        ValueError: it was not written by `stored`, or a transform is no longer installed.
    """
    preparation = _FILE.parse(content, arrays=arrays, registry=registry).preparation
    _require_columns(preparation)
    for number, step in enumerate(preparation.steps):
        for name, state in step.states.items():
            verify_state(step.transform, state, f"preparation.steps.{number}.states.{name}")
    for name, steps in preparation.target_steps.items():
        for number, target_step in enumerate(steps):
            key = f"preparation.target_steps.{name}.{number}.state"
            verify_state(target_step.transform, target_step.state, key)
    return preparation


def _require_columns(preparation: FittedPreparation) -> None:
    """Raise ValueError if a part of a preparation refers to a column that it does not have."""
    arrays = {column for columns in preparation.inputs.values() for column in columns}
    known = arrays if preparation.types is None else set(preparation.types)
    windows = preparation.windows
    referring = {
        **{f'the input "{name}"': names for name, names in preparation.inputs.items()},
        "windows": windows.spec.known if windows is not None else (),
        **{f"step {number}": step.states for number, step in enumerate(preparation.steps)},
    }
    if not all(preparation.inputs.values()):
        raise ValueError("an input has no columns")
    for part, names in referring.items():
        for name in names:
            if name not in known:
                raise ValueError(f'{part} refers to "{name}", which is not a column')
