"""What distributions require of others: PEP 508 requirements against what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version


def unmet(requirement: str) -> str | None:
    """Return how the installed distributions fall short of a requirement; None if they do not.

    Raises:
        ValueError: the text is not a PEP 508 requirement.
    """
    from packaging.requirements import Requirement  # rarely needed

    parsed = Requirement(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
        return None
    try:
        found = version(parsed.name)
    except PackageNotFoundError:
        return f"{parsed.name} is not installed"
    if parsed.specifier.contains(found, prereleases=True):
        return None
    return f"{parsed.name} {found} is installed, but {parsed.specifier} is needed"


def lacking(distribution: str) -> str:
    """Return what a distribution requires in vain, and how to install it; empty if nothing."""
    try:
        required = requires(distribution) or ()
        faults = {each: unmet(each) for each in required}
    except (PackageNotFoundError, ValueError):
        return ""
    return "; ".join(
        f'{fault} (pip install "{each.partition(";")[0].strip()}")'
        for each, fault in faults.items()
        if fault is not None
    )
