"""What an annotation promises about a value, and the words for it in messages.

`read` verifies what components return, and the class attributes of components. NumPy's scalars
count as Python's and become them; other values are accepted as they are, or not at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import lru_cache, partial, reduce
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from declnet.registry.spelling import alternatives, with_article


@dataclass(frozen=True)
class ArrayOf:
    """Annotation of an array; without it, one of numbers without masked values is meant.

    Attributes:
        kinds: the kinds of NumPy types.
        content: what the array holds, in messages.
        axes: the least number of axes.
        masked: whether values may be masked.
    """

    kinds: str = "fiub"
    content: str = "numbers"
    axes: int = 0
    masked: bool = False

    def holds(self, array: Any) -> bool:
        """Return whether an array is one of these."""
        fits = array.dtype.kind in self.kinds and array.ndim >= self.axes
        return fits and (self.masked or type(array) is np.ndarray or not np.ma.is_masked(array))

    def words(self, _: str) -> str:
        """Return what such an array is."""
        return f"an array of {self.content}"


@dataclass(frozen=True)
class AtLeast:
    """Annotation of a number that must not be less than another one."""

    least: int

    def holds(self, number: Any) -> bool:
        """Return whether a number is not less."""
        return bool(number >= self.least)

    def words(self, number: str) -> str:
        """Return what such a number is, given what it is without this."""
        return f"{number} of at least {self.least}"


class Misfit(Exception):  # noqa: N818  # always turned into the error of a component
    """A value is not what was promised.

    Attributes:
        value: the value in words.
        fault: what is wrong with it, e.g. `, not an integer`.
        place: what the value is within what was returned, e.g. `shape of "w"`; empty for all of it.
    """

    def __init__(self, value: str, fault: str, place: str = "") -> None:
        super().__init__(value, fault, place)
        self.value, self.fault, self.place = value, fault, place

    def __str__(self) -> str:
        return f"{self.value}{f' as {self.place}' if self.place else ''}{self.fault}"

    def within(self, place: str) -> Misfit:
        """Return the misfit of a part of something larger."""
        return Misfit(self.value, self.fault, f"{self.place} of {place}" if self.place else place)


def misfit(value: object, expected: str) -> Misfit:
    """Return the misfit of a value that should be something else."""
    return Misfit(shown(value), f", not {expected}")


def require_rows(array: Any, rows: int) -> None:
    """Raise Misfit if an array does not have this many rows."""
    if len(array) != rows:
        raise misfit(array, f"an array of {rows} rows")


def shown(value: object) -> str:
    """Return a value as messages quote it, shortened."""
    if isinstance(value, np.ndarray):
        masked = "a masked" if np.ma.is_masked(value) else "an"
        return f"{masked} array of {value.dtype} of shape {value.shape}"
    if isinstance(value, list | tuple) and len(value) > 9:
        return f"a {type(value).__name__} of {len(value)} items"
    try:
        text = repr(value)
    except Exception:  # whatever a third party's class raises
        text = f"an object of {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"


_TEXTS = (str, bytes, Mapping, np.ndarray)
_SEVERAL: tuple[Any, ...] = (list, Sequence, Collection, Iterable, Iterator)
_TYPES: dict[Any, tuple[Any, Any]] = {
    Any: (object, ()),
    None: (NoneType, ()),
    bool: ((bool, np.bool_), ()),
    int: ((int, np.integer), bool),
    float: ((int, float, np.integer, np.floating), bool),
    dict: (Mapping, ()),
    **dict.fromkeys(_SEVERAL, (Iterable, _TEXTS)),
}
"""The classes that an annotation means, and those of their subclasses that it does not mean."""

_CONVERSIONS: dict[Any, Callable[[Any], Any]] = {
    bool: bool,
    int: operator.index,
    float: float,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}


def read(value: Any, annotation: Any) -> Any:
    """Return a value in the annotated type; raise Misfit if it is not of that type.

    The fields of a dataclass are verified too. A class whose fields must fit together has a method
    `_verified`, which raises Misfit, or returns the instance or another one in its place.
    """
    kind, parts = _parsed(annotation)
    if not fits(value, annotation):
        raise misfit(value, words(annotation))
    if kind is Union:
        return read(value, next(part for part in parts if fits(value, part)))
    if kind is Annotated:
        return read(value, parts[0])
    if kind in (dict, Mapping):
        return _items_by_key(value, *parts)
    if parts and (kind in _SEVERAL or kind in _CONVERSIONS):
        value = _items(value, annotation)
    elif is_dataclass(kind):
        for name in kind.__dataclass_fields__:
            _part(getattr(value, name), _hints(kind)[name], name)
        value = value._verified() if hasattr(value, "_verified") else value
    return _CONVERSIONS[kind](value) if kind in _CONVERSIONS else value


def fits(value: Any, annotation: Any) -> bool:
    """Return whether a value is of a type, without a look at what it contains."""
    kind, parts = _parsed(annotation)
    if kind is Union:
        return any(fits(value, part) for part in parts)
    if kind is Literal:
        return any(type(value) is type(choice) and value == choice for choice in parts)
    if kind is Annotated:
        return fits(value, parts[0]) and all(rule.holds(value) for rule in parts[1:])
    types, others = _TYPES.get(kind, (kind, ()))
    is_one = isinstance(value, types) and not isinstance(value, others)
    return is_one and (kind is not tuple or ... in parts or len(value) == len(parts))


def _items(values: Any, annotation: Any) -> tuple[Any, ...]:
    """Return items in their types; a wrong one makes a tuple as a whole wrong."""
    _, parts = _parsed(annotation)
    types = parts if parts[1:] and ... not in parts else repeat(parts[0])
    try:
        return tuple(map(read, values, types))
    except Misfit as wrong:
        raise wrong if wrong.place else misfit(values, words(annotation)) from None


def _items_by_key(values: Mapping[Any, Any], of_keys: Any, of_values: Any) -> dict[Any, Any]:
    converted = {}
    for key, value in values.items():
        if not fits(key, of_keys):
            raise Misfit(f"the key {shown(key)}", f", not {words(of_keys)}")
        converted[key] = _part(value, of_values, f'"{key}"')
    return converted


def _part(value: Any, annotation: Any, place: str) -> Any:
    """Return a part of something larger in its type."""
    try:
        return read(value, annotation)
    except Misfit as wrong:
        raise wrong.within(place) from None


@lru_cache(maxsize=512)
def _parsed(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the kind of an annotation, and its parts: of a restricted one, type and rules."""
    kind, parts = get_origin(annotation) or annotation, get_args(annotation)
    if kind is np.ndarray and parts:
        return Annotated, (np.ndarray, ArrayOf())
    if kind is Annotated:
        plain = np.ndarray if get_origin(parts[0]) is np.ndarray else parts[0]
        return kind, (plain, *(each for each in parts if isinstance(each, ArrayOf | AtLeast)))
    return Union if kind is UnionType else kind, parts


_hints: Callable[[Any], dict[str, Any]] = lru_cache(maxsize=64)(
    partial(get_type_hints, include_extras=True)
)

_WORDS = {
    Any: "anything",
    None: "None",
    NoneType: "None",
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "a string",
    Callable: "a function",
}


def words(annotation: Any) -> str:
    """Return what a value of a type is, e.g. `a tuple of integers`."""
    kind, parts = _parsed(annotation)
    if kind is Literal:
        return alternatives(f'"{each}"' if isinstance(each, str) else repr(each) for each in parts)
    if kind is Union:
        return alternatives(dict.fromkeys(map(words, parts)))
    if kind is Annotated:
        return reduce(lambda plain, rule: rule.words(plain), parts[1:], words(parts[0]))
    if kind in _WORDS or not parts:
        return _WORDS.get(kind) or with_article(kind.__name__)
    items = [re.sub(r"\ban? (\w+)", r"\1s", words(each)) for each in parts if each is not ...]
    if kind in (dict, Mapping):
        return f"a dict from {items[0]} to {items[1]}"
    return f"a {'sequence' if kind in _SEVERAL else kind.__name__} of {' and '.join(items)}"
