"""What a check is given: a built component and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Subject:
    """A component, built from one of its examples.

    Attributes:
        instance: the component.
        example: the position of its example, from 0.
        registry: where components that it names are looked up; it has the component's own class.
    """

    instance: Any
    example: int = 0
    registry: Registry = field(default_factory=default_registry)
    _known: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        """The kind of the component, e.g. `"layer"`."""
        return str(self.instance.kind)

    @property
    def component(self) -> str:
        """Kind and type, e.g. `"layer:scale"`."""
        return f"{self.instance.kind}:{self.instance.type}"

    @property
    def label(self) -> str:
        """Kind, type and example, e.g. `"layer:scale[0]"`."""
        return f"{self.component}[{self.example}]"

    def once(self, name: str, find: Callable[[], Found]) -> Found:
        """What `find` gives, found at the first call and kept for later checks."""
        if name not in self._known:
            self._known[name] = find()
        found: Found = self._known[name]
        return found


def registry_with(classes: list[type[Any]]) -> Registry:
    """The installed components, with the given classes in place of any of the same types."""
    registry = Registry()
    own = {(cls.kind, cls.type): cls for cls in classes}
    for cls in own.values():
        registry.register(cls)
    for entry in default_registry().entries():
        if (entry.kind, entry.type) not in own:
            registry.add(entry)
    return registry
