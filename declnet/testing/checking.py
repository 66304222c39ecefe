"""Checks: functions of a subject, and their three possible outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import declnet
from declnet import DeclnetError, Registry, error_message, error_place, error_summary, verified

P = ParamSpec("P")
Result = TypeVar("Result")


class CheckFailed(DeclnetError, AssertionError):  # noqa: N818  # how a check ends, as in a report
    """The component breaks its contract; the message says what is wrong and what to do.

    Attributes:
        cause: the cause, if other checks may fail for the same reason, e.g. an exception with its
            location. None for an error that only this check finds.
    """

    def __init__(self, message: str, cause: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class ReadOnlyWrittenError(CheckFailed):
    """A component wrote to an array that it may only read."""


class StateReplacedError(CheckFailed):
    """A component set an attribute of the `state` passed to it."""


class CheckSkipped(DeclnetError):  # noqa: N818  # how a check ends, as in a report
    """The check does not apply to this component; the message is the reason."""


class ConformanceError(DeclnetError, AssertionError):
    """A component failed checks, or there was nothing to check; the message lists each failure."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A component, built from one of its examples.

    Attributes:
        instance: the component.
        example: the position of its example, from 0.
        registry: where components that it names are looked up; includes the component's own class.
    """

    instance: Any
    example: int = 0
    registry: Registry = field(default_factory=declnet.default_registry)
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        """The kind of the component, e.g. `"layer"`."""
        return str(self.instance.kind)

    @property
    def component(self) -> str:
        """Kind and type, e.g. `"layer:scale"`."""
        return f"{self.instance.kind}:{self.instance.type}"

    def once(self, key: Any, compute: Callable[[], Result]) -> Result:
        """Return the result of `compute` for this key, or raise its failure; compute it once."""
        if key not in self._known:
            try:
                self._known[key] = compute()
            except (CheckFailed, CheckSkipped) as error:
                self._known[key] = error
        result: Result = self._known[key]
        if isinstance(result, CheckFailed | CheckSkipped):
            raise result
        return result


@dataclass(frozen=True)
class Check:
    """One thing that a contract promises.

    Attributes:
        name: its name in reports and expected failures.
        summary: what the component does if the check passes, in a sentence.
        function: takes a subject; raises CheckFailed or CheckSkipped, or returns.
    """

    name: str
    summary: str
    function: Callable[[Subject], None]

    def __call__(self, subject: Subject) -> None:
        """Run the check."""
        self.function(subject)


def check(function: Callable[[Subject], None]) -> Check:
    """Make a check from a function, its name and its docstring."""
    summary = (function.__doc__ or "").strip().splitlines()[0]
    return Check(function.__name__, summary, function)


def require(condition: object, fault: str) -> None:
    """Raise CheckFailed, with what is wrong and what to do, unless a condition holds."""
    if not condition:
        raise CheckFailed(fault)


def skip_unless(condition: object, reason: str) -> None:
    """Raise CheckSkipped, with the reason, unless a condition holds."""
    if not condition:
        raise CheckSkipped(reason)


def checks_in(module: Mapping[str, Any]) -> tuple[Check, ...]:
    """Return the checks that a module defines itself, given its `globals()`, in their order."""
    checks = (value for value in module.values() if isinstance(value, Check))
    return tuple(check for check in checks if check.function.__module__ == module["__name__"])


@contextmanager
def calling(
    what: str,
    skips: type[Exception] | tuple[type[Exception], ...] = (),
    allows: type[Exception] | None = None,
) -> Iterator[None]:
    """Turn exceptions and invalid return values of a component into a CheckFailed.

    Args:
        what: names the call in the message, e.g. `"forward"`.
        skips: exceptions that mean that the component cannot be checked here: they become a
            CheckSkipped.
        allows: an exception that the contract allows, which is raised as it is.
    """
    try:
        yield
    except (CheckFailed, CheckSkipped):
        raise
    except declnet.BrokenContractError as error:
        message = f"{error.method}() {error.fault} ({error.place})"
        raise CheckFailed(message, message) from error
    except skips as error:
        raise CheckSkipped(f"{what}: {error_message(error)}") from error
    except BaseException as error:
        if declnet.is_interruption(error) or (allows is not None and isinstance(error, allows)):
            raise
        place = error_place(error)
        cause = f"{type(error).__name__} at {place}" if place else None
        raise CheckFailed(f"{what} raised {described(error)}", cause) from error


def called(
    subject: Subject,
    method: Callable[Concatenate[Any, P], Result],
    *arguments: P.args,
    **keywords: P.kwargs,
) -> Result:
    """Call a method of the component; turn an exception or an invalid result into a CheckFailed."""
    with calling(method.__name__):
        return verified(method, subject.instance, *arguments, **keywords)


def why_unavailable(component: Any) -> str | None:
    """Return why a component, or its class, cannot be used on this machine; None if it can."""
    reason: str | None = verified(component.contract().unavailable, component)
    return reason


def require_available(component: Any) -> None:
    """Raise CheckSkipped if a component, or its class, cannot be used on this machine."""
    with calling("unavailable"):
        reason = why_unavailable(component)
    skip_unless(reason is None, f"it cannot be used here: {reason}")


def described(error: BaseException) -> str:
    """Return an exception as one line: its class, its message and where it was raised."""
    place = error_place(error)
    return f"{error_summary(error)}{f' ({place})' if place else ''}"
