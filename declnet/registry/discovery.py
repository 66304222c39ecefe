"""Finds plugins by their entry points, one by one, so that a broken one costs nobody else."""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from declnet.registry import hookspec
from declnet.registry.registry import Fault, Plugin, Registry

_discovering = threading.RLock()


def default_registry() -> Registry:
    """The registry of all installed plugins, discovered at the first call and then kept."""
    with _discovering:
        return _discovered_once()


@lru_cache(maxsize=1)
def _discovered_once() -> Registry:
    return discover()


def discover() -> Registry:
    """Loads every installed plugin into a new registry; faults are recorded in it, not raised."""
    registry = Registry()
    for entry_point in sorted(entry_points(group=hookspec.PROJECT), key=_order):
        plugin = _plugin(entry_point)
        registry.plugins.append(plugin)
        try:
            load(entry_point.load(), plugin, registry)
        except Exception as error:  # whatever a plugin does, the others go on
            registry.faults.append(Fault(plugin, f"{type(error).__name__}: {error}"))
    return registry


def load(module: object, plugin: Plugin, registry: Registry) -> None:
    """Registers what a plugin's module (or object) offers through the hook.

    A class that is refused is recorded as a fault of its own; the plugin's others are registered.

    Raises:
        Exception: what the hook itself raised, or pluggy's report of a wrong or unknown hook.
    """
    hooks = pluggy.PluginManager(hookspec.PROJECT)
    hooks.add_hookspecs(hookspec)
    hooks.register(module, name=plugin.name)
    hooks.check_pending()
    implementations = hooks.hook.declnet_register.get_hookimpls()
    if not implementations:
        raise LookupError("it has no hook: mark a function declnet_register(register) @hookimpl")

    def register(component: type) -> None:
        try:
            registry.register(component, plugin)
        except Exception as error:
            kind, name = getattr(component, "kind", None), getattr(component, "type", None)
            registry.faults.append(Fault(plugin, f"{type(error).__name__}: {error}", kind, name))

    for implementation in implementations:
        implementation.function(*([register] if implementation.argnames else []))


def _plugin(entry_point: EntryPoint) -> Plugin:
    distribution = entry_point.dist
    if distribution is None:
        return Plugin(entry_point.name)
    return Plugin(entry_point.name, distribution.name, distribution.version)


def _order(entry_point: EntryPoint) -> tuple[bool, str, str]:
    """First-party plugins first, so that a later one cannot take their types away."""
    name = entry_point.dist.name if entry_point.dist else ""
    return name != hookspec.PROJECT, name, entry_point.name
