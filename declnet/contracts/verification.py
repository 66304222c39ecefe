"""Checks that a component class fulfills its contract, as far as possible without an instance."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from declnet.contracts.annotations import Misfit, parsed
from declnet.contracts.strict_model import StrictModel
from declnet.errors import RegistryError

SCHEDULED_KINDS = ("layer", "optimizer")
"""Kinds of components whose methods get the values of scheduled fields, as `state.now`."""


def verify_class(cls: Any) -> None:
    """Check a component class against the contract that it derives from.

    Raises:
        RegistryError: it derives from no contract, has no type, lacks a method, or has a method
            with the wrong arguments, or a disallowed field or class attribute.
    """
    if not hasattr(cls, "kind"):
        raise RegistryError(f"{cls.__name__} derives from no contract (Layer, Loss, …)")
    contract = cls.contract()
    _verify_fields(cls, contract)
    name = getattr(cls, "type", None)
    if not isinstance(name, str) or not name:
        raise RegistryError(f'{cls.__name__} has no type: add e.g. type = "{cls.__name__.lower()}"')
    for method in contract.required_methods:
        if getattr(cls, method) is getattr(contract, method):
            raise RegistryError(f"{cls.__name__} has no {method}(), which a {cls.kind} needs")
    for method in _methods(contract):
        _verify_signature(cls, contract, method)
    for attribute, annotation in _traits(contract).items():
        value, expected = getattr(cls, attribute), parsed(annotation)
        try:
            expected.read(value)
        except Misfit:
            raise RegistryError(
                f"{cls.__name__}.{attribute} is {value!r}, but must be {expected.words}"
            ) from None
    _verify_suffixes(cls, "suffixes", "list_suffixes")


def _verify_fields(cls: Any, contract: Any) -> None:
    for name, field in cls.model_fields.items():
        expected = contract.model_fields.get(name)
        if expected is None and name in _reserved(contract):
            raise RegistryError(
                f"{cls.__name__} has a field {name}, a name that every {cls.kind} has already; "
                "rename the field"
            )
        is_other = expected is not None and not (
            {*_members(field.annotation)} <= {*_members(expected.annotation)}
        )
        if is_other or name in contract._spec_keys:
            keys = ", ".join(sorted({*contract.model_fields, *contract._spec_keys}))
            raise RegistryError(
                f"{cls.__name__} has a field {name}, which means something else in the table of "
                f"every {cls.kind} ({keys}); rename the field"
            )
    _verify_earlier_fields(cls)
    scheduled = cls.scheduled_fields()
    if scheduled and cls.kind not in SCHEDULED_KINDS:
        raise RegistryError(
            f"{cls.__name__}.{next(iter(scheduled))} is Scheduled, but only fields of a "
            f"{' or '.join(SCHEDULED_KINDS)} can be"
        )


def _verify_earlier_fields(cls: Any) -> None:
    for attribute in ("renamed_fields", "removed_fields"):
        for name, present in getattr(cls, attribute).items():
            if name in cls.model_fields:
                raise RegistryError(f'{cls.__name__}.{attribute} has "{name}", which is a field')
            if attribute == "renamed_fields" and present not in cls.model_fields:
                renamed = f'{cls.__name__}.renamed_fields has "{name}" as "{present}"'
                raise RegistryError(f"{renamed}, which is not a field")


def _verify_signature(cls: Any, contract: Any, name: str) -> None:
    method, expected = getattr(cls, name), getattr(contract, name)
    if getattr(method, "__func__", method) is getattr(expected, "__func__", expected):
        return
    if not callable(method):
        raise RegistryError(f"{cls.__name__}.{name} is not a method")
    try:
        written, promised = inspect.signature(method), inspect.signature(expected)
    except (TypeError, ValueError):  # e.g. a function written in C
        return
    positional = [
        parameter
        for parameter in promised.parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    try:
        written.bind(*positional)
    except TypeError:
        arguments, parameters = (
            ", ".join(parameter for parameter in signature.parameters if parameter != "self")
            for signature in (promised, written)
        )
        raise RegistryError(
            f"{cls.__name__}.{name}() takes ({parameters}), but a {cls.kind} is called with "
            f"({arguments})"
        ) from None


def _bases(contract: Any) -> tuple[Any, ...]:
    """Return a contract and the contracts that it derives from, `Component` last."""
    return contract.__mro__[: contract.__mro__.index(StrictModel)]  # type: ignore[no-any-return]


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types of a union, or the only type, without what constrains them."""
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation


@lru_cache(maxsize=64)
def _reserved(contract: Any) -> frozenset[str]:
    """Return names that fields may not have: methods and class attributes of the contract."""
    namespaces = map(vars, (*_bases(contract), StrictModel))
    names = {name for namespace in namespaces for name in namespace if not name.startswith("_")}
    names |= {name for name in dir(StrictModel) if name.startswith("model_")}
    return frozenset(names | {"type"}) - set(contract.model_fields)


@lru_cache(maxsize=64)
def _methods(contract: Any) -> tuple[str, ...]:
    """Return the public methods that components of a contract may override."""
    names = []
    for base in _bases(contract):
        names += [name for name, value in vars(base).items() if inspect.isfunction(value)]
    return tuple(name for name in dict.fromkeys(names) if not name.startswith("_"))


@lru_cache(maxsize=64)
def _traits(contract: Any) -> dict[str, Any]:
    """Return the class attributes that a contract declares, with their types."""
    names = [name for base in _bases(contract) for name in inspect.get_annotations(base)]
    hints = get_type_hints(contract)
    return {
        name: get_args(hints[name])[0]
        for name in dict.fromkeys(names)
        if get_origin(hints.get(name)) is ClassVar and name not in ("kind", "type")
    }


def _verify_suffixes(cls: type, *names: str) -> None:
    """Raise RegistryError for a suffix of files that is not a dot and lower-case letters."""
    declared = [(name, suffix) for name in names for suffix in getattr(cls, name, ())]
    for name, suffix in declared:
        if not suffix.startswith(".") or len(suffix) < 2 or suffix != suffix.lower():
            raise RegistryError(
                f'{cls.__name__}.{name} has "{suffix}", but a suffix is a dot and lower-case '
                "letters"
            )
