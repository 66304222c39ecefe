"""Threads: how many may run, how many are fastest, how one waits for others, their memory."""

import ctypes
import os
import platform
import sys
from functools import cache
from math import inf

import numpy as np

from declnet import Array

LIMITS = ("DECLNET_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that limit the number of threads."""


def usable_threads() -> int:
    """Return how many threads may run in parallel: the process's cores, or fewer by a variable."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [int(os.environ[name]) for name in LIMITS if os.environ.get(name, "").isdecimal()]
    return max(1, min([cores or 1, *limits]))


@cache
def give_way_address() -> int:
    """Return the address of the system's function that lets another thread run."""
    name = "SwitchToThread" if os.name == "nt" else "sched_yield"
    library = ctypes.CDLL("kernel32" if os.name == "nt" else None)
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


@cache
def futex() -> tuple[int, int]:
    """Return the address of the C library's `syscall`, and the number of Linux's futex.

    (0, 0) on other systems.
    """
    number = {"x86_64": 202, "aarch64": 98}.get(platform.machine())
    if number is None or sys.platform != "linux":
        return 0, 0
    function = ctypes.CDLL(None).syscall
    return ctypes.cast(function, ctypes.c_void_p).value or 0, number


@cache
def thread_memory() -> Array:
    """Return what `memory.thread_scratch` reads: a key of threads' own memory, and functions.

    int64 (4,): the key, the addresses of the system's functions that read and set its value in a
    thread, and of the C library's `malloc`. What a thread has allocated is freed when it ends.
    """
    if os.name == "nt":
        system, library = ctypes.CDLL("kernel32"), ctypes.CDLL("ucrtbase")
        key, get, put = system.FlsAlloc(library.free), system.FlsGetValue, system.FlsSetValue
    else:
        system = library = ctypes.CDLL(None)
        number = (ctypes.c_ulong if sys.platform == "darwin" else ctypes.c_uint)()
        if system.pthread_key_create(ctypes.byref(number), library.free):
            raise MemoryError("this process has too many keys of threads' own memory")
        key, get, put = number.value, system.pthread_getspecific, system.pthread_setspecific
    functions = (ctypes.cast(each, ctypes.c_void_p).value for each in (get, put, library.malloc))
    return np.array([key, *functions], np.int64)


class Pace:
    """The choice of the number of threads for steps, by their speed.

    Each number is tried several times in turns, so that other processes disturb all of them
    equally, and its fastest trial counts. More threads are taken only if they are clearly faster.
    The trials are repeated, less and less often, since other processes come and go. Steps that are
    long are tried once, but several of them: a thread that has just been woken may share a core for
    a while, and finds nothing in its caches.

    Args:
        most: the largest number of threads.

    Attributes:
        most: the largest number of threads.
        chosen: the number to take between trials.
    """

    def __init__(self, most: int) -> None:
        self.most, self.chosen = most, 1
        self._rest, self._seconds_a_step = REST, inf
        self._start_trials()

    def _start_trials(self) -> None:
        self._spent = 0.0
        numbers = sorted({min(self.most, 2**i) for i in range(self.most.bit_length() + 1)})
        self._trials, self._fastest = numbers * TURNS, dict.fromkeys(numbers, inf)
        self._start(TRIAL)

    def _start(self, seconds: float) -> None:
        self._left, self._seconds, self._runs, self._fastest_run = seconds, 0.0, 0, inf

    def following(self, steps: int) -> tuple[int, int]:
        """Return a number of threads, and how many of some steps to make with it."""
        if self.most == 1:
            return 1, steps
        affordable = 1 + max(0, int((self._left - self._seconds) / self._seconds_a_step))
        return self._trials[0] if self._trials else self.chosen, min(steps, affordable)

    def took(self, steps: int, seconds: float) -> None:
        """Take note of the duration of these steps."""
        if self.most == 1 or steps == 0:
            return
        self._seconds_a_step = seconds / steps
        self._runs, self._seconds = self._runs + 1, self._seconds + seconds
        self._fastest_run = min(self._fastest_run, self._seconds_a_step)
        long = self._seconds_a_step > TRIAL / 2
        if self._seconds < self._left or (self._trials and long and self._runs < LONG_RUNS):
            return
        if not self._trials:
            self._start_trials()
            return
        tried = self._trials.pop(0)
        self._fastest[tried] = min(self._fastest[tried], self._fastest_run)
        self._spent += self._seconds
        if long and len(self._trials) % len(self._fastest) == 0:
            self._trials = []  # a long step tells enough
        self._start(TRIAL)
        if not self._trials:
            self._choose()

    def _choose(self) -> None:
        best = min(self._fastest, key=self._fastest.__getitem__)
        if self._fastest[best] < CLEARLY * self._fastest[self.chosen]:
            self.chosen, self._rest = best, REST
        else:
            self._rest = min(LONGEST_REST, 2 * self._rest)
        self._start(max(self._rest, SPARING * self._spent))


TRIAL, TURNS = 0.004, 3
"""Seconds of steps by which a number of threads is judged, and how often."""

LONG_RUNS = 4
"""Runs of a step or two in a trial of long steps, of which the fastest counts."""

REST, LONGEST_REST = 0.25, 8.0
"""Seconds between trials, at first and at last."""

SPARING = 20
"""Times that trials took which at least pass before the next ones, also if steps are long."""

CLEARLY = 0.95
"""The ratio of durations below which another number of threads is taken."""
