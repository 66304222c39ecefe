"""Names the component that raised, and the distribution that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from declnet.components.component import Component
from declnet.errors import ComponentError, DeclnetError
from declnet.registry.registry import Registry


@contextmanager
def blaming_components(registry: Registry) -> Iterator[None]:
    """Turns what a component raises into a ComponentError; other exceptions pass as they are.

    Declnet's own errors pass too: they say already what is wrong. Costs nothing until something is
    raised: the culprit is found in the traceback, where it is the innermost component at work.

    Args:
        registry: knows the components' plugins.

    Raises:
        ComponentError: from the component's exception.
    """
    try:
        yield
    except DeclnetError:
        raise
    except Exception as error:
        culprit = _innermost_component(error.__traceback__)
        if culprit is None:
            raise
        component, method, place = culprit
        plugin = registry.plugin_of(component)
        origin = f"of {plugin.described()}" if plugin else f"({component.__qualname__})"
        raise ComponentError(
            f'{component.kind} "{component.type}" {origin} raised {type(error).__name__} in '
            f"{method}() ({place}): {error}"
        ) from error


def _innermost_component(
    traceback: TracebackType | None,
) -> tuple[type[Component], str, str] | None:
    """The last frame of a traceback that runs a method of a component class."""
    found = None
    while traceback is not None:
        frame = traceback.tb_frame
        owner: Any = frame.f_locals.get("self", frame.f_locals.get("cls"))
        component = owner if isinstance(owner, type) else type(owner)
        own = issubclass(component, Component) and not component.is_contract()
        if own and not frame.f_globals.get("__name__", "").startswith("declnet."):
            place = f"{frame.f_code.co_filename}:{traceback.tb_lineno}"
            found = component, frame.f_code.co_name, place
        traceback = traceback.tb_next
    return found
