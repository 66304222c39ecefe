"""The sets by name: those that defaults may be chosen on, and those that are only reported."""

from __future__ import annotations

from collections.abc import Iterator

from tabular.development import DEVELOPMENT, ORIGINAL, RARE, TEXTS
from tabular.reporting import REPORTING
from tabular.table_set import Listing, TableSet
from tabular.wheels import is_installed, read

GROUPS = {
    "development": DEVELOPMENT,
    "original": ORIGINAL,
    "rare": RARE,
    "texts": TEXTS,
    "reporting": REPORTING,
}
"""Sets that are chosen together; the first three after "development" are parts of it."""

LISTINGS = {listing.name: listing for listing in (*DEVELOPMENT, *REPORTING)}


def names() -> Iterator[str]:
    """Yield the names of the sets whose packages are installed."""
    for name, listing in LISTINGS.items():
        if is_installed(listing):
            yield name


def members(group: str) -> list[str]:
    """Return the names of the sets of a group, in order."""
    return [listing.name for listing in GROUPS[group]]


def listing_of(name: str) -> Listing:
    """Return the entry of a set; raise ValueError for an unknown one."""
    if name not in LISTINGS:
        raise ValueError(f"no set {name!r}")
    return LISTINGS[name]


def load(name: str) -> TableSet:
    """Return a set by its name; raise ValueError for an unknown one."""
    return read(listing_of(name))
