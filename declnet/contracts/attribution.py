"""Attribution of errors to the component that raised them, and to its distribution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from declnet.contracts.component import Component
from declnet.contracts.returned import BrokenContractError
from declnet.errors import ComponentError, DeclnetError, error_message
from declnet.registry.plugin import is_from_core
from declnet.registry.registry import Registry


@contextmanager
def attributing_errors(registry: Registry) -> Iterator[None]:
    """Turn an exception or an invalid return value of a component into a ComponentError.

    Other exceptions pass through, as do declnet's own, which already say what is wrong, and
    KeyboardInterrupt. A component that calls `sys.exit` has failed, whatever the code. This costs
    nothing until something is raised; the component is then the innermost one in the traceback.

    Args:
        registry: knows the components' plugins.

    Raises:
        ComponentError: from the component's exception.
    """
    try:
        yield
    except BrokenContractError as error:
        raise ComponentError(broken_contract(error, registry)) from error
    except (DeclnetError, KeyboardInterrupt):
        raise
    except BaseException as error:
        innermost = _innermost_component(error.__traceback__)
        if innermost is None or (not isinstance(error, Exception) and is_from_core(error)):
            raise
        component, method, place = innermost
        raise ComponentError(
            f"{named_component(component, registry)} raised {type(error).__name__} in "
            f"{method}() ({place}): {error_message(error)}"
        ) from error


def broken_contract(error: BrokenContractError, registry: Registry) -> str:
    """Describe an invalid return value in one sentence, with the component and distribution."""
    name = named_component(error.component, registry)
    place = f" ({error.place})" if error.place is not None else ""
    return f"{name}: {error.method}() {error.fault}{place}"


def named_component(component: type[Component], registry: Registry) -> str:
    """Return a component's kind and type, and where it came from."""
    plugin = registry.plugin_of(component)
    origin = f"of {plugin.described()}" if plugin else f"({component.__qualname__})"
    return f'{component.kind} "{component.type}" {origin}'


def _innermost_component(
    traceback: TracebackType | None,
) -> tuple[type[Component], str, str] | None:
    """Return the last frame of a traceback that runs a method of a component class."""
    innermost = None
    while traceback is not None:
        frame = traceback.tb_frame
        running = component_method(frame)
        if running is not None:
            innermost = *running, f"{frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return innermost


def component_method(frame: FrameType) -> tuple[type[Component], str] | None:
    """Return the component class whose method a frame runs, and the method; None for the core."""
    owner: Any = frame.f_locals.get("self", frame.f_locals.get("cls"))
    component = owner if isinstance(owner, type) else type(owner)
    is_component = issubclass(component, Component) and not component.is_contract()
    if not is_component or frame.f_globals.get("__name__", "").startswith("declnet."):
        return None
    return component, frame.f_code.co_name
