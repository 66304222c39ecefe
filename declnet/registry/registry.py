"""Component classes by kind and type, each with the plugin that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from declnet.errors import RegistryError, UnknownTypeError
from declnet.registry.entry import Entry
from declnet.registry.plugin import LOCAL, Plugin, PluginFailure, cause_of
from declnet.registry.spelling import closest, kind_in_words, with_article


class Registry:
    """The installed components; knows no contract, only that a class has a `kind` and a `type`.

    Attributes:
        plugins: all that were found, broken or not.
        disabled: those that were found and not loaded, because somebody said so.
        faults: what could not be used, and why.
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self.plugins: list[Plugin] = []
        self.disabled: list[Plugin] = []
        self.faults: list[PluginFailure] = []

    def register(self, component: type[Any], plugin: Plugin = LOCAL) -> None:
        """Adds a class under its kind and type.

        Raises:
            RegistryError: it is no component class, breaks its contract, or its type is taken.
        """
        self.add(Entry.of(component, plugin))

    def add(self, entry: Entry) -> None:
        """Adds an entry; raises RegistryError if its type is taken."""
        taken = self._entries.get(entry.kind, {}).get(entry.type)
        if taken is not None:
            raise RegistryError(
                f'{entry.kind} "{entry.type}" is registered twice: '
                f"by {taken.plugin} and by {entry.plugin}"
            )
        self._entries.setdefault(entry.kind, {})[entry.type] = entry

    def entry(self, kind: str, name: str) -> Entry:
        """Looks a component up, and imports its class if that has not been done.

        Raises:
            UnknownTypeError: with a suggestion, or the cause if a broken plugin would have had it.
        """
        entry = self._entries.get(kind, {}).get(name)
        if entry is not None and self._is_usable(entry):
            return entry
        message = f'{kind_in_words(kind)} type "{name}" is not installed'
        for fault in self.faults:
            if (fault.kind, fault.type) == (kind, name):
                message = f'{kind_in_words(kind)} type "{name}" cannot be loaded'
                hint = f"{fault.plugin} has it, but is broken: {fault.cause}"
                raise UnknownTypeError(message, hint, "E016")
        raise UnknownTypeError(message, self._hint(kind, name))

    def find(self, kind: str, name: str) -> type[Any]:
        """Looks a class up; raises as `entry` does."""
        return self.entry(kind, name).component

    def kinds(self) -> list[str]:
        """The kinds that have at least one component, sorted."""
        return sorted(kind for kind, entries in self._entries.items() if entries)

    def types(self, kind: str) -> list[str]:
        """The types of a kind, sorted; imports nothing."""
        return sorted(self._entries.get(kind, {}))

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every usable component, of one kind or of all, by kind and type; imports them."""
        for each in self.kinds() if kind is None else [kind]:
            for name in self.types(each):
                entry = self._entries[each][name]
                if self._is_usable(entry):
                    yield entry

    def plugin_of(self, component: type[Any]) -> Plugin | None:
        """The plugin that registered a class, or None if it is not registered."""
        entry = self._entries.get(component.kind, {}).get(component.type)
        return entry.plugin if entry is not None and entry.is_class(component) else None

    def _is_usable(self, entry: Entry) -> bool:
        """Whether the class is there; if its import fails, that becomes a fault, once."""
        try:
            entry.component  # noqa: B018  # the import is what is wanted
        except Exception as error:  # whatever a plugin's module does, the others go on
            del self._entries[entry.kind][entry.type]
            self.faults.append(PluginFailure(entry.plugin, cause_of(error), entry.kind, entry.type))
            return False
        return True

    def _hint(self, kind: str, name: str) -> str:
        types = self.types(kind)
        hint = f"installed {kind_in_words(kind, plural=True)}: {', '.join(types) or 'none'}"
        close = closest(name, types)
        elsewhere = [other for other in self.kinds() if name in self._entries[other]]
        if close is not None:
            hint = f'did you mean "{close}"?'
        elif elsewhere:
            hint = f'"{name}" is {with_article(elsewhere[0])}; {hint}'
        whole = [fault for fault in self.faults if fault.type is None]
        if len(whole) == 1:
            hint = f"it may belong to a broken plugin, {whole[0]}; {hint}"
        elif whole:
            names = ", ".join(dict.fromkeys(str(fault.plugin) for fault in whole))
            hint = f"it may belong to a broken plugin ({names}); `declnet plugins` says why; {hint}"
        if self.disabled:
            hint = f"disabled plugins: {', '.join(map(str, self.disabled))}; {hint}"
        return hint
