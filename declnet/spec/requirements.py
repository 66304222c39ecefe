"""The distributions that a spec requires: `plugins = ["declnet-wavelets>=1.2"]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from declnet.contracts.strict_model import custom_error
from declnet.registry.discovery import default_registry
from declnet.registry.plugin import unmet
from declnet.registry.registry import Registry


def check_requirement(text: str) -> str:
    """Return a requirement unchanged if an installed distribution satisfies it.

    Raises:
        PydanticCustomError: the text is not a PEP 508 requirement, or the distribution is missing
            or has another version; the hint is the pip command that installs it.
    """
    try:
        fault = unmet(text)
    except ValueError:
        message, hint = f'"{text}" is not a valid requirement', 'write it as "name>=1.2" (PEP 508)'
        raise custom_error("requirement", message, hint=hint) from None
    if fault is not None:
        raise custom_error("requirement", fault, hint=f'pip install "{text}"')
    return text


def registry_for(plugins: object, registry: Registry | None = None) -> Registry:
    """Return a registry that prefers components of the distributions that a spec lists.

    Args:
        plugins: the spec's `plugins`; an invalid value counts as empty.
        registry: where names are looked up; default: all installed plugins.
    """
    listed = plugins if isinstance(plugins, list | tuple) else ()
    names = [_distribution(requirement) for requirement in listed if isinstance(requirement, str)]
    return (registry or default_registry()).preferring(filter(None, names))


def _distribution(requirement: str) -> str | None:
    """Return the name in a PEP 508 requirement; None if it is malformed or does not apply."""
    from packaging import requirements

    try:
        parsed = requirements.Requirement(requirement)
    except requirements.InvalidRequirement:
        return None
    return parsed.name if parsed.marker is None or parsed.marker.evaluate() else None


Requirement = Annotated[str, AfterValidator(check_requirement)]
"""A PEP 508 requirement that an installed distribution satisfies."""
