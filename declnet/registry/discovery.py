"""Finds plugins by their entry points, one by one, so that a broken one costs nobody else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from declnet.errors import RegistryError
from declnet.registry.hookspec import PROJECT
from declnet.registry.loading import load
from declnet.registry.plugin import Plugin, PluginFailure, cause_of
from declnet.registry.registry import Registry

DISABLE = "DECLNET_DISABLE_PLUGINS"
"""Environment variable: names of plugins or distributions, with commas between, not to load."""

STRICT = "DECLNET_STRICT_PLUGINS"
"""Environment variable: if it is 1, any fault of any plugin is fatal."""

_discovering = threading.RLock()


def default_registry() -> Registry:
    """The registry of all installed plugins, discovered at the first call and then kept.

    Raises:
        RegistryError: with DECLNET_STRICT_PLUGINS=1, if a plugin has a fault.
    """
    with _discovering:
        return _discovered_once()


@lru_cache(maxsize=1)
def _discovered_once() -> Registry:
    return discover()


def discover(disabled: Iterable[str] = ()) -> Registry:
    """Loads every installed plugin into a new registry; faults are recorded in it.

    Args:
        disabled: names of plugins or distributions not to load, beside those that
            DECLNET_DISABLE_PLUGINS names.

    Raises:
        RegistryError: with DECLNET_STRICT_PLUGINS=1, if a plugin has a fault.
    """
    registry = Registry()
    off = {*disabled, *(name.strip() for name in os.environ.get(DISABLE, "").split(","))}
    for entry_point in sorted(entry_points(group=PROJECT), key=_order):
        plugin = plugin_of(entry_point)
        if {plugin.name, plugin.distribution} & off:
            registry.disabled.append(plugin)
        else:
            _load_recorded(entry_point, plugin, registry)
    if os.environ.get(STRICT) == "1":
        list(registry.entries())
        if registry.failures:
            raise RegistryError("\n  ".join([f"{STRICT}=1", *map(str, registry.failures)]))
    return registry


def _load_recorded(entry_point: EntryPoint, plugin: Plugin, registry: Registry) -> None:
    """Loads a plugin; whatever it raises becomes a fault."""
    for other in registry.plugins:
        if other.name == plugin.name:
            cause = f"its entry point has the name of {other}'s; both are loaded, rename one"
            registry.failures.append(PluginFailure(plugin, cause))
    registry.plugins.append(plugin)
    try:
        load(entry_point.load(), plugin, registry)
    except (Exception, SystemExit) as error:
        registry.failures.append(PluginFailure(plugin, cause_of(error)))


def plugin_of(entry_point: EntryPoint) -> Plugin:
    """What an entry point belongs to."""
    distribution = entry_point.dist
    if distribution is None:
        return Plugin(entry_point.name)
    return Plugin(entry_point.name, distribution.name, distribution.version)


def _order(entry_point: EntryPoint) -> tuple[bool, str, str]:
    """First-party plugins first, so that a later one cannot take their types away."""
    name = entry_point.dist.name if entry_point.dist else ""
    return name != PROJECT, name, entry_point.name
