"""What an annotation promises about a value, and the words for it in messages.

What components return is verified by it, and their class attributes are. NumPy's scalars count as
Python's and become them; other values are accepted as they are, or not at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache, reduce
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from declnet.display.words import alternatives, with_article


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
    """A value is not what was promised, e.g. `Misfit("a path", ", which is not absolute")`.

    Attributes:
        value: the value in words.
        fault: what is wrong with it, e.g. `, not an integer`.
        place: the part of the returned value, e.g. `shape of "w"`; empty for the whole value.
    """

    def __init__(self, value: str, fault: str, place: str = "") -> None:
        super().__init__(value, fault, place)
        self.value, self.fault, self.place = value, fault, place

    def __str__(self) -> str:
        return f"{self.value}{f' as {self.place}' if self.place else ''}{self.fault}"

    @classmethod
    def of(cls, value: object, expected: str) -> Misfit:
        """Return the misfit of a value that should be something else, e.g. `an even number`."""
        return cls(shown(value), f", not {expected}")

    def within(self, place: str) -> Misfit:
        """Return the misfit of a part of something larger."""
        places = filter(None, (self.place, place))
        return Misfit(self.value, self.fault, " of ".join(places))


def require_rows(array: Any, rows: int) -> None:
    """Raise Misfit if an array does not have this many rows."""
    if len(array) != rows:
        raise Misfit.of(array, f"an array of {rows} rows")


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
_CLASSES: dict[Any, tuple[Any, Any]] = {
    Any: (object, ()),
    None: (NoneType, ()),
    bool: ((bool, np.bool_), ()),
    int: ((int, np.integer), bool),
    float: ((int, float, np.integer, np.floating), bool),
    dict: (Mapping, ()),
    **dict.fromkeys(_SEVERAL, (Iterable, _TEXTS)),
}
"""The classes that an annotation accepts, and the subclasses of them that it rejects."""

_CONVERSIONS: dict[Any, Callable[[Any], Any]] = {bool: bool, int: operator.index, float: float}
_CONTAINERS = (tuple, set, frozenset)

_WORDS = {
    Any: "anything",
    None: "None",
    NoneType: "None",
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "a string",
    bytes: "bytes",
    Callable: "a function",
}


@dataclass(frozen=True, eq=False)
class Type:
    """A parsed annotation.

    Attributes:
        kind: a class, or what `typing` calls the annotation, e.g. `Union`.
        parts: the types of what it consists of; of a Literal, the values.
        rules: what else is true of its values.
        is_open: whether any number of items has the only part's type.
    """

    kind: Any
    parts: tuple[Any, ...] = ()
    rules: tuple[ArrayOf | AtLeast, ...] = ()
    is_open: bool = False

    def fits(self, value: Any) -> bool:
        """Return whether a value is of this type, without a look at what it contains."""
        if self.kind is Union:
            return any(part.fits(value) for part in self.parts)
        if self.kind is Literal:
            return any(type(value) is type(choice) and value == choice for choice in self.parts)
        classes, others = _CLASSES.get(self.kind, (self.kind, ()))
        if not isinstance(value, classes) or isinstance(value, others):
            return False
        for rule in self.rules:
            if not rule.holds(value):
                return False
        return self.kind is not tuple or self.is_open or len(value) == len(self.parts)

    def read(self, value: Any) -> Any:
        """Return a value in this type; raise Misfit if it is not of this type.

        The fields of a dataclass are verified too. A class whose fields must fit together has a
        method `verified`, which raises Misfit, or returns the instance or another in its place.
        """
        if self.kind is Union:
            for part in self.parts:
                if part.fits(value):
                    return part._read_fitting(value)
            raise Misfit.of(value, self.words)
        if not self.fits(value):
            raise Misfit.of(value, self.words)
        return self._read_fitting(value)

    def _read_fitting(self, value: Any) -> Any:
        """Return a value that fits, as `read` does."""
        if self.kind is np.ndarray:
            return value
        if self.kind is Union:
            return self.read(value)
        if self.kind in _CONVERSIONS:
            return _CONVERSIONS[self.kind](value)
        if self.kind in (dict, Mapping):
            return self._read_mapping(value)
        if self.parts and self.kind is not Literal:
            return self._read_items(value)
        for name, of_field in _fields(self.kind):
            of_field.read_part(getattr(value, name), name)
        return value.verified() if hasattr(self.kind, "verified") else value

    def read_part(self, value: Any, place: str) -> Any:
        """Return a part of something larger in this type."""
        try:
            return self.read(value)
        except Misfit as wrong:
            raise wrong.within(place) from None

    def _read_items(self, values: Any) -> Any:
        items = []
        parts = repeat(self.parts[0]) if self.is_open else self.parts
        for item, part in zip(values, parts, strict=False):
            if not part.fits(item):
                raise Misfit.of(values, self.words)
            items.append(part.read(item))
        return self.kind(items) if self.kind in _CONTAINERS else tuple(items)

    def _read_mapping(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        converted, (of_key, of_value) = {}, self.parts
        for key, value in values.items():
            if not of_key.fits(key):
                raise Misfit(f"the key {shown(key)}", f", not {of_key.words}")
            converted[key] = of_value.read_part(value, f'"{key}"' if key else "")
        return converted

    @property
    def words(self) -> str:
        """What a value of this type is, e.g. `a tuple of integers`."""
        parts, kind = self.parts, self.kind
        if kind is Literal:
            choices = (f'"{part}"' if isinstance(part, str) else repr(part) for part in parts)
            return alternatives(choices)
        if kind is Union:
            return alternatives(dict.fromkeys(part.words for part in parts))
        if not parts:
            plain = _WORDS.get(kind) or with_article(kind.__name__)
            return reduce(lambda words, rule: rule.words(words), self.rules, plain)
        items = [re.sub(r"\ban? (\w+)", r"\1s", part.words) for part in parts]
        if kind in (dict, Mapping):
            return f"a dict from {items[0]} to {items[1]}"
        name = kind.__name__ if kind in _CONTAINERS else "sequence"
        return f"a {name} of {' and '.join(items)}"


@lru_cache(maxsize=512)
def parsed(annotation: Any) -> Type:
    """Return an annotation as a type; of several parts that `typing` knows, those that matter."""
    kind, parts = get_origin(annotation) or annotation, get_args(annotation)
    if hasattr(kind, "__value__"):  # an alias by `type`, as NumPy's NDArray is from 2.5 on
        return parsed(kind.__value__[parts] if parts else kind.__value__)
    if kind is np.ndarray and parts:
        return Type(kind, rules=(ArrayOf(),))
    if kind is Annotated:
        plain, *more = parts
        rules = tuple(rule for rule in more if isinstance(rule, ArrayOf | AtLeast))
        return replace(parsed(plain), rules=rules) if rules else parsed(plain)
    if kind is Literal:
        return Type(kind, parts)
    if kind in (Callable, type):
        return Type(kind)
    is_open = kind is not tuple or ... in parts
    types = tuple(parsed(part) for part in parts if part is not ...)
    return Type(Union if kind is UnionType else kind, types, is_open=is_open)


@lru_cache(maxsize=64)
def _fields(cls: Any) -> tuple[tuple[str, Type], ...]:
    """Return the fields of a dataclass with their types; nothing for another class."""
    if not is_dataclass(cls):
        return ()
    hints = get_type_hints(cls, include_extras=True)
    return tuple((field.name, parsed(hints[field.name])) for field in fields(cls))
