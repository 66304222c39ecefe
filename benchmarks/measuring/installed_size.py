"""The size of declnet and of what it requires, as installed in this environment."""

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def megabytes(*extras: str) -> float:
    """Return the millions of bytes of declnet with extras and of all that they require.

    Raises:
        PackageNotFoundError: something of it is not installed.
    """
    sizes = (file.stat().st_size for name in required(*extras) for file in files_of(name))
    return sum(sizes) / 1e6


def required(*extras: str) -> set[str]:
    """Return the names of declnet and of all distributions that it requires with extras."""
    done, waiting = set[tuple[str, str]](), [("declnet", extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name.lower(), extra) not in done:
            done.add((name.lower(), extra))
            for requirement in map(Requirement, distribution(name).requires or ()):
                marker = requirement.marker
                if marker is None or marker.evaluate({"extra": extra}):
                    waiting += [(requirement.name, extra) for extra in ("", *requirement.extras)]
    return {_normalized(distribution(name)) for name, _ in done}


def files_of(name: str) -> Iterator[Path]:
    """Yield the files of an installed distribution, without compiled modules."""
    for file in distribution(name).files or ():
        path = Path(str(file.locate()))
        if path.suffix != ".pyc" and path.is_file():
            yield path


def _normalized(installed: Distribution) -> str:
    return installed.metadata["Name"].lower().replace("_", "-").replace(".", "-")
