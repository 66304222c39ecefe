"""The codec of values with arrays: JSON that is read back exactly, without executing code.

JSON values remain as they are. An object with one of the keys in `_READ` first is a value that JSON
does not have: an array, a NumPy scalar, a tuple, a dataclass, a NaN or infinite number, or a dict
that looks like one of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, SerializationInfo, ValidationInfo

from declnet.contracts.arrays import Array
from declnet.errors import error_message

Value = TypeVar("Value")


def _is_empty(value: Any) -> bool:
    return not value and (value is False or not isinstance(value, int | float))


Omitted = Annotated[Value, Field(exclude_if=_is_empty)]
"""The type of a dataclass's field that `Stored` does not write if it is empty, False or None."""

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number in a file, where null is NaN."""

_SCALARS = (bool, int, str, type(None))


class NotPlainError(ValueError):
    """A value cannot be written to a file; the message says which one and where."""


def to_plain(value: Any, arrays: dict[str, Array] | None = None, place: str = "state") -> Any:
    """Return the value as JSON.

    Plain values are None, booleans, integers, floats and strings; NumPy arrays of numbers or text
    and scalars of numbers; lists, tuples and dicts with string keys; and dataclasses of these, for
    which `from_plain` needs a template. Subclasses of these types are not plain, since they may
    behave differently.

    Args:
        value: any value.
        arrays: receives each array of numbers, not copied, under the name that the JSON has for
            it; by default arrays are part of the JSON.
        place: the name of the value, for array names and messages.

    Raises:
        NotPlainError: the value is not plain.
    """
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": repr(value)}
    try:
        if kind in (list, tuple):
            items = [to_plain(item, arrays, f"{place}/{at}") for at, item in enumerate(value)]
            return items if kind is list else {"tuple": items}
        if kind is np.ndarray or isinstance(value, np.generic):
            return _plain_array(value, arrays, place)
        if kind is dict:
            table = _plain_table(value, arrays, place)
            return {"dict": table} if next(iter(table), None) in _READ else table
        if is_dataclass(kind):
            named = {field.name: getattr(value, field.name) for field in fields(value)}
            return {"fields": _plain_table(named, arrays, place)}
    except RecursionError:
        raise NotPlainError(f"{place} is nested too deeply") from None
    raise NotPlainError(f"{place} is {kind.__name__}, which is neither JSON nor an array")


def _plain_table(table: dict[Any, Any], arrays: dict[str, Array] | None, place: str) -> Any:
    for key in table:
        if type(key) is not str:
            raise NotPlainError(f"{place} has the key {key!r}, which is not a string")
    return {key: to_plain(item, arrays, f"{place}/{key}") for key, item in table.items()}


def _plain_array(value: Any, arrays: dict[str, Array] | None, place: str) -> dict[str, Any]:
    tag, array = "array" if type(value) is np.ndarray else "scalar", np.asarray(value)
    is_text = array.dtype.kind == "U" or (
        array.dtype.kind == "O" and all(type(item) in (str, type(None)) for item in array.flat)
    )
    if not is_text and (array.dtype.kind not in "biuf" or array.dtype.itemsize > 8):
        raise NotPlainError(f"{place} is an array of {array.dtype}, not of usual numbers or text")
    if is_text or arrays is None:
        dtype = array.dtype.kind if is_text else array.dtype.name
        return {tag: to_plain(array.tolist()), "dtype": dtype, "shape": list(array.shape)}
    name = place if place not in arrays else f"{place}.{len(arrays)}"
    while name in arrays:  # e.g. {"a/b": …} and {"a": {"b": …}} together
        name += "+"
    little_endian = array.dtype.newbyteorder("<")
    arrays[name] = np.ascontiguousarray(array, little_endian).reshape(array.shape)
    return {tag: name}


def from_plain(plain: Any, arrays: Mapping[str, Array] | None = None, template: Any = None) -> Any:
    """Return the value that was passed to `to_plain`.

    Args:
        plain: the JSON.
        arrays: the arrays, by their names in the JSON.
        template: a value of the same structure, whose dataclasses are filled in and returned.

    Raises:
        NotPlainError: the JSON is not from `to_plain`, or does not match the template.
    """
    if isinstance(plain, list):
        return [from_plain(item, arrays) for item in plain]
    if not isinstance(plain, dict):
        return plain
    tag = next(iter(plain), "")
    if tag == "fields":
        return _filled(template, plain[tag], arrays or {})
    if tag not in _READ:
        return {key: from_plain(item, arrays) for key, item in plain.items()}
    try:
        return _READ[tag](arrays or {}, *plain.values())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotPlainError(f"{plain!r:.60} is not a saved value: {error!r}") from None


def stored_copy(value: Any, template: Any = None) -> Any:
    """Return a value as written to a file and read back, with arrays that are not copied.

    Raises:
        NotPlainError: it is not plain, or needs another template.
    """
    arrays: dict[str, Array] = {}
    return from_plain(to_plain(value, arrays), arrays, template)


def is_plain_dict(value: Any) -> bool:
    """Return whether a value is a dict that can be written and read back without a template."""
    try:
        return isinstance(stored_copy(value), dict)
    except NotPlainError:
        return False


def verify_state(component: Any, state: Mapping[str, Any], key: str) -> None:
    """Require a state that a component can use, read from a file.

    Raises:
        ValueError: the component's `verify_state` refuses it; the message names the key.
    """
    try:
        component.verify_state(state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f'key "{key}": {error_message(error)}') from None


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


def _array(
    arrays: Mapping[str, Array], values: Any, dtype: str | None = None, shape: Any = ()
) -> Array:
    if dtype is None:
        return arrays[values]
    if dtype not in ("U", "O") and np.dtype(dtype).kind not in "biuf":
        raise ValueError(f"an array of {dtype}")
    return np.array(from_plain(values), dtype).reshape(shape)


_READ: dict[str, Callable[..., Any]] = {
    "float": lambda _, text: float(text),
    "array": _array,
    "scalar": lambda *inner: _array(*inner)[()],
    "tuple": lambda arrays, items: tuple(from_plain(item, arrays) for item in items),
    "dict": lambda arrays, inner: {key: from_plain(item, arrays) for key, item in inner.items()},
    "fields": _filled,
}


def _stored(state: Any, info: SerializationInfo) -> Any:
    return to_plain(dict(state), (info.context or {}).get("arrays"))


def _restored(plain: Any, info: ValidationInfo) -> Any:
    return from_plain(plain, (info.context or {}).get("arrays"))


StoredState = Annotated[Mapping[str, Any], BeforeValidator(_restored), PlainSerializer(_stored)]
"""Plain values by name, in a type that `Stored` reads and writes.

Its context may have `arrays`, of which `to_plain` or `from_plain` take the place of the JSON.
"""
