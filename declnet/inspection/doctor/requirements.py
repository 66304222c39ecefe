"""What declnet's distribution requires, of its core and of each extra, and what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

DISTRIBUTION = "declnet"


@dataclass(frozen=True)
class Extra:
    """An extra of declnet.

    Attributes:
        installed: the versions of the distributions that it adds and that are installed.
        missing: why each of the others does not count.
        command: what installs it.
    """

    name: str
    installed: dict[str, str]
    missing: tuple[str, ...]
    command: str


def find_extras() -> Iterator[Extra]:
    """Yield the extras, by name, with what is installed of each."""
    for name in sorted(metadata(DISTRIBUTION).get_all("Provides-Extra") or ()):
        required = [*_required(name)]
        yield Extra(
            name,
            _installed(required),
            tuple(filter(None, map(_fault, required))),
            f"pip install '{DISTRIBUTION}[{name}]'",
        )


def core_packages() -> dict[str, str]:
    """Return the versions of the installed distributions that the core requires."""
    return _installed([*_required("")])


def unmet_core() -> Iterator[str]:
    """Yield what is wrong with the distributions that the core requires, with what installs it."""
    for requirement in _required(""):
        fault = _fault(requirement)
        if fault is not None:
            named = f"{requirement.name}{requirement.specifier}"
            yield f'{fault}: pip install "{named}"'


def _required(extra: str) -> Iterator[Requirement]:
    """Yield the requirements that an extra adds to the core, or the core's if it is empty."""
    for requirement in map(Requirement, requires(DISTRIBUTION) or ()):
        names = (name for name in ("", extra) if _applies(requirement, name))
        if next(names, None) == extra:
            yield requirement


def _applies(requirement: Requirement, extra: str) -> bool:
    """Return whether a requirement counts here, for the core or with an extra."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _installed(requirements: list[Requirement]) -> dict[str, str]:
    versions = {requirement.name: _version(requirement.name) for requirement in requirements}
    return {name: known for name, known in versions.items() if known is not None}


def _fault(requirement: Requirement) -> str | None:
    """Return why a requirement is not met; None if it is."""
    installed = _version(requirement.name)
    if installed is None:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(installed, prereleases=True):
        return None
    return f"{requirement.name} {installed} is installed, but {requirement.specifier} is needed"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
