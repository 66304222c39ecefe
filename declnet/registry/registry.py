"""Component classes by kind and type, each with the plugin that it came from."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from declnet.errors import RegistryError, UnknownTypeError
from declnet.registry.spelling import suggestion


@dataclass(frozen=True, order=True)
class Plugin:
    """An entry point of an installed distribution (of this process, for classes added by hand)."""

    name: str
    distribution: str = "(this program)"
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")


@dataclass(frozen=True)
class Entry:
    """A registered class and its origin."""

    kind: str
    type: str
    component: builtins.type[Any]
    plugin: Plugin


@dataclass(frozen=True)
class Fault:
    """A plugin, or one class of it, that could not be used.

    Attributes:
        cause: the exception in words, e.g. `"ImportError: no module named …"`.
        kind: the kind of the refused class, where it is known.
        type: the type of the refused class, where it is known.
    """

    plugin: Plugin
    cause: str
    kind: str | None = None
    type: str | None = None


LOCAL = Plugin("local")


class Registry:
    """The installed components; knows no contract, only that a class has a `kind` and a `type`."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self.plugins: list[Plugin] = []
        self.faults: list[Fault] = []

    def register(self, component: type[Any], plugin: Plugin = LOCAL) -> None:
        """Adds a class under its kind and type.

        Raises:
            RegistryError: it is no component class, breaks its contract, or its type is taken.
        """
        verify = getattr(component, "verify_contract", None)
        if not isinstance(component, type) or verify is None:
            raise RegistryError(f"{component!r} is not a component class")
        verify()
        kind, name = component.kind, component.type
        taken = self._entries.get(kind, {}).get(name)
        if taken is not None:
            raise RegistryError(
                f'{kind} "{name}" is registered twice: by {taken.plugin} and by {plugin}'
            )
        self._entries.setdefault(kind, {})[name] = Entry(kind, name, component, plugin)

    def entry(self, kind: str, name: str) -> Entry:
        """Looks a class up, with the plugin that it came from.

        Raises:
            UnknownTypeError: with a suggestion, or the cause if a broken plugin would have had it.
        """
        entries = self._entries.get(kind, {})
        if name in entries:
            return entries[name]
        raise UnknownTypeError(f'unknown {kind} type "{name}"', self._hint(kind, name))

    def find(self, kind: str, name: str) -> type[Any]:
        """Looks a class up; raises as `entry` does."""
        return self.entry(kind, name).component

    def kinds(self) -> list[str]:
        """The kinds that have at least one component, sorted."""
        return sorted(kind for kind, entries in self._entries.items() if entries)

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every registered class, of one kind or of all, by kind and then type."""
        for each in self.kinds() if kind is None else [kind]:
            yield from sorted(self._entries.get(each, {}).values(), key=lambda entry: entry.type)

    def plugin_of(self, component: type[Any]) -> Plugin | None:
        """The plugin that registered a class, or None if it is not registered."""
        entry = self._entries.get(component.kind, {}).get(component.type)
        return entry.plugin if entry is not None and entry.component is component else None

    def _hint(self, kind: str, name: str) -> str:
        for fault in self.faults:
            if (fault.kind, fault.type) == (kind, name) or fault.plugin.name == name:
                return f"plugin {fault.plugin} is broken: {fault.cause}"
        hint = suggestion(name, self._entries.get(kind, {}), f"installed {kind} types")
        if self.faults and "did you mean" not in hint:
            broken = "; ".join(f"{fault.plugin}: {fault.cause}" for fault in self.faults)
            hint += f"; it may belong to a broken plugin: {broken}"
        return hint
