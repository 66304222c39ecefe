"""Spec templates for `declnet new`."""

from declnet import Register, hookimpl

TEMPLATES = "binary classification images linear mlp own_data regression table"
"""The types that the module `examples` defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the templates; their module is imported when one is used."""
    for type_ in TEMPLATES.split():
        register.lazily("template", type_, f"{__name__}.examples")
