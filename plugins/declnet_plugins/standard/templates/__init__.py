"""Spec templates for `declnet new`."""

from declnet import Register, hookimpl

TEMPLATES = {
    "examples": "binary classification linear mlp own_data regression table",
    "images": "images",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the templates; each module is imported when one of its types is used."""
    for module, types in TEMPLATES.items():
        for type_ in types.split():
            register.lazily("template", type_, f"{__name__}.{module}")
