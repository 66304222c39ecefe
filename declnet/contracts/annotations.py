"""What an annotation promises about a value, and the words for it in messages.

`reader` makes a check of an annotation once. Contracts use it for what components return and for
the class attributes that they declare. NumPy's scalars count as Python's and become them; other
values are accepted as they are, or not at all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from types import UnionType
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
        matches: whether a value is of this type, without a look at what it contains.
        convert: returns a value that matches, verified in depth; None if that is the value.
        words: what a value is, e.g. `a tuple of integers`.
        plural: what several are, e.g. `integers`.
    """

    matches: Callable[[Any], bool]
    convert: Callable[[Any], Any] | None
    words: str
    plural: str

    def read(self, value: Any) -> Any:
        """Return a value in the annotated type; raise Misfit if it is not of that type."""
        if not self.matches(value):
            raise misfit(value, self.words)
        return value if self.convert is None else self.convert(value)


def _is_instance(*types: type, but: tuple[type, ...] = ()) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and not isinstance(value, but)


_ANYTHING = Reader(lambda _: True, None, "anything", "values")
_PLAIN: dict[Any, Reader] = {
    Any: _ANYTHING,
    object: _ANYTHING,
    None: Reader(lambda value: value is None, None, "None", "None"),
    bool: Reader(_is_instance(bool, np.bool_), bool, "True or False", "booleans"),
    str: Reader(_is_instance(str), None, "a string", "strings"),
    int: Reader(
        _is_instance(int, np.integer, but=(bool,)), operator.index, "an integer", "integers"
    ),
    float: Reader(
        _is_instance(int, float, np.integer, np.floating, but=(bool,)), float, "a number", "numbers"
    ),
}
_PLAIN[type(None)] = _PLAIN[None]


@lru_cache(maxsize=512)
def reader(annotation: Any) -> Reader:
    """Return the check of an annotation."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in _PLAIN:
        return _PLAIN[origin]
    if origin is Annotated:
        return _restricted(*arguments)
    if origin is Literal:
        return _choice(arguments)
    if origin in (Union, UnionType):
        return _union([reader(member) for member in _members(arguments)])
    if origin is np.ndarray:
        return _array(ArrayOf())
    if origin in (dict, Mapping):
        return _mapping(*map(reader, arguments or (Any, Any)))
    if origin is tuple and Ellipsis not in arguments:
        return _pair([reader(each) for each in arguments])
    if origin in (tuple, list, set, frozenset, Sequence, Collection, Iterable, Iterator):
        return _several(origin, reader(arguments[0]))
    if origin is Callable or not isinstance(origin, type):
        return Reader(callable, None, "a function", "functions")
    return _instance(origin)


def _restricted(annotation: Any, *rules: Any) -> Reader:
    """Return the check of what is annotated, without rules that only others know."""
    for rule in rules:
        if isinstance(rule, ArrayOf):
            return _array(rule)
        if isinstance(rule, AtLeast):
            plain, least = reader(annotation), rule.least
            words = (f"{each} of at least {least}" for each in (plain.words, plain.plural))
            return Reader(
                lambda value: plain.matches(value) and value >= least, plain.convert, *words
            )
    return reader(annotation)


def _choice(choices: Sequence[Any]) -> Reader:
    def matches(value: Any) -> bool:
        return any(type(value) is type(each) and value == each for each in choices)

    words = alternatives(f'"{each}"' if isinstance(each, str) else repr(each) for each in choices)
    return Reader(matches, None, words, words)


def _array(rule: ArrayOf) -> Reader:
    def matches(value: Any) -> bool:
        is_array = isinstance(value, np.ndarray) and value.dtype.kind in rule.kinds
        return is_array and value.ndim >= rule.axes

    def convert(array: Any) -> Any:
        if isinstance(array, np.ma.MaskedArray) and not rule.masked and np.ma.is_masked(array):
            raise Misfit("a masked array", ", whose mask would be lost")
        return array

    return Reader(matches, convert, f"an array of {rule.words}", f"arrays of {rule.words}")


def _members(arguments: Iterable[Any]) -> Iterator[Any]:
    """Yield the members of a union, each choice of a Literal apart."""
    for each in arguments:
        is_literal = get_origin(each) is Literal
        yield from (Literal[choice] for choice in get_args(each)) if is_literal else (each,)


def _union(members: Sequence[Reader]) -> Reader:
    def convert(value: Any) -> Any:
        return next(each.read(value) for each in members if each.matches(value))

    words, plural = (
        alternatives(dict.fromkeys(getattr(each, form) for each in members))
        for form in ("words", "plural")
    )
    return Reader(lambda value: any(r.matches(value) for r in members), convert, words, plural)


def _mapping(key: Reader, item: Reader) -> Reader:
    def convert(value: Mapping[Any, Any]) -> dict[Any, Any]:
        converted = {}
        for name, each in value.items():
            if not key.matches(name):
                raise Misfit(f"the key {shown(name)}", f", not {key.words}")
            try:
                converted[name] = item.read(each)
            except Misfit as wrong:
                raise wrong.within(f'"{name}"') from None
        return converted

    words = f"from {key.plural} to {item.plural}"
    return Reader(_is_instance(Mapping), convert, f"a dict {words}", f"dicts {words}")


def _pair(items: Sequence[Reader]) -> Reader:
    def matches(value: Any) -> bool:
        return isinstance(value, tuple) and len(value) == len(items)

    def convert(value: Any) -> Any:
        return tuple(item.read(each) for item, each in zip(items, value, strict=True))

    words = f"of {' and '.join(each.words for each in items)}"
    return Reader(matches, convert, f"a tuple {words}", f"tuples {words}")


def _several(origin: Any, item: Reader) -> Reader:
    is_own = origin in (tuple, set, frozenset)
    name = origin.__name__ if is_own else "sequence"
    words = f"a {name} of {item.plural}"
    matches = _is_instance(origin) if is_own else _is_instance(Iterable, but=(str, bytes, Mapping))

    def convert(value: Any) -> Any:
        try:
            return (origin if is_own else tuple)(map(item.read, value))
        except Misfit as wrong:
            if wrong.place or not isinstance(value, tuple):
                raise
            raise misfit(value, words) from None

    return Reader(matches, convert, words, f"{name}s of {item.plural}")


def _instance(cls: Any) -> Reader:
    name = cls.__name__
    words = f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
    if getattr(cls, "_is_protocol", False):
        methods = [each for each in vars(cls) if not each.startswith("_")]
        return Reader(lambda value: all(hasattr(value, m) for m in methods), None, words, name)
    convert = _verified_fields(cls) if is_dataclass(cls) else None
    return Reader(_is_instance(cls), convert, words, name)


def _verified_fields(cls: Any) -> Callable[[Any], Any]:
    """Return a function that returns an instance of a dataclass whose fields have their types.

    A class whose fields must fit together has a method `_verified`, which raises Misfit, or returns
    the instance or another one in its place.
    """

    def convert(value: Any) -> Any:
        for name, of_field in _fields(cls):
            try:
                of_field.read(getattr(value, name))
            except Misfit as wrong:
                raise wrong.within(name) from None
        verified = getattr(value, "_verified", None)
        return value if verified is None else verified()

    return convert


@lru_cache(maxsize=64)
def _fields(cls: Any) -> tuple[tuple[str, Reader], ...]:
    hints = get_type_hints(cls, include_extras=True)
    readers = ((each.name, reader(hints[each.name])) for each in fields(cls))
    return tuple((name, each) for name, each in readers if each is not _ANYTHING)
