"""The driver: calls compiled functions in sequence, for many steps, without Python.

Several threads share the steps: one word in memory says which call is at hand and which piece of it
is next. A thread takes a piece with an atomic operation and makes it; who finishes the last piece
of a call moves on to the next call. So no thread waits for one that the system has suspended, but
for the pieces that it has taken, and a faster core takes more pieces. Divisible calls give the same
results for any number of pieces, so the bits depend neither on the threads nor on the pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet import Array, NativeCall, NativeLoop, StepLoop
from declnet_plugins.jit.routines.memory import (
    add_atomic,
    call_block,
    exchange_atomic,
    load_atomic,
    pause,
    store,
    store_atomic,
    system_call,
)
from declnet_plugins.jit.routines.routine import Routine
from declnet_plugins.jit.threads import Pace, Usage, futex, give_way_address

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MASK, BACK, FINISHED, CALL, STEP = 255, 8, 16, 24, 44
"""The word that says which pieces are next: from its lowest bits, the pieces taken from the front,
those taken from the back, those finished, the call, and the step. `MASK` is for the pieces."""

END = -1
"""The word after the last step."""

SLEEPING = 128
"""Bytes from that word to the number of sleeping threads, in another cache line."""

PATIENCE = 2000
"""Looks at the word, about 50 to 100 µs, before a thread sleeps: waking it takes as long."""

WAIT, WAKE = 128, 129
"""Operations of Linux's futex, within a process."""


@Routine
def run_calls(calls):  # type: ignore[no-untyped-def]
    """Make each call of a tape, (calls, 3): the address of a function, of its block, and a flag."""
    for i in range(calls.shape[0]):
        call_block(calls[i, 0], calls[i, 1])


@Routine
def run_steps(values, addresses, calls, checked, is_finite, done):  # type: ignore[no-untyped-def]
    """Make steps until a loss is not finite.

    Each step writes a row of `values` to `addresses` and makes the calls, of which the first
    `checked` ones clear `is_finite` if a loss is not finite. `done` counts the steps.
    """
    for step in range(values.shape[0]):
        begin(values, addresses, is_finite, step)
        for i in range(checked):
            call_block(calls[i, 0], calls[i, 1])
        if is_finite[0] == 0:
            return
        for i in range(checked, calls.shape[0]):
            call_block(calls[i, 0], calls[i, 1])
        done[0] = step + 1


@Routine
def share_steps(  # type: ignore[no-untyped-def]
    values, addresses, calls, checked, is_finite, done, backwards, word, futex, number, give_way
):
    """Make pieces of calls until the steps have ended; as `run_steps`, in several threads.

    `calls` is this thread's tape. `word` is the address of the word that says which pieces are
    next; the first step has begun. With two threads, one takes pieces from the front and one from
    the back, so that both find much of what they need in their own cores' caches.
    """
    now = load_atomic(word)
    while now != END:
        call = (now >> CALL) & ((1 << (STEP - CALL)) - 1)
        pieces, front, back = calls[call, 2], now & MASK, now >> BACK & MASK
        if front + back >= pieces:
            wait(word, now, futex, number, give_way)
            now = load_atomic(word)
            continue
        seen = exchange_atomic(word, now, now + (1 << BACK if backwards else 1))
        if seen != now:
            now = seen
            continue
        if pieces > 1:
            store(calls[call, 1], pieces - 1 - back if backwards else front)
        call_block(calls[call, 0], calls[call, 1])
        now = add_atomic(word, 1 << FINISHED)
        if (now >> FINISHED & MASK) + 1 < pieces:
            now = load_atomic(word)
            continue
        step, call = now >> STEP, call + 1
        if call == checked and is_finite[0] == 0:
            now = END
        elif call < calls.shape[0]:
            now = step << STEP | call << CALL
        else:
            done[0] = step + 1
            now = END
            if step + 1 < values.shape[0]:
                begin(values, addresses, is_finite, step + 1)
                now = (step + 1) << STEP
        store_atomic(word, now)
        if load_atomic(word + SLEEPING) != 0:
            system_call(futex, number, word, WAKE, 1 << 30, 0)


