"""What `declnet plugins` prints: what is installed, what conflicts, and what is broken."""

from __future__ import annotations

from declnet.registry.registry import Registry
from declnet.report.terminal import print_table


def print_plugins(registry: Registry) -> None:
    """Print a row for each component by kind, then one for each conflict and each failure."""
    rows = [
        (entry.kind, entry.type, entry.plugin.name, entry.plugin.distribution, entry.plugin.version)
        for entry in registry.offers()
    ]
    print_table(None, ("kind", "type", "plugin", "distribution", "version"), rows)
    conflicts = registry.conflicts()
    if conflicts:
        several = [
            (
                each.kind,
                each.type,
                ", ".join(plugin.origin for plugin in each.plugins),
                each.chosen.origin if each.chosen is not None else "none: it must list one",
            )
            for each in conflicts
        ]
        title = "warning: several distributions offer one type; `plugins` in a spec decides"
        print_table(title, ("kind", "type", "offered by", "a spec gets by default"), several)
    if registry.disabled:
        off = [(each.name, each.distribution, each.version) for each in registry.disabled]
        print_table("disabled plugins", ("plugin", "distribution", "version"), off)
    if registry.failures:
        broken = [
            (each.plugin.name, each.plugin.distribution, each.plugin.version, each.cause)
            for each in registry.failures
        ]
        print_table("broken plugins", ("plugin", "distribution", "version", "cause"), broken)
