"""Threads: how many are fastest, how one waits for others, their memory.

The number of threads is chosen by trials in turns, repeated less and less often, among those that
the system seldom preempts.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache
from math import inf
from time import perf_counter
from typing import NamedTuple, Self

import numpy as np

from declnet import Array


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
    functions = (
        ctypes.cast(function, ctypes.c_void_p).value for function in (get, put, library.malloc)
    )
    return np.array([key, *functions], np.int64)


class Usage(NamedTuple):
    """What steps took; or what the process has used since a fixed moment.

    Attributes:
        seconds: wall time.
        processor_seconds: the processor time of all threads.
        preemptions: how often the system has taken a core from a thread that could have continued;
            0 where it does not count them.
    """

    seconds: float
    processor_seconds: float = 0.0
    preemptions: int = 0

    @classmethod
    def now(cls, threads: int) -> Self:
        """Return what the process has used until now; of one thread, only the wall time.

        Preemptions cannot make it wait for others, and the system call takes two microseconds.
        """
        if threads > 1 and sys.platform != "win32":
            import resource

            used = resource.getrusage(resource.RUSAGE_SELF)
            return cls(perf_counter(), used.ru_utime + used.ru_stime, used.ru_nivcsw)
        return cls(perf_counter())

    def since(self, start: Usage) -> Usage:
        """Return what was used since `start`."""
        return Usage(
            self.seconds - start.seconds,
            self.processor_seconds - start.processor_seconds,
            self.preemptions - start.preemptions,
        )


class Pace:
    """The choice of the number of threads for steps, by their speed and the load of the cores.

    Each number is tried several times in turns, so that other processes disturb all of them
    equally, and its fastest trial counts. More threads are chosen only if they are clearly faster.
    The trials are repeated, less and less often, since other processes come and go. Steps that are
    long are tried once, but several of them: a thread that has just been woken may share a core for
    a while, and finds nothing in its caches.

    Threads that share their cores with other processes wait for each other, so a number whose
    threads are often preempted is excluded until the next trials, and all larger ones with it. What
    exceeds a tolerated rate of preemptions is added up and forgotten as they run undisturbed.

    Args:
        most: the largest number of threads.

    Attributes:
        most: the largest number of threads.
        chosen: the number to use between trials.
    """

    def __init__(self, most: int) -> None:
        self.most, self.chosen = most, 1
        self._numbers = sorted({min(most, 2**i) for i in range(most.bit_length() + 1)})
        self._excess = dict.fromkeys(self._numbers, 0.0)
        self._rest, self._seconds_a_step = REST, inf
        self._start_trials()

    def _start_trials(self) -> None:
        self._spent = 0.0
        self._trials = self._numbers * TURNS
        self._fastest = dict.fromkeys(self._numbers, inf)
        self._start(TRIAL)

    def _start(self, seconds: float) -> None:
        self._left, self._seconds, self._runs, self._fastest_run = seconds, 0.0, 0, inf

    def following(self, steps: int) -> tuple[int, int]:
        """Return a number of threads, and how many of some steps to make with it."""
        if self.most == 1:
            return 1, steps
        seconds = min(self._left - self._seconds, LONGEST_RUN)
        affordable = 1 + max(0, int(seconds / self._seconds_a_step))
        return self._trials[0] if self._trials else self.chosen, min(steps, affordable)

    def took(self, steps: int, usage: Usage) -> None:
        """Take note of what these steps took."""
        if self.most == 1 or steps == 0:
            return
        threads = self._trials[0] if self._trials else self.chosen
        self._seconds_a_step = usage.seconds / steps
        self._runs, self._seconds = self._runs + 1, self._seconds + usage.seconds
        self._fastest_run = min(self._fastest_run, self._seconds_a_step)
        self._spent += usage.seconds if self._trials else 0.0
        long = self._seconds_a_step > TRIAL / 2
        if threads > 1 and self._is_crowded(threads, usage):
            self._trials = [number for number in self._trials if number < threads]
            self._fastest = {n: self._fastest[n] for n in self._fastest if n < threads}
        elif self._seconds < self._left or (self._trials and long and self._runs < LONG_RUNS):
            return
        elif self._trials:
            self._fastest[threads] = min(self._fastest[threads], self._fastest_run)
            del self._trials[0]
        else:
            self._start_trials()
            return
        if long and len(self._trials) % len(self._fastest) == 0:
            self._trials = []  # a long step tells enough
        self._start(TRIAL)
        if not self._trials:
            self._choose()

    def _is_crowded(self, threads: int, usage: Usage) -> bool:
        """Return whether the system preempts so many threads too often, also before this usage."""
        excess = self._excess[threads] + usage.preemptions - TOLERATED * usage.processor_seconds
        self._excess[threads] = min(max(0.0, excess), EXCESSIVE)
        return self._excess[threads] == EXCESSIVE

    def _choose(self) -> None:
        best = min(self._fastest, key=self._fastest.__getitem__)
        if self._fastest[best] < CLEARLY * self._fastest.get(self.chosen, inf):
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

LONGEST_RUN = 0.05
"""Seconds of steps between two looks at the preemptions."""

TOLERATED, EXCESSIVE = 50.0, 5.0
"""Preemptions per second of processor time that have other reasons than competition, and the number
beyond it that excludes a number of threads. Systems preempt for an equal rival every 3 to 12 ms."""

CLEARLY = 0.95
"""The ratio of durations below which another number of threads is taken."""