def begin(values: Any, addresses: Any, is_finite: Any, step: Any) -> None:
    """Write the values of a step."""
    for i in range(addresses.size):
        store(addresses[i], values[step, i])
    is_finite[0] = 1


def wait(word: Any, now: Any, futex: Any, number: Any, give_way: Any) -> None:
    """Return when the word is no longer `now`, or earlier."""
    for _ in range(PATIENCE):
        pause()
        if load_atomic(word) != now:
            return
    if futex == 0:
        call_block(give_way, 0)
        return
    add_atomic(word + SLEEPING, 1)
    # sleeps only if the word's lower half is still the same
    system_call(futex, number, word, WAIT, now & 0xFFFFFFFF, 0)
    add_atomic(word + SLEEPING, -1)


@Routine
def check_losses(losses, is_finite):  # type: ignore[no-untyped-def]
    """Clear `is_finite` if the sum of the losses is not finite."""
    total = losses.dtype.type(0)
    for i in range(np.uint64(losses.size)):
        total += losses[i]
    if not np.isfinite(total):
        is_finite[0] = 0


class Tape:
    """Calls as the driver reads them in one thread.

    Args:
        calls: the calls.
        pieces: in how many pieces threads make each of them; 1 for all if there is one thread.

    Attributes:
        rows: int64 (calls, 3): the address of a function and of its block, and the pieces.
    """

    def __init__(self, calls: Sequence[NativeCall], pieces: Sequence[int] = ()) -> None:
        self._calls, pieces = calls, pieces or [1] * len(calls)
        self._blocks = list(map(_block, calls, pieces))
        self.rows = np.array(
            [
                (call.address, block.ctypes.data, count)
                for call, block, count in zip(calls, self._blocks, pieces, strict=True)
            ],
            np.int64,
        ).reshape(-1, 3)


def _block(call: NativeCall, pieces: int) -> Array:
    if pieces == 1:
        return call.block
    block = call.block.copy()
    block[1] = pieces
    return block


def joined(calls: tuple[NativeCall, ...]) -> NativeCall:
    """Return one call that makes others in sequence."""
    if len(calls) == 1:
        return calls[0]
    tape = Tape(calls)
    bound = run_calls.bound(tape.rows)
    return NativeCall(bound.address, bound.block, (*bound.keeps, tape))


