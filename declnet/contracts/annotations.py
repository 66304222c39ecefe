"""What an annotation promises about a value, and the words for it in messages.

`reader` makes a check of an annotation once. Contracts use it for what components return and for
the class attributes that they declare. NumPy's scalars count as Python's and become them; other
values are accepted as they are, or not at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from declnet.registry.spelling import alternatives


@dataclass(frozen=True)
class ArrayOf:
    """Annotation of an array; without it, one of numbers without masked values is meant.

    Attributes:
        kinds: the kinds of NumPy types.
        words: what the array holds, in messages.
        axes: the least number of axes.
        masked: whether values may be masked.
    """

    kinds: str = "fiub"
    words: str = "numbers"
    axes: int = 0
    masked: bool = False


@dataclass(frozen=True)
class AtLeast:
    """Annotation of a number that must not be less than another one."""

    least: int


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
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, list | tuple) and len(value) > 9:
        return f"a {type(value).__name__} of {len(value)} items"
    try:
        text = repr(value)
    except Exception:  # whatever a third party's class raises
        text = f"an object of {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"


@dataclass(frozen=True)
class Reader:
    """The check of one annotation.

    Attributes:
        words: what a value is, e.g. `a tuple of integers`.
        types: the classes of which it is an instance.
        convert: returns a value that matches in its type, or raises Misfit for what it contains.
        test: what else is true of it.
        others: classes of which it must not be an instance.
    """

    words: str
    types: Any = object
    convert: Callable[[Any], Any] = lambda value: value
    test: Callable[[Any], bool] = lambda _: True
    others: tuple[type, ...] = ()

    @property
    def plural(self) -> str:
        """What several values are."""
        return re.sub(r"\ban? (\w+)", r"\1s", self.words)

    def matches(self, value: Any) -> bool:
        """Return whether a value is of this type, without a look at what it contains."""
        is_one = isinstance(value, self.types) and not isinstance(value, self.others)
        return is_one and self.test(value)

    def read(self, value: Any) -> Any:
        """Return a value in the annotated type; raise Misfit if it is not of that type."""
        if not self.matches(value):
            raise misfit(value, self.words)
        return self.convert(value)


_PLAIN: dict[Any, Reader] = {
    Any: Reader("anything"),
    object: Reader("anything"),
    None: Reader("None", NoneType),
    NoneType: Reader("None", NoneType),
    bool: Reader("True or False", (bool, np.bool_), bool),
    str: Reader("a string", str),
    int: Reader("an integer", (int, np.integer), operator.index, others=(bool,)),
    float: Reader("a number", (int, float, np.integer, np.floating), float, others=(bool,)),
    Callable: Reader("a function", test=callable),
}


@lru_cache(maxsize=512)
def reader(annotation: Any) -> Reader:
    """Return the check of an annotation."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in _MADE:
        return _MADE[origin](*arguments)
    if origin in _PLAIN:
        return _PLAIN[origin]
    if issubclass(origin, Iterable) and arguments:
        return _several(origin, *arguments)
    words = f"{'an' if origin.__name__[0] in 'AEIOU' else 'a'} {origin.__name__}"
    plain = Reader(words, origin)
    return replace(plain, convert=partial(_with_fields, origin)) if is_dataclass(origin) else plain


def _choice(*choices: Any) -> Reader:
    words = (f'"{each}"' if isinstance(each, str) else repr(each) for each in choices)
    kinds = [(type(each), each) for each in choices]
    return Reader(alternatives(words), test=lambda value: (type(value), value) in kinds)


def _restricted(annotation: Any, *rules: Any) -> Reader:
    """Return the check of what is annotated, without rules that only others know."""
    plain = reader(annotation)
    for rule in rules:
        if isinstance(rule, ArrayOf):
            return _array(rule=rule)
        if isinstance(rule, AtLeast):
            words = f"{plain.words} of at least {rule.least}"
            return replace(plain, words=words, test=partial(operator.le, rule.least))
    return plain


def _array(*_: Any, rule: ArrayOf = ArrayOf()) -> Reader:
    def test(array: Any) -> bool:
        return array.dtype.kind in rule.kinds and array.ndim >= rule.axes

    def convert(array: Any) -> Any:
        if isinstance(array, np.ma.MaskedArray) and not rule.masked and np.ma.is_masked(array):
            raise Misfit("a masked array", ", whose mask would be lost")
        return array

    return Reader(f"an array of {rule.words}", np.ndarray, convert, test)


def _union(*annotations: Any) -> Reader:
    members = [reader(each) for each in annotations]

    def convert(value: Any) -> Any:
        return next(each.read(value) for each in members if each.matches(value))

    words = alternatives(dict.fromkeys(each.words for each in members))
    return Reader(words, convert=convert, test=lambda value: any(m.matches(value) for m in members))


def _mapping(of_keys: Any, of_values: Any) -> Reader:
    key, item = reader(of_keys), reader(of_values)

    def convert(value: Mapping[Any, Any]) -> dict[Any, Any]:
        converted = {}
        for name, each in value.items():
            if not key.matches(name):
                raise Misfit(f"the key {shown(name)}", f", not {key.words}")
            with _within(f'"{name}"'):
                converted[name] = item.read(each)
        return converted

    return Reader(f"a dict from {key.plural} to {item.plural}", Mapping, convert)


def _tuple(*annotations: Any) -> Reader:
    if annotations[-1] is ...:
        return _several(tuple, annotations[0])
    items = [reader(each) for each in annotations]

    def convert(value: Any) -> Any:
        return tuple(item.read(each) for item, each in zip(items, value, strict=True))

    words = f"a tuple of {' and '.join(each.words for each in items)}"
    return Reader(words, tuple, convert, lambda value: len(value) == len(items))


def _several(origin: type, annotation: Any) -> Reader:
    item, is_own = reader(annotation), issubclass(origin, tuple | set | frozenset)
    words = f"a {origin.__name__ if is_own else 'sequence'} of {item.plural}"

    def convert(value: Any) -> Any:
        try:
            return (origin if is_own else tuple)(map(item.read, value))
        except Misfit as wrong:
            raise wrong if wrong.place else misfit(value, words) from None

    others = (str, bytes, Mapping, np.ndarray)
    return Reader(words, origin if is_own else Iterable, convert, others=others)


def _with_fields(cls: Any, value: Any) -> Any:
    """Return an instance of a dataclass whose fields have their types.

    A class whose fields must fit together has a method `_verified`, which raises Misfit, or returns
    the instance or another one in its place.
    """
    for name, of_field in _fields(cls):
        with _within(name):
            of_field.read(getattr(value, name))
    return value._verified() if hasattr(value, "_verified") else value


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Say of a Misfit within the block where in something larger it is."""
    try:
        yield
    except Misfit as wrong:
        raise wrong.within(place) from None


@lru_cache(maxsize=64)
def _fields(cls: Any) -> tuple[tuple[str, Reader], ...]:
    hints = get_type_hints(cls, include_extras=True)
    readers = ((each.name, reader(hints[each.name])) for each in fields(cls))
    return tuple((name, each) for name, each in readers if each.words != "anything")


_MADE: dict[Any, Callable[..., Reader]] = {
    Annotated: _restricted,
    Literal: _choice,
    Union: _union,
    UnionType: _union,
    np.ndarray: _array,
    dict: _mapping,
    Mapping: _mapping,
    tuple: _tuple,
}
