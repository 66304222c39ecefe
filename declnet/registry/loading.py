"""Calls a plugin's hook, so that the culprit of any fault is known."""

from __future__ import annotations

import pluggy

from declnet.registry import hookspec
from declnet.registry.entry import Entry
from declnet.registry.plugin import Plugin, PluginFailure, cause_of
from declnet.registry.registry import Registry


class _Registration:
    """The hook's argument; a class that is refused is a fault of its own."""

    def __init__(self, plugin: Plugin, registry: Registry) -> None:
        self._plugin, self._registry = plugin, registry

    def __call__(self, component: type) -> None:
        try:
            self._registry.register(component, self._plugin)
        except Exception as error:
            kind, name = getattr(component, "kind", None), getattr(component, "type", None)
            self._refuse(error, kind, name)

    def lazily(self, kind: str, name: str, reference: str) -> None:
        try:
            self._registry.add(Entry(kind, name, self._plugin, reference))
        except Exception as error:
            self._refuse(error, kind, name)

    def _refuse(self, error: Exception, kind: str | None, name: str | None) -> None:
        self._registry.failures.append(PluginFailure(self._plugin, cause_of(error), kind, name))


def load(module: object, plugin: Plugin, registry: Registry) -> None:
    """Register what a plugin's module (or object) offers through the hook.

    Each plugin has a plugin manager of its own: within one, an exception in one plugin's hook ends
    the call for all of them, and nothing says which plugin a class came from. So pluggy's call
    order and wrappers (`tryfirst`, `trylast`, `wrapper`) work among the implementations of one
    plugin, and plugins do not see each other: that declnet's own are loaded first, and that none
    hides another's type, is decided by the registry.

    A class that is refused is recorded as a failure; the plugin's others are registered.

    Raises:
        Exception: what the hook itself raised, or pluggy's report of a wrong or unknown hook.
    """
    hooks = pluggy.PluginManager(hookspec.PROJECT)
    hooks.add_hookspecs(hookspec)
    hooks.register(module, name=plugin.name)
    hooks.check_pending()
    if not hooks.hook.declnet_register.get_hookimpls():
        raise LookupError("it has no hook: mark a function declnet_register(register) @hookimpl")
    hooks.hook.declnet_register(register=_Registration(plugin, registry))