class StepsInThreads(NativeLoop):
    """Steps bound to the driver.

    Args:
        gathers: the calls that fill the batch.
        pace: chooses the number of threads.
    """

    def __init__(self, steps: StepLoop, gathers: tuple[NativeCall, ...], pace: Pace) -> None:
        self._keeps, self._pace = steps, pace
        self._is_finite, self._done = np.zeros(1, np.int64), np.zeros(1, np.int64)
        checks = tuple(check_losses.bound(loss, self._is_finite) for loss in steps.losses)
        self._step, self._update = (*gathers, *steps.calls, *checks), steps.update
        self._now = np.array([array.ctypes.data for array in steps.now], np.int64)
        self._word = np.zeros(2 * SLEEPING // 8, np.int64)
        self._seconds = np.full(len(self._step) + len(self._update), np.inf)
        self._measured = 0
        self._bound: dict[int, list[NativeCall]] = {1: [self._alone()]}
        self._others: ThreadPoolExecutor | None = None

    def _alone(self) -> NativeCall:
        """Return the steps of one thread that is alone."""
        tape = Tape((*self._step, *self._update))
        return _keeping(run_steps.bound(*self._arguments(tape, len(self._step))), tape)

    def _shared(self, threads: int) -> list[NativeCall]:
        """Return the steps of each of several threads."""
        groups = [
            _divided(calls, seconds, threads)
            for calls, seconds in zip(
                (self._step, self._update),
                np.split(self._seconds, [len(self._step)]),
                strict=True,
            )
        ]
        calls, pieces = zip(*groups[0], *groups[1], strict=True)
        bound = []
        for number in range(threads):
            tape = Tape(calls, pieces)
            arguments = *self._arguments(tape, len(groups[0])), number % 2 == 1
            waiting = self._word.ctypes.data, *futex(), give_way_address()
            call = share_steps.bound(*arguments, *waiting)
            bound.append(_keeping(call, tape))
        return bound

    def _arguments(self, tape: Tape, checked: int) -> tuple[Any, ...]:
        values = np.zeros((0, len(self._now)), np.int64)
        return values, self._now, tape.rows, checked, self._is_finite, self._done

    def run(self, values: Array) -> int:
        """Make a step for each row of values; return the number of steps made."""
        total = 0
        while self._pace.most > 1 and self._measured < MEASURED and total < len(values):
            self._measured += 1
            if not self._measure(values[total]):
                return total
            total += 1
            if self._seconds.sum() > LONG_STEP:
                self._measured = MEASURED
        while total < len(values):
            threads, steps = self._pace.following(min(MAX_STEPS, len(values) - total))
            self._bind(threads)
            start = Usage.now(threads)
            done = self._run(values[total : total + steps], threads)
            self._pace.took(done, Usage.now(threads).since(start))
            total += done
            if done < steps:
                break
        return total

    def _measure(self, values: Array) -> bool:
        """Make a step, call by call, and measure each; return whether its losses are finite."""
        self._begin(values)
        calls = (*self._step, *self._update)
        for i, call in enumerate(calls):
            if i == len(self._step) and not self._is_finite[0]:
                return False
            start = perf_counter()
            call()
            self._seconds[i] = min(self._seconds[i], perf_counter() - start)
        return bool(self._is_finite[0])

    def _begin(self, values: Array) -> None:
        for array, value in zip(self._keeps.now, values, strict=True):
            array.reshape(1).view(np.int64)[0] = value
        self._is_finite[0] = 1

    def _bind(self, threads: int) -> None:
        """Make what steps in so many threads need."""
        if threads not in self._bound:
            self._bound[threads] = self._shared(threads)
        if threads > 1 and self._others is None:
            from concurrent.futures import ThreadPoolExecutor

            self._others = ThreadPoolExecutor(self._pace.most - 1)

    def _run(self, values: Array, threads: int) -> int:
        """Make steps in some threads; return the number of steps made."""
        self._done[0] = 0
        first, *others = self._bound[threads]
        for call in (first, *others):  # a block begins with the address and shape of the values
            call.block[:2] = values.ctypes.data, len(values)
        if others:
            self._begin(values[0])
            self._word[0] = 0
        running = [self._others.submit(call) for call in others if self._others is not None]
        first()
        for other in running:
            if not other.cancel():
                other.result()
        return int(self._done[0])


MAX_STEPS = 1 << (62 - STEP)
"""Steps whose number fits in the word."""

MEASURED, LONG_STEP = 3, 0.005
"""Steps in which the calls are measured before several threads share them; if a step takes so many
seconds, one is enough."""

WORTHWHILE = 2e-6
"""Seconds of a call from which on it is divided; sharing costs tenths of a microsecond."""

LONG = 1.2e-5
"""Seconds of a piece at least, unless there are fewer pieces than threads."""

PIECES = 4
"""Maximum number of pieces for each thread: so many that another speed of a core hardly matters."""


def _divided(
    calls: Sequence[NativeCall], seconds: Array, threads: int
) -> list[tuple[NativeCall, int]]:
    """Return calls with the number of their pieces; short neighbors are joined."""
    divided: list[tuple[NativeCall, int]] = []
    short: list[NativeCall] = []
    for call, took in zip((*calls, None), (*seconds, 0.0), strict=True):
        if call is not None and not (call.divisible and took >= WORTHWHILE):
            short.append(call)
            continue
        divided += [(joined(tuple(short)), 1)] if short else []
        short = []
        if call is not None:
            pieces = threads * min(PIECES, max(1, int(took / threads / LONG)))
            divided.append((call, min(pieces, MASK)))
    return divided


def _keeping(call: NativeCall, tape: Tape) -> NativeCall:
    return NativeCall(call.address, call.block, (*call.keeps, tape))
