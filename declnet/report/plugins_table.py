"""What `declnet plugins` prints: what is installed, and what is broken."""

from __future__ import annotations

from declnet.registry.registry import Registry
from declnet.report.terminal import print_table


def print_plugins(registry: Registry) -> None:
    """A row for each component by kind, then a row for each fault."""
    rows = [
        (entry.kind, entry.type, entry.plugin.name, entry.plugin.distribution, entry.plugin.version)
        for entry in registry.entries()
    ]
    print_table(None, ("kind", "type", "plugin", "distribution", "version"), rows)
    if registry.disabled:
        off = [(each.name, each.distribution, each.version) for each in registry.disabled]
        print_table("disabled plugins", ("plugin", "distribution", "version"), off)
    if registry.failures:
        broken = [
            (fault.plugin.name, fault.plugin.distribution, fault.plugin.version, fault.cause)
            for fault in registry.failures
        ]
        print_table("broken plugins", ("plugin", "distribution", "version", "cause"), broken)
