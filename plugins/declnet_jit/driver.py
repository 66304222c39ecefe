"""The driver: calls compiled functions one after another, for many steps, without Python.

With several threads, each has its own tape: divisible calls do a part of their work in each thread,
others all of it in the first one. The threads wait for each other after each call, so the bits do
not depend on their number.
"""

from collections.abc import Sequence
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np

from declnet import Array, NativeCall, NativeLoop, StepLoop
from declnet_jit.routines.memory import call_block, store
from declnet_jit.routines.routine import Intrinsic, Routine
from declnet_jit.threads import give_way_address


@Intrinsic
def count(_context: Any, _address: Any) -> Any:
    """Increment the int64 at an address atomically, and return its value before."""
    from llvmlite import ir
    from numba import types

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        pointer = builder.inttoptr(arguments[0], word.as_pointer())
        return builder.atomic_rmw("add", pointer, word(1), "seq_cst")

    return types.int64(types.int64), generate


@Intrinsic
def load(_context: Any, _address: Any) -> Any:
    """Return the int64 at an address, as the last thread left it."""
    from llvmlite import ir
    from numba import types

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


def wait(parts: int, arrived: int, give_way: int) -> None:
    """Return when all threads have arrived here; give way to others after a while."""
    if parts == 1:
        return
    last = (count(arrived) // parts + 1) * parts
    turns = 0
    while load(arrived) < last:
        turns += 1
        if turns > PATIENCE:
            call_block(give_way, 0)


PATIENCE = 3000
"""Looks at the other threads' arrivals, about 10 µs, before a thread lets others run."""


@Routine
def run_calls(calls):  # type: ignore[no-untyped-def]
    """Make each call of a tape, (calls, 3): the address of a function, of its block, and a flag."""
    for i in range(calls.shape[0]):
        call_block(calls[i, 0], calls[i, 1])


@Routine
def run_steps(  # type: ignore[no-untyped-def]
    values, addresses, calls, update, is_finite, made, part, parts, arrived, give_way
):
    """Make steps until a loss is not finite.

    Each step writes a row of `values` to `addresses`, makes the calls, of which the last ones clear
    `is_finite` if a loss is not finite, and makes those of the update. `made` counts the steps.
    The address of a call is 0 where another thread makes it; the flag says whether to wait for
    the other threads afterwards.
    """
    for step in range(values.shape[0]):
        if part == 0:
            for i in range(addresses.size):
                store(addresses[i], values[step, i])
            is_finite[0] = 1
        wait(parts, arrived, give_way)
        for i in range(calls.shape[0]):
            if calls[i, 0] != 0:
                call_block(calls[i, 0], calls[i, 1])
            if calls[i, 2] != 0:
                wait(parts, arrived, give_way)
        if is_finite[0] == 0:
            return
        for i in range(update.shape[0]):
            if update[i, 0] != 0:
                call_block(update[i, 0], update[i, 1])
            if update[i, 2] != 0:
                wait(parts, arrived, give_way)
        wait(parts, arrived, give_way)
        if part == 0:
            made[0] = step + 1


@Routine
def check_losses(losses, is_finite):  # type: ignore[no-untyped-def]
    """Clear `is_finite` if the sum of the losses is not finite."""
    total = losses.dtype.type(0)
    for i in range(np.uint64(losses.size)):
        total += losses[i]
    if not np.isfinite(total):
        is_finite[0] = 0


class Tape:
    """Calls as the driver reads them in one of several threads.

    Attributes:
        rows: int64 (calls, 3), as for `run_steps`.
    """

    def __init__(self, calls: Sequence[NativeCall], part: int = 0, parts: int = 1) -> None:
        self._calls = calls
        self._blocks = [_block(each, part, parts) for each in calls]
        self.rows = np.zeros((len(calls), 3), np.int64)
        for row, each, block in zip(self.rows, calls, self._blocks, strict=True):
            if part == 0 or each.divisible:
                row[:2] = each.address, block.ctypes.data
        for row, each, following in zip(self.rows, calls, (*calls[1:], None), strict=False):
            row[2] = each.divisible or following is None or following.divisible


def _block(call: NativeCall, part: int, parts: int) -> Array:
    if parts == 1 or not call.divisible:
        return call.block
    block = call.block.copy()
    block[:2] = part, parts
    return block


def joined(calls: tuple[NativeCall, ...]) -> NativeCall:
    """Return one call that makes others, one after another."""
    if len(calls) == 1:
        return calls[0]
    tape = Tape(calls)
    bound = run_calls.bound(tape.rows)
    return NativeCall(bound.address, bound.block, (*bound.keeps, tape))


class StepsInThreads(NativeLoop):
    """Steps bound to the driver.

    Args:
        gathers: the calls that fill the batch.
        threads: the largest number of threads.
    """

    def __init__(self, steps: StepLoop, gathers: tuple[NativeCall, ...], threads: int = 1) -> None:
        self._keeps, self._threads = steps, _Pace(threads)
        self._is_finite, self._made = np.zeros(1, np.int64), np.zeros(1, np.int64)
        checks = tuple(check_losses.bound(each, self._is_finite) for each in steps.losses)
        self._calls, self._update = (*gathers, *steps.calls, *checks), steps.update
        self._now = np.array([each.ctypes.data for each in steps.now], np.int64)
        self._bound = {1: self._in_threads(1)}

    def _in_threads(self, parts: int) -> list[NativeCall]:
        """Return the steps of each thread."""
        arrived = np.zeros(1, np.int64)
        bound = []
        for part in range(parts):
            tapes = Tape(self._calls, part, parts), Tape(self._update, part, parts)
            call = run_steps.bound(
                np.zeros((0, len(self._now)), np.int64),
                self._now,
                *(each.rows for each in tapes),
                self._is_finite,
                self._made,
                part,
                parts,
                arrived.ctypes.data,
                give_way_address(),
            )
            bound.append(NativeCall(call.address, call.block, (*call.keeps, *tapes, arrived)))
        return bound

    def run(self, values: Array) -> int:
        """Make a step for each row of values; return the number of steps made."""
        parts, self._made[0] = self._threads.next, 0
        if parts not in self._bound:
            self._bound[parts] = self._in_threads(parts)
        own, *others = self._bound[parts]
        for each in (own, *others):  # a block begins with the address and shape of the values
            each.block[:2] = values.ctypes.data, len(values)
        start = perf_counter()
        threads = [Thread(target=each, daemon=True) for each in others]
        for thread in threads:
            thread.start()
        own()
        for thread in threads:
            thread.join()
        made = int(self._made[0])
        self._threads.took(made, perf_counter() - start)
        return made


class _Pace:
    """The choice of the number of threads: each is tried, then the fastest one is taken.

    Attributes:
        next: the number of threads for the next steps.
    """

    def __init__(self, most: int) -> None:
        self._seconds: dict[int, float] = {}
        self._most, self.next = most, 1

    def took(self, steps: int, seconds: float) -> None:
        """Take note of the duration of steps, if there were enough of them to tell."""
        if self._most == 1 or seconds < LONG_ENOUGH:
            return
        self._seconds[self.next] = seconds / max(1, steps)
        untried = [each for each in range(1, self._most + 1) if each not in self._seconds]
        self.next = untried[0] if untried else min(self._seconds, key=self._seconds.__getitem__)


LONG_ENOUGH = 0.01
"""Seconds of steps by which a number of threads is judged."""
