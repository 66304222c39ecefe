"""Threads: how many may run, and how one lets the others go first."""

import ctypes
import os
from functools import cache

LIMITS = ("DECLNET_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that limit the number of threads."""


def usable_threads() -> int:
    """Return how many threads may run at once: the process's cores, or fewer by a variable."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [int(os.environ[name]) for name in LIMITS if os.environ.get(name, "").isdecimal()]
    return max(1, min([cores or 1, *limits]))


@cache
def give_way_address() -> int:
    """Return the address of the system's function that lets another thread run."""
    name = "SwitchToThread" if os.name == "nt" else "sched_yield"
    library = ctypes.CDLL("kernel32" if os.name == "nt" else None)
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
