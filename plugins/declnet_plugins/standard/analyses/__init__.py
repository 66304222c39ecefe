"""Analyses of trained models."""

from declnet import Register, hookimpl

ANALYSES = {
    "drift": "drift",
    "groups": "groups",
    "importance": "importance",
    "partial_dependence": "partial_dependence",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the analyses; each module is imported when a spec names one of its types."""
    for module, types in ANALYSES.items():
        for type_ in types.split():
            register.lazily("analysis", type_, f"{__name__}.{module}")
