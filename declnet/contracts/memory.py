"""This machine's memory, compared with what a run would allocate."""

from __future__ import annotations

import os

GIB = 2**30
MOST = 10**27
"""Upper bound for the reported size, in bytes."""


def machine_memory() -> int | None:
    """Return this machine's memory in bytes; None if the system does not report it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def beyond_memory(needed: int) -> str | None:
    """Return what to report if this machine has less memory than needed, in bytes, else None.

    For arrays whose size a key of the spec decides, before they are allocated. The text is a
    predicate, e.g. `needs 120.00 GiB of memory, this machine has 15.54 GiB`.
    """
    there = machine_memory()
    if there is None or needed <= there:
        return None
    size = min(needed, MOST) / GIB
    return f"needs {size:.2f} GiB of memory, this machine has {there / GIB:.2f} GiB"
