"""What components return, verified where it is received.

The method's annotation in its contract gives the type. Whatever else the contract promises
(finite numbers, reserved names, counts of rows) is in the contract's `verify_<method>`, next to the
method. An invalid value raises a `BrokenContractError` with the component and the method;
`attributing_errors` adds the distribution. Contracts of plugins use all this in the same way.

The defaults of a contract are trusted: those that call another method verify its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import (
    Any,
    Concatenate,
    ParamSpec,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from numpy import ndarray

from declnet.contracts.annotations import ArrayOf, Misfit, Type, parsed
from declnet.contracts.component import Component
from declnet.errors import ComponentError

P = ParamSpec("P")
C = TypeVar("C", bound=Component)
T = TypeVar("T")


class BrokenContractError(ComponentError):
    """A method of a component returned a value that its contract does not allow.

    Attributes:
        component: the component's class.
        method: the method's name.
        fault: what is wrong, e.g. `returned None, not a tuple of integers`.
    """

    def __init__(self, component: Component | type[Component], method: str, fault: str) -> None:
        super().__init__(f'{component.kind} "{component.type}": {method}() {fault}')
        self.component = component if isinstance(component, type) else component.__class__
        self.method, self.fault = method, fault

    @property
    def place(self) -> str | None:
        """The file and line of the method's definition, if known."""
        function = getattr(self.component, self.method, None)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def verified(
    method: Callable[Concatenate[C, P], T], component: C, *arguments: P.args, **keywords: P.kwargs
) -> T:
    """Call a method of a component, and return its result if the contract allows it.

    The result must be of the type in the method's annotations. If the contract has a method
    `verify_<method>`, it gets the result and the arguments, and raises Misfit for a value that is
    not allowed. Of an iterator, each item is verified when it comes.

    Args:
        method: the method of the contract, e.g. `Layer.output_shape`.
        component: the component, or its class if it is a class method.
        arguments: the arguments of the method.
        keywords: further ones.

    Raises:
        BrokenContractError: the result is not what the contract promises.
    """
    return verifying(method, component)(*arguments, **keywords)


def verifying(method: Callable[Concatenate[C, P], T], component: C) -> Callable[P, T]:
    """Return a method of a component that is called many times, as `verified` calls it."""
    call, promise = getattr(component, method.__name__), _promise(method, component)

    def verified_call(*arguments: P.args, **keywords: P.kwargs) -> T:
        result: T = call(*arguments, **keywords)
        if promise is not None:
            result = promise.verify(component, result, arguments, keywords)
        return result

    return verified_call


def verify(
    method: Callable[..., T], component: Any, value: Any, *arguments: Any, **keywords: Any
) -> T:
    """Return what a method of a component returned, if the contract allows it.

    Like `verified`, for a method that was called already, and for class methods.
    """
    promise = _promise(method, component)
    result: T = value
    if promise is not None:
        result = promise.verify(component, value, arguments, keywords)
    return result


def verify_as(
    annotation: Any,
    component: Component,
    method: str,
    value: Any,
    meaning: Callable[[Any], object] | None = None,
) -> Any:
    """Return what came from an object that a method returned, if it is of an annotated type.

    Args:
        annotation: the type.
        component: the component.
        method: the method's name.
        value: the value.
        meaning: raises Misfit if a value of this type is not valid.
    """
    checked = None if meaning is None else lambda _, value: meaning(value)
    return _Promise(method, parsed(annotation), checked).verify(component, value, (), {})


def why_unavailable(component: Any) -> str | None:
    """Return why a component, or its class, cannot be used on this machine; None if it can."""
    cls: Any = component if isinstance(component, type) else component.__class__
    reason: str | None = verify(cls.contract().unavailable, component, component.unavailable())
    return reason


@dataclass(frozen=True)
class _Promise:
    """What a contract promises about the result of a method.

    Attributes:
        method: the method's name.
        type: the type of the result.
        meaning: the contract's `verify_<method>`, if it has one: takes the component, the result
            and the arguments, and raises Misfit.
        is_iterator: whether the promise is about each item that the result yields.
        scalar: the class whose instances need no other check; None if there is none.
        array: the arrays whose type needs no other check; None if there are none.
    """

    method: str
    type: Type
    meaning: Callable[..., object] | None = None
    is_iterator: bool = False
    scalar: Any = None
    array: ArrayOf | None = None

    def verify(
        self, component: Any, value: Any, arguments: Iterable[Any], keywords: Mapping[str, Any]
    ) -> Any:
        if type(value) is self.scalar:
            return value
        try:
            if self.is_iterator:
                items = parsed(Iterable).read(value)
                return self._verify_items(component, items, arguments, keywords)
            if not (self.array and type(value) is ndarray and self.array.holds(value)):
                value = self.type.read(value)
            if self.meaning is not None:
                self.meaning(component, value, *arguments, **keywords)
        except Misfit as misfit:
            raise BrokenContractError(component, self.method, f"returned {misfit}") from None
        return value

    def _verify_items(self, component: Any, items: Iterable[Any], *called: Any) -> Iterator[Any]:
        one = _Promise(self.method, self.type, self.meaning)
        try:
            for item in items:
                yield one.verify(component, item, *called)
        finally:
            getattr(items, "close", lambda: None)()


def _promise(method: Callable[..., Any], component: Any) -> _Promise | None:
    """Return what a contract promises; None for the contract's defaults, which are trusted."""
    cls: Any = component if isinstance(component, type) else component.__class__
    return None if getattr(cls, method.__name__) is method else _promised(method, cls)


@lru_cache(maxsize=1024)
def _promised(method: Callable[..., Any], cls: type[Component]) -> _Promise:
    annotation = get_type_hints(method, include_extras=True).get("return", Any)
    name, is_iterator = method.__name__, get_origin(annotation) is Iterator
    members = get_args(annotation) or (annotation,)
    if is_iterator:
        (annotation,) = members
    elif Self in members:
        annotation = Union[tuple(cls if member is Self else member for member in members)]  # noqa: UP007
    meaning = getattr(cls.contract(), f"verify_{name}", None)
    scalar = annotation if meaning is None and annotation in (bool, int, float) else None
    of_result = parsed(annotation)
    choices = of_result.parts if of_result.kind is Union else (of_result,)
    array = next(
        (choice.rules[0] for choice in choices if choice.kind is ndarray and choice.rules), None
    )
    return _Promise(name, of_result, meaning, is_iterator, scalar, array)
