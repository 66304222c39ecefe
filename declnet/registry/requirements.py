"""Requirements of distributions (PEP 508), compared with what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version


def unmet(requirement: str) -> str | None:
    """Return why the installed distributions do not meet a requirement; None if they do.

    Raises:
        ValueError: the text is not a PEP 508 requirement.
    """
    from packaging.requirements import Requirement  # rarely needed

    parsed = Requirement(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
        return None
    try:
        installed = version(parsed.name)
    except PackageNotFoundError:
        return f"{parsed.name} is not installed"
    if parsed.specifier.contains(installed, prereleases=True):
        return None
    return f"{parsed.name} {installed} is installed, but {parsed.specifier} is needed"


def unmet_requirements(distribution: str) -> str:
    """Return which requirements of a distribution are not met, with pip commands; empty if none."""
    try:
        required = requires(distribution) or ()
        faults = {requirement: unmet(requirement) for requirement in required}
    except (PackageNotFoundError, ValueError):
        return ""
    return "; ".join(
        f'{fault} (pip install "{requirement.partition(";")[0].strip()}")'
        for requirement, fault in faults.items()
        if fault is not None
    )
