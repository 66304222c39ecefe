"""Origins of a run's components: recorded in the manifest and checked when a run is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import declnet
from declnet.contracts.component import Component, components_in
from declnet.contracts.execution.kernel import Kernel
from declnet.display.words import kind_in_words
from declnet.errors import OriginError
from declnet.graph.model import Model
from declnet.graph.parameters import initializer_of
from declnet.registry.discovery import default_registry
from declnet.registry.plugin import FIRST_PARTY, LOCAL, Plugin, normalized, origins_in_words
from declnet.registry.recorded import recorded_components
from declnet.registry.registry import Registry
from declnet.runs.notices import Notice
from declnet.runs.storage import folder
from declnet.runs.storage.documents import Manifest
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.spec.validate import load_spec


def used_components(
    spec: RunSpec, model: Model, kernels: Iterable[type[Kernel]], registry: Registry
) -> dict[str, dict[str, str]]:
    """Return the manifest's `components`: `distribution==version` for each kind and type.

    They include the initializers that layers of the model name, and kernels that replaced others.
    """
    as_built = registry.preferring(spec.model.preferred)
    initializers = [initializer_of(slot.parameter, as_built) for slot in model.store.slots]
    named = (component for _, component in components_in((spec, initializers)))
    used: set[type[Component]] = {*map(type, named), *kernels}
    components: dict[str, dict[str, str]] = {}
    for component in sorted(used, key=lambda component: (component.kind, component.type)):
        types = components.setdefault(component.kind, {})
        origin = registry.plugin_of(component) or LOCAL
        if component.type not in types or origin == LOCAL:  # a local class takes precedence
            types[component.type] = origin.requirement
    return components


@dataclass(frozen=True)
class Origins:
    """The component origins recorded in a manifest.

    Attributes:
        components: origins by kind and type.
    """

    components: Mapping[tuple[str, str], Plugin]

    @classmethod
    def recorded(cls, manifest: Manifest) -> Self:
        """Return the origins in a manifest."""
        return cls(recorded_components(manifest.components))

    def versions(self, *, kernels: bool = True) -> dict[str, str]:
        """Return the versions of all distributions by name, optionally excluding kernels."""
        used = [
            plugin
            for (kind, _), plugin in self.components.items()
            if kernels or kind != Kernel.kind
        ]
        return {plugin.distribution: plugin.version for plugin in used if plugin.version}

    def changed_versions(
        self, registry: Registry, without: frozenset[str] = frozenset()
    ) -> dict[str, tuple[str, str]]:
        """Return the versions then and now of distributions that have another one now, by name.

        Args:
            registry: what is installed now.
            without: leave out distributions with components of these kinds, and in any case those
                whose only components are kernels.
        """
        left_out = {
            plugin.distribution for (kind, _), plugin in self.components.items() if kind in without
        }
        now = {**registry.versions(), FIRST_PARTY: declnet.__version__}
        return {
            name: (version, now[normalized(name)])
            for name, version in sorted(self.versions(kernels=False).items())
            if now.get(normalized(name), version) != version and name not in left_out
        }

    def as_seen(self, registry: Registry) -> Registry:
        """Return a registry as the run sees it, with each component from its recorded origin."""
        return registry.as_recorded(self.components)

    def moved(self, registry: Registry, *, kernels: bool) -> Iterator[tuple[str, Plugin]]:
        """Yield a description and the origin of each component now offered only elsewhere."""
        for (kind, name), plugin in self.components.items():
            offering = registry.offering(kind, name) if kernels or kind != Kernel.kind else ()
            if offering and not any(offered.is_of(plugin.distribution) for offered in offering):
                now = f"but is now offered by {origins_in_words(offering)}"
                yield f'{kind_in_words(kind)} "{name}" came from {plugin.origin}, {now}', plugin


def spec_of_run(
    directory: Path,
    manifest: Manifest | None,
    registry: Registry | None = None,
    notice: Notice | None = None,
    *,
    training: bool = False,
) -> tuple[RunSpec, Registry]:
    """Load the spec from a run's folder, each component from the distribution used in the run.

    Args:
        directory: the run's folder.
        manifest: the run's manifest; None if it was killed before it wrote one.
        registry: where names are looked up; default: all installed plugins.
        notice: called with each warning of the spec.
        training: whether training continues, in which case kernels are checked too.

    Returns:
        The spec, and the registry as the run sees it.

    Raises:
        OriginError: a component would come from a different distribution.
        SpecError: a component is no longer installed.
    """
    registry = registry or default_registry()
    recorded = Origins.recorded(manifest) if manifest is not None else Origins({})
    _require_none(directory, recorded.moved(registry, kernels=training), registry)
    view = recorded.as_seen(registry)
    spec = load_spec(directory / folder.SPEC, registry=view)
    if notice is not None:
        for warning in spec.source_map.warnings:
            notice(str(warning))
    return spec, registry_for(spec.plugins, view)


def _require_none(directory: Path, moved: Iterable[tuple[str, Plugin]], registry: Registry) -> None:
    """Raise OriginError if anything has moved."""
    all_moved = list(moved)
    if all_moved:
        sentences = dict.fromkeys(sentence for sentence, _ in all_moved)
        hints = dict.fromkeys(_hint(plugin, registry) for _, plugin in all_moved)
        raise OriginError(f"{directory}: {'; '.join(sentences)}", "; ".join(hints))


def _hint(plugin: Plugin, registry: Registry) -> str:
    """Return a hint on how to make a distribution's components available again."""
    for disabled in registry.disabled:
        if disabled.is_of(plugin.distribution):
            return f"{disabled} is disabled"
    for failure in registry.failures:
        if failure.plugin.is_of(plugin.distribution):
            return str(failure)
    if not plugin.distribution:
        return "hand over a registry with the components that the run had"
    return f'pip install "{plugin.requirement}"'
