"""Discovery of plugins by their entry points; each hook is called in isolation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec

import pluggy

from declnet.errors import RegistryError
from declnet.registry import hookspec
from declnet.registry.entry import Entry
from declnet.registry.plugin import (
    Plugin,
    PluginFailure,
    loading_plugins,
    running_plugin,
)
from declnet.registry.registry import Registry

DISABLE = "DECLNET_DISABLE_PLUGINS"
"""Environment variable: comma-separated names of plugins or distributions not to load."""

STRICT = "DECLNET_STRICT_PLUGINS"
"""Environment variable: if 1, any plugin failure or conflict is fatal."""


def default_registry() -> Registry:
    """Return the registry of all installed plugins, discovered on the first call and cached.

    Raises:
        RegistryError: with DECLNET_STRICT_PLUGINS=1, like `discover`.
    """
    with loading_plugins:
        return _discovered_once()


@lru_cache(maxsize=1)
def _discovered_once() -> Registry:
    return discover()


def discover(disabled: Iterable[str] = (), only: str | None = None) -> Registry:
    """Load installed plugins into a new registry; failures are recorded in it.

    Args:
        disabled: names of plugins or distributions not to load, in addition to the ones in
            DECLNET_DISABLE_PLUGINS.
        only: the plugin to load: an entry point, a distribution, or a package that has a
            `declnet_register` and may have no entry point; default: all installed ones.

    Raises:
        RegistryError: there is no such plugin; or with DECLNET_STRICT_PLUGINS=1, a plugin failed
            or several distributions offer the same type.
    """
    if only is not None:
        return _discover_one(only)
    registry = Registry()
    off = {*disabled, *(name.strip() for name in os.environ.get(DISABLE, "").split(","))}
    for entry_point in sorted(entry_points(group=hookspec.PROJECT), key=_order):
        plugin = plugin_of(entry_point)
        if {plugin.name, plugin.distribution} & off:
            registry.disabled.append(plugin)
        else:
            _load_recorded(entry_point.load, plugin, registry)
    if os.environ.get(STRICT) == "1":
        list(registry.offers())  # import lazily announced classes
        wrong = [*registry.failures, *registry.conflicts()]
        if wrong:
            raise RegistryError(f"{STRICT}=1: {'; '.join(map(str, wrong))}")
    return registry


def _discover_one(name: str) -> Registry:
    registry, points = Registry(), entry_points(group=hookspec.PROJECT)
    chosen = [point for point in points if point.name == name] or [
        point for point in points if plugin_of(point).is_of(name)
    ]
    for point in chosen:
        _load_recorded(point.load, plugin_of(point), registry)
    if not chosen:
        with suppress(ImportError, ValueError):
            if find_spec(name) is not None:
                _load_recorded(partial(import_module, name), Plugin(name), registry)
    if not registry.plugins:
        raise RegistryError(
            f'there is no plugin "{name}": no entry point, distribution or package has that name'
        )
    return registry


def _load_recorded(import_: Callable[[], object], plugin: Plugin, registry: Registry) -> None:
    """Load a plugin; record any exception as a failure."""
    for other in registry.plugins:
        if other.name == plugin.name:
            cause = f"{other} has an entry point of the same name; both are loaded, rename one"
            registry.failures.append(PluginFailure(plugin, cause))
    registry.plugins.append(plugin)

    def failed(error: BaseException) -> None:
        registry.failures.append(PluginFailure.of(plugin, error))

    with running_plugin(plugin, failed):
        load(import_(), plugin, registry)


def plugin_of(entry_point: EntryPoint) -> Plugin:
    """Return the plugin that an entry point names."""
    distribution = entry_point.dist
    if distribution is None:
        return Plugin(entry_point.name)
    return Plugin(entry_point.name, *_name_and_version(distribution))


@lru_cache(maxsize=8)
def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    metadata = distribution.metadata  # read and parsed each time
    return metadata["Name"], metadata["Version"]


def _order(entry_point: EntryPoint) -> tuple[bool, str, str]:
    """Sort first-party plugins first, then by the names of distributions."""
    name = _name_and_version(entry_point.dist)[0] if entry_point.dist else ""
    return name != hookspec.PROJECT, name, entry_point.name


class _Registration:
    """The hook's argument; each rejected class is recorded as a separate failure."""

    def __init__(self, plugin: Plugin, registry: Registry) -> None:
        self._plugin, self._registry = plugin, registry

    def __call__(self, component: type, *, contract_version: int = 1) -> None:
        try:
            self._registry.register(component, self._plugin, contract_version)
        except Exception as error:
            kind, name = getattr(component, "kind", None), getattr(component, "type", None)
            self._refuse(error, kind, name)

    def lazily(
        self,
        kind: str,
        name: str,
        module: str,
        replaces: tuple[str, ...] | None = None,
        format: str | None = None,  # noqa: A002  # as in the hook
        contract_version: int = 1,
    ) -> None:
        try:
            self._registry.add(
                Entry(kind, name, self._plugin, module, replaces, format, contract_version)
            )
        except Exception as error:
            self._refuse(error, kind, name)

    def _refuse(self, error: Exception, kind: str | None, name: str | None) -> None:
        self._registry.failures.append(PluginFailure.of(self._plugin, error, kind, name))


def load(module: object, plugin: Plugin, registry: Registry) -> None:
    """Register what a plugin's module (or object) offers through the hook.

    Each plugin has a separate plugin manager, since with a shared one an exception in one plugin's
    hook would end the call for all plugins, and the plugin that a class came from would be unknown.
    So pluggy's call order and wrappers (`tryfirst`, `trylast`, `wrapper`) work only among the
    implementations of one plugin (further functions with `@hookimpl(specname="declnet_register")`).
    Order between plugins does not matter: the registry decides which distribution provides a type.

    A rejected class is recorded as a failure; the plugin's other classes are registered. A hook
    with an unknown name is an error, which does not undo what other hooks registered.

    Raises:
        Exception: the hook's own exception, or pluggy's error for an invalid or unknown hook.
    """
    hooks = pluggy.PluginManager(hookspec.PROJECT)
    hooks.add_hookspecs(hookspec)
    hooks.register(module, name=plugin.name)
    hooks.hook.declnet_register(register=_Registration(plugin, registry))
    hooks.check_pending()
    if not hooks.hook.declnet_register.get_hookimpls():
        raise LookupError(
            "no hook found: decorate a function declnet_register(register) with @hookimpl"
        )
