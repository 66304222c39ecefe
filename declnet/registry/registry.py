"""Component classes by kind and type, each with its plugin of origin."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any, Self

from declnet.display.words import kind_in_words, with_article
from declnet.errors import RegistryError, UnknownTypeError
from declnet.registry.entry import Entry
from declnet.registry.plugin import (
    FIRST_PARTY,
    LOCAL,
    Plugin,
    PluginFailure,
    loading_plugins,
    normalized,
    origins_in_words,
    running_plugin,
)
from declnet.registry.spelling import closest, is_misspelling, known_elsewhere


@dataclass(frozen=True)
class Conflict:
    """A type that several distributions offer.

    Attributes:
        plugins: the plugins that offer it, in load order.
        chosen: the plugin that specs get it from if they list none of them in `plugins`; None if
            they must list one.
    """

    kind: str
    type: str
    plugins: tuple[Plugin, ...]
    chosen: Plugin | None

    def __str__(self) -> str:
        return offered(self.kind, self.type, self.plugins)

    @property
    def consequence(self) -> str:
        """A phrase that says which one a spec gets."""
        if self.chosen is None:
            return "a spec must list one of them in `plugins`"
        return f"specs use the one from {self.chosen.origin}, unless they list another in `plugins`"


def offered(kind: str, name: str, plugins: Sequence[Plugin]) -> str:
    """Return a phrase that says which distributions offer a type."""
    return f'{kind_in_words(kind)} type "{name}" is offered by {origins_in_words(plugins)}'


def _absent(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return True
    return False


class Registry:
    """The installed components, independent of contracts: classes with a `kind` and a `type`.

    If several distributions offer one type, a spec gets it from a distribution that it prefers,
    else from declnet; if neither decides, it gets none. Broken components count too: one is
    never silently replaced by another distribution's.

    Attributes:
        plugins: all plugins found, broken or not.
        disabled: plugins found but not loaded, because they are disabled.
        failures: plugins and classes that could not be used, with the cause.
        preferred: normalized names of the preferred distributions.
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, list[Entry]]] = {}
        self._recorded: Mapping[tuple[str, str], Plugin] = {}
        self._known_origins: Mapping[tuple[str, str], Plugin] = {}
        self.preferred: frozenset[str] = frozenset()
        self.plugins: list[Plugin] = []
        self.disabled: list[Plugin] = []
        self.failures: list[PluginFailure] = []

    def preferring(self, distributions: Iterable[str]) -> Self:
        """Return a view of this registry that prefers these distributions.

        Components, plugins and failures are shared with this registry.
        """
        preferred = self.preferred | frozenset(map(normalized, distributions))
        return self if preferred == self.preferred else self._view(preferred=preferred)

    def as_recorded(self, components: Mapping[tuple[str, str], Plugin]) -> Self:
        """Return a view of this registry for a stored run; like `preferring`, it shares everything.

        Args:
            components: the only plugin to take each kind and type from, regardless of preference.
        """
        return self._view(_known_origins=components, _recorded=components)

    def with_known_origins(self, components: Mapping[tuple[str, str], Plugin]) -> Self:
        """Return a view of this registry whose hints say where missing components came from.

        Args:
            components: the plugin that each kind and type came from.
        """
        return self._view(_known_origins=components)

    def earlier_origin(self, kind: str, name: str) -> Plugin | None:
        """Return the origin of a stored run's component, if another version is installed now."""
        origin = self._known_origins.get((kind, name))
        if origin is None or not origin.version:
            return None
        now = self.versions().get(normalized(origin.distribution), origin.version)
        return origin if now != origin.version else None

    def _view(self, **attributes: Any) -> Self:
        view = copy.copy(self)
        vars(view).update(attributes)
        return view

    def register(
        self,
        component: type[Any],
        plugin: Plugin = LOCAL,
        contract_version: int | None = None,
    ) -> None:
        """Add a class under its kind and type.

        Args:
            component: the class.
            plugin: the plugin that it comes from.
            contract_version: the version of its contract that it was written for; None for any.

        Raises:
            RegistryError: it is not a component class, breaks its contract or was written for
                another version of the contract, or its type is taken.
        """
        self.add(Entry.of(component, plugin, contract_version))

    def add(self, entry: Entry) -> None:
        """Add an entry; raise RegistryError if its distribution or a program has its type."""
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
        """Look up a component, and import its class if necessary.

        Raises:
            UnknownTypeError: there is none (with a suggestion, or the cause if a broken plugin
                announced it), or several distributions offer it.
        """
        candidates = self._candidates(kind, name)
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise self._ambiguous(kind, name, [entry.plugin for entry in candidates])
        recorded = self._recorded.get((kind, name))
        for failure in self.failures:
            belongs = recorded is None or failure.plugin.is_of(recorded.distribution)
            if (failure.kind, failure.type) == (kind, name) and belongs:
                message = f'{kind_in_words(kind)} type "{name}" cannot be loaded'
                hint = f"{failure.plugin} has it, but is broken: {failure.cause}"
                raise UnknownTypeError(message, hint, "E016")
        message = f'{kind_in_words(kind)} type "{name}" is not installed'
        near, is_sure = self._meant(kind, name)
        raise UnknownTypeError(
            message, self._hint(kind, name, near), meant=near if is_sure else None
        )

    def find(self, kind: str, name: str) -> type[Any]:
        """Look up a class; raises like `entry`."""
        return self.entry(kind, name).component

    def kinds(self) -> list[str]:
        """Return the kinds that have at least one component, sorted."""
        return sorted(kind for kind in self._entries if self.types(kind))

    def types(self, kind: str) -> list[str]:
        """Return the types of a kind, sorted, without importing anything."""
        return sorted(name for name, entries in self._entries.get(kind, {}).items() if entries)

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Import and yield every component that a spec can have, of one kind or of all.

        Sorted by kind and type. Types with an undecided conflict are left out.
        """
        for kind_name in self.kinds() if kind is None else [kind]:
            for name in self.types(kind_name):
                yield from self._only(kind_name, name)

    def replacing(self, kind: str, types: tuple[str, ...] | None) -> Iterator[Entry]:
        """Do the same for components of a kind that replace these types, in this order.

        Args:
            kind: the kind.
            types: the types; None for components that were announced without any.
        """
        for name in self.types(kind):
            if any(entry.replaces == types for entry in self._entries[kind][name]):
                yield from (entry for entry in self._only(kind, name) if entry.replaces == types)

    def replaced(self, kind: str) -> frozenset[tuple[str, ...]]:
        """Return the types that components of a kind replace together, without importing any."""
        replaced = (entry.replaces for entry in self._announced(kind))
        return frozenset(types for types in replaced if types is not None)

    def covering(self, kind: str, name: str, file_format: str) -> Iterator[Entry]:
        """Import and yield the components of a kind that replace a type, in one format.

        They are in the order of registration, declnet's own first. No others are imported, unless
        they were announced without a format or types.

        Args:
            kind: the kind, e.g. `translation`.
            name: the type that they replace, alone or among others.
            file_format: the format, as `Register.lazily` takes it.
        """
        for entry in tuple(self._announced(kind)):
            is_for_type = not entry.replaces or name in entry.replaces
            if is_for_type and entry.format in (file_format, None):
                yield from self._usable([entry])

    def offers(self, kind: str | None = None, name: str | None = None) -> Iterator[Entry]:
        """Import and yield every working component, from all distributions.

        Sorted by kind and type; restricted to one kind and one type, if given.
        """
        entries = [entry for entry in self._announced(kind) if name in (None, entry.type)]
        yield from self._usable(sorted(entries, key=lambda entry: (entry.kind, entry.type)))

    def _announced(self, kind: str | None = None) -> Iterator[Entry]:
        """Yield every entry, of one kind or of all, in the order of registration."""
        for types in self._entries.values() if kind is None else [self._entries.get(kind, {})]:
            for entries in types.values():
                yield from entries

    def offering(self, kind: str, name: str) -> tuple[Plugin, ...]:
        """Return the plugins that announce a type, working or not, without importing anything."""
        working = [entry.plugin for entry in self._entries.get(kind, {}).get(name, ())]
        broken = [
            failure.plugin
            for failure in self.failures
            if (failure.kind, failure.type) == (kind, name)
        ]
        return tuple(dict.fromkeys([*working, *broken]))

    def conflicts(self) -> list[Conflict]:
        """Return the types that several distributions offer, sorted by kind and type."""
        conflicts = []
        for kind in self.kinds():
            for name in self.types(kind):
                plugins = tuple(entry.plugin for entry in self._entries[kind][name])
                if len(plugins) > 1:
                    candidates = self._candidates(kind, name)
                    chosen = candidates[0].plugin if len(candidates) == 1 else None
                    conflicts.append(Conflict(kind, name, plugins, chosen))
        return conflicts

    def plugin_of(self, component: type[Any]) -> Plugin | None:
        """Return the plugin that registered a class, or None if it is not registered."""
        entries = self._entries.get(component.kind, {}).get(component.type, ())
        return next((entry.plugin for entry in entries if entry.is_class(component)), None)

    def versions(self) -> dict[str, str]:
        """Return the version of each distribution that has components, by its normalized name."""
        plugins = (entry.plugin for entry in self._announced())
        return {normalized(plugin.distribution): plugin.version for plugin in plugins}

    def _only(self, kind: str, name: str) -> list[Entry]:
        """Return the working component of a type, or nothing if there is a conflict."""
        candidates = self._candidates(kind, name)
        return candidates if len(candidates) == 1 else []

    def _candidates(self, kind: str, name: str) -> list[Entry]:
        """Return the working components left for a type: one, unless there is a conflict."""
        entries = self._entries.get(kind, {}).get(name, [])
        recorded = self._recorded.get((kind, name))
        if recorded is not None:
            return self._usable(
                entry for entry in entries if entry.plugin.is_of(recorded.distribution)
            )
        offering = self.offering(kind, name)
        if len(offering) > 1:
            first_party = {normalized(FIRST_PARTY)}
            for names in (self.preferred - first_party, first_party):
                if any(normalized(plugin.distribution) in names for plugin in offering):
                    entries = [
                        entry for entry in entries if normalized(entry.plugin.distribution) in names
                    ]
                    break
        return self._usable(entries)

    def _usable(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries whose class can be imported; record a failed import once."""
        usable = []
        for entry in tuple(entries):
            if entry.is_imported:
                usable.append(entry)
                continue
            with loading_plugins:
                if entry not in self._entries[entry.kind][entry.type]:
                    continue  # another thread has recorded its failure
                with running_plugin(entry.plugin, partial(self._record_failure, entry)):
                    entry.component  # noqa: B018  # imports the class
                    usable.append(entry)
        return usable

    def _record_failure(self, entry: Entry, error: BaseException) -> None:
        self._entries[entry.kind][entry.type].remove(entry)
        failure = PluginFailure.of(entry.plugin, error, entry.kind, entry.type)
        self.failures.append(failure)

    def _ambiguous(self, kind: str, name: str, plugins: list[Plugin]) -> UnknownTypeError:
        names = [f'"{plugin.distribution}"' for plugin in plugins]
        if all(normalized(plugin.distribution) in self.preferred for plugin in plugins):
            hint = f"`plugins` lists {' and '.join(names)}; remove all but the one to use"
        else:
            hint = f"list the one to use, e.g. plugins = [{names[0]}]"
        return UnknownTypeError(offered(kind, name, plugins), hint, "E009")

    def _meant(self, kind: str, name: str) -> tuple[str | None, bool]:
        """Return the type that a name probably means, and whether that is certain."""
        others = {
            other: entry.type
            for entry in self.entries(kind)
            for other in vars(entry.component).get("other_types", ())
        }
        types = self.types(kind)
        elsewhere = known_elsewhere(name, others)
        if elsewhere is not None:
            return elsewhere, True
        near = closest(name, types)
        return near, near is not None and is_misspelling(name, near, types)

    def _hint(self, kind: str, name: str, close: str | None) -> str:
        origin = self._known_origins.get((kind, name))
        if origin is not None:
            for disabled in self.disabled:
                if disabled.is_of(origin.distribution):
                    return f"it came from {disabled}, which is disabled"
            for failure in self.failures:
                if failure.plugin.is_of(origin.distribution) and failure.type is None:
                    return f"it came from a broken plugin, {failure}"
            return origin.origin_hint()
        missing = [
            distribution
            for distribution in sorted(self.preferred - set(self.versions()))
            if _absent(distribution)
        ]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            return f"it may belong to {' or '.join(missing)}, which {verb} not installed"
        whole = [failure for failure in self.failures if failure.type is None]
        listed = [
            failure
            for failure in whole
            if normalized(failure.plugin.distribution) in self.preferred
        ]
        if listed:
            return f"the spec lists a broken plugin, {listed[0]}"
        types = self.types(kind)
        hint = f"installed {kind_in_words(kind, plural=True)}: {', '.join(types) or 'none'}"
        elsewhere = [other for other in self.kinds() if name in self.types(other)]
        if close is not None:
            hint = f'did you mean "{close}"?'
        elif elsewhere:
            hint = f'"{name}" is {with_article(elsewhere[0])}; {hint}'
        if len(whole) == 1:
            hint = f"it may belong to a broken plugin, {whole[0]}; {hint}"
        elif whole:
            names = ", ".join(dict.fromkeys(str(failure.plugin) for failure in whole))
            hint = f"it may belong to a broken plugin ({names}); `declnet plugins` says why; {hint}"
        if self.disabled:
            hint = f"disabled plugins: {', '.join(map(str, self.disabled))}; {hint}"
        return hint
