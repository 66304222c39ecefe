"""The announcement of a format's translations, without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from declnet import Register


def announce_translations(
    register: Register, package: str, file_format: str, translations: Mapping[str, str]
) -> None:
    """Announce translations of a format, each of which is imported for models that need it.

    Args:
        register: what the hook gets.
        package: the package of the translations' modules.
        file_format: the type of the exporter.
        translations: by class, as `module:Class` within the package, the types of the components
            that it can write, separated by spaces.
    """
    for reference, types in translations.items():
        module, _, name = reference.partition(":")
        register.lazily(
            "translation",
            type_of_class(name),
            f"{package}.{module}",
            tuple(types.split()),
            file_format,
        )


def type_of_class(name: str) -> str:
    """Return the name of a class in lower case, with underscores between words."""
    return re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
