"""The distributions that a run's components came from, as its manifest records them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from declnet.registry.discovery import default_registry
from declnet.registry.plugin import Plugin
from declnet.registry.registry import Registry
from declnet.stored import parse_json

MANIFEST = "manifest.json"
"""The manifest of a run's folder."""

SPEC = "spec.toml"
"""The spec of a run's folder."""


def recorded_components(
    components: Mapping[str, Mapping[str, str]],
) -> dict[tuple[str, str], Plugin]:
    """Return the plugin of each kind and type in a manifest's `components`."""
    return {
        (kind, name): recorded_plugin(*origin.partition("==")[::2])
        for kind, types in components.items()
        for name, origin in types.items()
    }


def recorded_plugin(distribution: str, version: str) -> Plugin:
    """Return the recorded plugin; classes registered by a program have no distribution."""
    name = distribution if version else "the program that made the run"
    return Plugin(name, distribution if version else "", version)


def registry_beside(spec: Path, registry: Registry | None) -> Registry | None:
    """Return a registry whose hints on missing components use the manifest next to a spec.

    Args:
        spec: the file of a spec; unless it is called as in a run's folder and the manifest beside
            it can be read, the registry is returned unchanged.
        registry: where names are looked up; default: all installed plugins.
    """
    if spec.name != SPEC:
        return registry
    recorded: dict[tuple[str, str], Plugin] = {}
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        manifest = parse_json((spec.parent / MANIFEST).read_bytes())
        recorded = recorded_components(manifest["components"])
    return (registry or default_registry()).with_known_origins(recorded) if recorded else registry
