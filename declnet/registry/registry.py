"""Component classes by kind and type, each with the plugin that it came from."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from declnet.errors import RegistryError, UnknownTypeError
from declnet.registry.entry import Entry
from declnet.registry.plugin import (
    FIRST_PARTY,
    LOCAL,
    Plugin,
    PluginFailure,
    cause_of,
    normalized,
)
from declnet.registry.spelling import closest, kind_in_words, with_article


@dataclass(frozen=True)
class Conflict:
    """A type that several distributions offer.

    Attributes:
        kind: of the components.
        type: of the components.
        plugins: that offer it, in the order in which they were loaded.
        chosen: the plugin that specs get it from if they do not say; None if they must.
    """

    kind: str
    type: str
    plugins: tuple[Plugin, ...]
    chosen: Plugin | None


class Registry:
    """The installed components; knows no contract, only that a class has a `kind` and a `type`.

    Where several distributions offer one type, a spec gets the one of a distribution that it
    prefers, else declnet's own; of several others, none.

    Attributes:
        plugins: all that were found, broken or not.
        disabled: those that were found and not loaded, because somebody said so.
        failures: what could not be used, and why.
        preferred: normalized names of the distributions that are preferred.
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, list[Entry]]] = {}
        self.preferred: frozenset[str] = frozenset()
        self.plugins: list[Plugin] = []
        self.disabled: list[Plugin] = []
        self.failures: list[PluginFailure] = []

    def preferring(self, distributions: Iterable[str]) -> Self:
        """Return this registry as a spec sees it that lists these distributions.

        The components, plugins and failures are shared with this registry.
        """
        preferred = self.preferred | frozenset(map(normalized, distributions))
        if preferred == self.preferred:
            return self
        view = copy.copy(self)
        view.preferred = preferred
        return view

    def register(self, component: type[Any], plugin: Plugin = LOCAL) -> None:
        """Add a class under its kind and type.

        Raises:
            RegistryError: it is not a component class, breaks its contract, or its type is taken.
        """
        self.add(Entry.of(component, plugin))

    def add(self, entry: Entry) -> None:
        """Add an entry; raise RegistryError if its own distribution, or a program, has its type."""
        entries = self._entries.setdefault(entry.kind, {}).setdefault(entry.type, [])
        for other in entries:
            local = LOCAL in (entry.plugin, other.plugin)
            if local or other.plugin.distribution == entry.plugin.distribution:
                raise RegistryError(
                    f'{entry.kind} "{entry.type}" is registered twice: '
                    f"by {other.plugin} and by {entry.plugin}"
                )
        entries.append(entry)

    def entry(self, kind: str, name: str) -> Entry:
        """Look a component up, and import its class if that has not been done.

        Raises:
            UnknownTypeError: there is none, with a suggestion, or the cause if a broken plugin
                would have had it; or several distributions offer it.
        """
        entries = self._usable(kind, name)
        if entries:
            chosen = self._chosen(entries)
            if chosen is not None:
                return chosen
            raise UnknownTypeError(
                f'{kind_in_words(kind)} type "{name}" is offered by several distributions: '
                f"{', '.join(str(each.plugin) for each in entries)}",
                f'list the one to use, e.g. plugins = ["{entries[0].plugin.distribution}"]',
                "E009",
            )
        message = f'{kind_in_words(kind)} type "{name}" is not installed'
        for failure in self.failures:
            if (failure.kind, failure.type) == (kind, name):
                message = f'{kind_in_words(kind)} type "{name}" cannot be loaded'
                hint = f"{failure.plugin} has it, but is broken: {failure.cause}"
                raise UnknownTypeError(message, hint, "E016")
        raise UnknownTypeError(message, self._hint(kind, name))

    def find(self, kind: str, name: str) -> type[Any]:
        """Look a class up; raise as `entry` does."""
        return self.entry(kind, name).component

    def kinds(self) -> list[str]:
        """Return the kinds that have at least one component, sorted."""
        return sorted(kind for kind in self._entries if self.types(kind))

    def types(self, kind: str) -> list[str]:
        """Return the types of a kind, sorted; import nothing."""
        return sorted(name for name, each in self._entries.get(kind, {}).items() if each)

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Yield every component that a spec can have, of one kind or of all; import them.

        By kind and type; of types that several distributions offer, the chosen one.
        """
        for each in self.kinds() if kind is None else [kind]:
            for name in self.types(each):
                chosen = self._chosen(self._usable(each, name))
                if chosen is not None:
                    yield chosen

    def conflicts(self) -> list[Conflict]:
        """Return the types that several distributions offer, by kind and type."""
        return [
            Conflict(
                kind,
                name,
                tuple(each.plugin for each in entries),
                chosen.plugin if (chosen := self._chosen(entries)) is not None else None,
            )
            for kind in self.kinds()
            for name in self.types(kind)
            if len(entries := self._entries[kind][name]) > 1
        ]

    def plugin_of(self, component: type[Any]) -> Plugin | None:
        """Return the plugin that registered a class, or None if it is not registered."""
        entries = self._entries.get(component.kind, {}).get(component.type, ())
        return next((each.plugin for each in entries if each.is_class(component)), None)

    def offering(self, kind: str, name: str) -> tuple[Plugin, ...]:
        """Return the plugins that offer a type; import nothing."""
        return tuple(each.plugin for each in self._entries.get(kind, {}).get(name, ()))

    def _chosen(self, entries: list[Entry]) -> Entry | None:
        """The entry that a spec gets: the preferred, declnet's own, or the only one."""
        if len(entries) <= 1:
            return entries[0] if entries else None
        own = {normalized(FIRST_PARTY)}
        for names in (self.preferred - own, own):
            among = [each for each in entries if normalized(each.plugin.distribution) in names]
            if among:
                return among[0] if len(among) == 1 else None
        return None

    def _usable(self, kind: str, name: str) -> list[Entry]:
        """The entries whose class is there; if an import fails, that becomes a failure, once."""
        entries = self._entries.get(kind, {}).get(name, [])
        for entry in tuple(entries):
            try:
                entry.component  # noqa: B018  # the import is what is wanted
            except Exception as error:  # whatever a plugin's module does, the others go on
                entries.remove(entry)
                self.failures.append(PluginFailure(entry.plugin, cause_of(error), kind, name))
        return entries

    def _hint(self, kind: str, name: str) -> str:
        types = self.types(kind)
        hint = f"installed {kind_in_words(kind, plural=True)}: {', '.join(types) or 'none'}"
        close = closest(name, types)
        elsewhere = [other for other in self.kinds() if name in self.types(other)]
        if close is not None:
            hint = f'did you mean "{close}"?'
        elif elsewhere:
            hint = f'"{name}" is {with_article(elsewhere[0])}; {hint}'
        whole = [failure for failure in self.failures if failure.type is None]
        if len(whole) == 1:
            hint = f"it may belong to a broken plugin, {whole[0]}; {hint}"
        elif whole:
            names = ", ".join(dict.fromkeys(str(failure.plugin) for failure in whole))
            hint = f"it may belong to a broken plugin ({names}); `declnet plugins` says why; {hint}"
        if self.disabled:
            hint = f"disabled plugins: {', '.join(map(str, self.disabled))}; {hint}"
        return hint
