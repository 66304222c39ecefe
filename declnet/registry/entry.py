"""A component in a registry: its kind and type, its origin, and its class."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

from declnet.errors import RegistryError
from declnet.registry.plugin import Plugin


@dataclass
class Entry:
    """A component's kind and type, its origin, and its class.

    Attributes:
        module: the name of the module that defines the class, until it is imported.
        replaces: for a class with `replaces`, the types of the components that it stands for; None
            for other classes, and for one that was announced without them and is not imported yet.
        format: the `format` of such a class, if it has one; None as for `replaces`.
        contract_version: the version of its contract that it was written for; None for any.
    """

    kind: str
    type: str
    plugin: Plugin
    module: str = ""
    replaces: tuple[str, ...] | None = None
    format: str | None = None
    contract_version: int | None = None
    _component: builtins.type[Any] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, component: builtins.type[Any], plugin: Plugin, contract_version: int | None = None
    ) -> Entry:
        """Return the entry of an imported class.

        Raises:
            RegistryError: it is not a component class, breaks its contract, or was written for
                another version of the contract.
        """
        verify = getattr(component, "verify_contract", None)
        if not isinstance(component, type) or verify is None:
            raise RegistryError(f"{component!r} is not a component class")
        if contract_version is not None:
            _require_version(component, plugin, contract_version)
        verify()
        replaced = getattr(component, "replaces", None)
        replaces = None if replaced is None else types_of(replaced)
        written = getattr(component, "format", None) if replaces is not None else None
        version, name = contract_version, component.type
        return cls(component.kind, name, plugin, "", replaces, written, version, component)

    @property
    def is_imported(self) -> bool:
        """Whether the class has been imported."""
        return self._component is not None

    @property
    def component(self) -> builtins.type[Any]:
        """The class, imported on first use.

        Raises:
            RegistryError: the module defines no class of this kind and type, or the class breaks
                its contract or differs from what was announced.
            Exception: any exception from its import.
        """
        if self._component is None:
            announced = self._class_in(import_module(self.module))
            entry = Entry.of(announced, self.plugin, self.contract_version)
            if self.replaces not in (None, entry.replaces):
                raise RegistryError(
                    f"{self.module}:{announced.__name__} replaces {entry.replaces}, "
                    f"but was announced to replace {self.replaces}"
                )
            if self.format not in (None, entry.format):
                raise RegistryError(
                    f'{self.module}:{announced.__name__} writes the format "{entry.format}", '
                    f'but was announced for "{self.format}"'
                )
            self._component, self.replaces, self.format = announced, entry.replaces, entry.format
        return self._component

    def _class_in(self, module: ModuleType) -> builtins.type[Any]:
        for value in vars(module).values():
            if isinstance(value, type) and getattr(value, "kind", None) == self.kind:
                component: builtins.type[Any] = value
                if vars(component).get("type") == self.type:
                    return component
        raise RegistryError(f'{module.__name__} defines no {self.kind} "{self.type}"')

    def is_class(self, component: builtins.type[Any]) -> bool:
        """Return whether this is the entry of a class of its type, without importing anything."""
        return self._component is component or component.__module__ == self.module


def types_of(classes: Iterable[type[Any]]) -> tuple[str, ...]:
    """Return the types of classes; of one without a type, which is in no registry, its name."""
    return tuple(getattr(cls, "type", cls.__name__) for cls in classes)


def _require_version(component: type[Any], plugin: Plugin, version: int) -> None:
    """Raise RegistryError, with what to install, unless a class was written for its contract."""
    contract = component.contract() if hasattr(component, "kind") else None
    if contract is None or version == len(contract.contract_releases):
        return
    package, _, _ = contract.__module__.partition(".")
    package = next(iter(metadata.packages_distributions().get(package, ())), package)
    releases = contract.contract_releases
    with_version = f'pip install "{package}{_range(releases, version)}"'
    newer = f"pip install --upgrade {plugin.distribution or plugin.name}"
    raise RegistryError(
        f"{component.__name__} was written for version {version} of the contract "
        f"{contract.__name__}, but {package} {metadata.version(package)} has version "
        f"{len(releases)}",
        with_version if version > len(releases) else f"{newer}, or {with_version}",
    )


def _range(releases: Sequence[str], version: int) -> str:
    """Return which releases have a version of a contract, as a requirement."""
    if version > len(releases):
        return f">{releases[-1]}"
    return f">={releases[version - 1]},<{releases[version]}"
