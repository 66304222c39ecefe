"""The distributions that a spec needs: `plugins = ["declnet-wavelets>=1.2"]`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from pydantic import AfterValidator

from declnet.components.located_error import custom_error


def check_requirement(text: str) -> str:
    """The requirement as it is written, if an installed distribution fulfils it.

    Raises:
        PydanticCustomError: it is no PEP 508 requirement, or what it names is missing or of
            another version; the hint is the pip command that mends it.
    """
    from packaging import requirements  # only specs that need a distribution need it

    try:
        requirement = requirements.Requirement(text)
    except requirements.InvalidRequirement:
        message, hint = f'"{text}" is no requirement', 'write it as "name>=1.2" (PEP 508)'
        raise custom_error("requirement", message, hint=hint) from None
    if requirement.marker is not None and not requirement.marker.evaluate():
        return text
    mend = f'pip install "{text}"'
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        raise custom_error(
            "requirement", f"{requirement.name} is not installed", hint=mend
        ) from None
    if not requirement.specifier.contains(found, prereleases=True):
        raise custom_error(
            "requirement",
            f"{requirement.name} {found} is installed, but {requirement.specifier} is needed",
            hint=mend,
        )
    return text


Requirement = Annotated[str, AfterValidator(check_requirement)]
"""A PEP 508 requirement that an installed distribution fulfils."""
