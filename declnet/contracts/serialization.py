"""Values that can be written to a file and read back without executing code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.errors import error_message

_SCALARS = (bool, int, str, type(None))
_CALLED: dict[type, str] = {tuple: "tuple", dict: "dict"}


class NotPlainError(ValueError):
    """A value cannot be written to a file; the message says which one and where."""


def to_plain(value: Any, arrays: dict[str, Array], place: str = "state") -> Any:
    """Return the value as JSON, with its arrays stored separately.

    Plain values are None, booleans, integers, floats and strings; NumPy arrays and scalars of
    numbers; lists, tuples and dicts with string keys; and dataclasses of these, for which
    `from_plain` needs a template. Subclasses of these types are not plain, since they may behave
    differently.

    Args:
        value: any value.
        arrays: receives each array, not copied, under the name that the JSON has for it.
        place: the name of the value, for array names and messages.

    Raises:
        NotPlainError: the value is not plain.
    """
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": repr(value)}
    if kind is list:
        return [to_plain(item, arrays, f"{place}/{index}") for index, item in enumerate(value)]
    if kind is np.ndarray or isinstance(value, np.generic):
        name = place
        while name in arrays:  # {"a/b": …} and {"a": {"b": …}} together
            name += "+"
        arrays[name] = _numbers(np.asarray(value), place)
        return {"array" if kind is np.ndarray else "scalar": name}
    return {_CALLED.get(kind, "fields"): _parts(value, arrays, place)}


def _parts(value: Any, arrays: dict[str, Array], place: str) -> Any:
    """Return a tuple, a dict or a dataclass as JSON."""
    kind = type(value)
    if kind is tuple:
        return to_plain(list(value), arrays, place)
    if is_dataclass(kind):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif kind is not dict:
        raise NotPlainError(f"{place} is {kind.__name__}, which is neither JSON nor an array")
    for key in value:
        if type(key) is not str:
            raise NotPlainError(f"{place} has the key {key!r}, which is not a string")
    return {key: to_plain(item, arrays, f"{place}/{key}") for key, item in value.items()}


def from_plain(plain: Any, arrays: Mapping[str, Array], template: Any = None) -> Any:
    """Return the value that was passed to `to_plain`.

    Args:
        plain: the JSON.
        arrays: the arrays, by their names in the JSON.
        template: a value of the same structure, whose dataclasses are filled in and returned.

    Raises:
        NotPlainError: the JSON is not from `to_plain`, or does not match the template.
    """
    if type(plain) in (*_SCALARS, float):
        return plain
    if isinstance(plain, list):
        return [from_plain(item, arrays) for item in plain]
    if not isinstance(plain, dict) or len(plain) != 1:
        raise NotPlainError(f"{plain!r:.60} is not a saved value")
    (how, inner), *_ = plain.items()
    if how == "fields":
        return _filled(template, inner, arrays)
    try:
        return _READ[how](inner, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotPlainError(f"{plain!r:.60} is not a saved value: {error!r}") from None


def is_plain_dict(value: Any) -> bool:
    """Return whether a value is a dict that can be written and read back without a template."""
    arrays: dict[str, Array] = {}
    try:
        from_plain(to_plain(value, arrays), arrays)
    except NotPlainError:
        return False
    return isinstance(value, dict)


def _filled(template: Any, inner: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the template with its fields set."""
    known = {field.name for field in fields(template)} if is_dataclass(template) else None
    if not isinstance(inner, dict) or inner.keys() != known:
        raise NotPlainError("a saved dataclass does not fit what it is to be restored to")
    for name, item in inner.items():
        try:
            setattr(template, name, from_plain(item, arrays, getattr(template, name)))
        except AttributeError as error:
            raise NotPlainError(f"{name} cannot be restored: {error_message(error)}") from None
    return template


def _numbers(array: Array, place: str) -> Array:
    """Return the array in the byte order of files, if a file can hold it."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise NotPlainError(f"{place} is an array of {array.dtype}, not of usual numbers")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


_READ: dict[str, Callable[[Any, Mapping[str, Array]], Any]] = {
    "float": lambda inner, _: float(inner),
    "array": lambda inner, arrays: arrays[inner],
    "scalar": lambda inner, arrays: arrays[inner][()],
    "tuple": lambda inner, arrays: tuple(from_plain(item, arrays) for item in inner),
    "dict": lambda inner, arrays: {key: from_plain(item, arrays) for key, item in inner.items()},
}
