"""A registered component, imported at once or when it is first needed."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from declnet.errors import RegistryError
from declnet.registry.plugin import Plugin


@dataclass
class Entry:
    """A component's kind and type, its origin, and its class.

    Attributes:
        reference: `"package.module:Class"` of a class that is not imported yet.
    """

    kind: str
    type: str
    plugin: Plugin
    reference: str | None = None
    _component: builtins.type[Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, component: builtins.type[Any], plugin: Plugin) -> Entry:
        """The entry of a class that is there.

        Raises:
            RegistryError: it is no component class, or breaks its contract.
        """
        verify = getattr(component, "verify_contract", None)
        if not isinstance(component, type) or verify is None:
            raise RegistryError(f"{component!r} is not a component class")
        verify()
        return cls(component.kind, component.type, plugin, None, component)

    @property
    def component(self) -> builtins.type[Any]:
        """The class, imported at the first use.

        Raises:
            RegistryError: it is no component class, breaks its contract, or is not what was
                announced.
            Exception: whatever its import raised.
        """
        if self._component is None:
            module, _, name = (self.reference or "").partition(":")
            component = getattr(import_module(module), name)
            found = Entry.of(component, self.plugin)
            if (found.kind, found.type) != (self.kind, self.type):
                raise RegistryError(
                    f'{self.reference} is {found.kind} "{found.type}", '
                    f'but was announced as {self.kind} "{self.type}"'
                )
            self._component = component
        return self._component

    def is_class(self, component: builtins.type[Any]) -> bool:
        """Whether this is the entry of a class; imports nothing."""
        return self._component is component or (
            f"{component.__module__}:{component.__qualname__}" == self.reference
        )
