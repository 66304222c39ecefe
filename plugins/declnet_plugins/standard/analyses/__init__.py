"""Analyses of trained models."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.analyses.drift import Drift as Drift
    from declnet_plugins.standard.analyses.groups import Groups as Groups
    from declnet_plugins.standard.analyses.importance import Importance as Importance
    from declnet_plugins.standard.analyses.partial_dependence import (
        PartialDependence as PartialDependence,
    )

ANALYSES = {
    "drift": ("drift", "Drift"),
    "groups": ("groups", "Groups"),
    "importance": ("importance", "Importance"),
    "partial_dependence": ("partial_dependence", "PartialDependence"),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in ANALYSES.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when it is named."""
    for type_name, (file, _) in ANALYSES.items():
        register.lazily("analysis", type_name, f"{__name__}.{file}")
