"""Checks: functions of a subject, and their three possible outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Any, Concatenate, ParamSpec, TypeVar

from declnet.contracts.component import Component
from declnet.contracts.returned import BrokenContractError, verified, why_unavailable
from declnet.errors import DeclnetError, error_message, error_summary
from declnet.registry.discovery import default_registry
from declnet.registry.plugin import is_interruption
from declnet.registry.registry import Registry

P = ParamSpec("P")
Found = TypeVar("Found")

NOT_PLUGINS = ("declnet", "contextlib", "importlib", "numpy", "pydantic")
"""Packages that import components, call their methods, or the objects these return."""


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
    registry: Registry = field(default_factory=default_registry)
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        """The kind of the component, e.g. `"layer"`."""
        return str(self.instance.kind)

    @property
    def component(self) -> str:
        """Kind and type, e.g. `"layer:scale"`."""
        return f"{self.instance.kind}:{self.instance.type}"

    def once(self, key: Any, find: Callable[[], Found]) -> Found:
        """Return the cached result of `find` for this key."""
        if key not in self._known:
            self._known[key] = find()
        found: Found = self._known[key]
        return found


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


@contextmanager
def calling(what: str, skips: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn exceptions and invalid return values of a component into a CheckFailed.

    `what` names the call in the message, e.g. `"forward"`. Exceptions in `skips` mean that the
    component cannot be checked here: they become a CheckSkipped.
    """
    try:
        yield
    except (CheckFailed, CheckSkipped):
        raise
    except BrokenContractError as error:
        message = f"{error.method}() {error.fault} ({error.place})"
        raise CheckFailed(message, message) from error
    except skips as error:
        raise CheckSkipped(f"{what}: {error_message(error)}") from error
    except BaseException as error:
        if is_interruption(error):
            raise
        place = place_of(error)
        cause = f"{type(error).__name__} at {place}" if place else None
        raise CheckFailed(f"{what} raised {described(error)}", cause) from error


def called(
    subject: Subject,
    method: Callable[Concatenate[Any, P], Found],
    *arguments: P.args,
    **keywords: P.kwargs,
) -> Found:
    """Call a method of the component; turn an exception or an invalid result into a CheckFailed."""
    with calling(method.__name__):
        return verified(method, subject.instance, *arguments, **keywords)


def require_available(component: Component) -> None:
    """Raise CheckSkipped if the component cannot be used on this machine."""
    with calling("unavailable"):
        reason = why_unavailable(component)
    if reason is not None:
        raise CheckSkipped(f"it cannot be used here: {reason}")


def described(error: BaseException) -> str:
    """Return an exception as one line: its class, its message and where it was raised."""
    place = place_of(error)
    return f"{error_summary(error)}{f' ({place})' if place else ''}"


def place_of(error: BaseException) -> str | None:
    """Return the file and line of the innermost frame in a plugin's own code, if there is one.

    This is the first package called outside declnet's core; frames inside NumPy, for example, are
    not shown.
    """
    own, place = None, None
    for frame, line in walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if own is None and package not in NOT_PLUGINS:
            own = package
        if own == package:
            place = f"{frame.f_code.co_filename}:{line}"
    return place
