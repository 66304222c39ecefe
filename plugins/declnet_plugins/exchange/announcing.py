"""The announcement of a format's translations, without importing any of them."""

from __future__ import annotations

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
        translations: by module within the package and type, as `module:type`, the types of the
            components that a translation can write, separated by spaces.
    """
    for key, types in translations.items():
        module, _, name = key.partition(":")
        components = tuple(types.split())
        register.lazily("translation", name, f"{package}.{module}", components, file_format)
