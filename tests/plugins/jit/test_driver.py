"""Steps shared by several threads: each part of a call runs once, and calls run in order."""

from __future__ import annotations

import sys
from itertools import cycle

import numpy as np
import pytest

from declnet import StepLoop
from declnet_plugins.jit import Routine, share
from declnet_plugins.jit.driver import StepsInThreads
from declnet_plugins.jit.threads import Pace

pytestmark = pytest.mark.usefixtures("numba")

STEPS, SIZE = 150, 4096


class Changing(Pace):
    """Changes the number of threads every few steps, and records their usage."""

    def __init__(self, most):
        super().__init__(most)
        self.numbers, self.usages = cycle((most, 1, most, 2)), []

    def following(self, steps):
        self.threads = min(next(self.numbers), self.most)
        return self.threads, min(25, steps)

    def took(self, steps, usage):
        self.usages.append((self.threads, steps, usage))


@Routine
def mix(part, parts, x, now, y):  # type: ignore[no-untyped-def]
    """Mix all bits of y, reversed x and now, where other parts of other calls wrote x."""
    start, stop = share(y.size, part, parts)
    for i in range(start, stop):
        for _ in range(20):  # long enough to be divided
            y[i] = y[i] * 6364136223846793005 + x[x.size - np.uint64(1) - i] + now[0]


@Routine
def overflow_at(now, last, loss):  # type: ignore[no-untyped-def]
    """Set the loss to inf from a step on."""
    loss[0] = np.inf if now[0] >= last else 0.0


def trained(pace, last):
    """Return the number of steps before the loss is not finite, and the bytes of the arrays."""
    arrays = [np.arange(i, SIZE + i) for i in range(4)]
    now, loss = np.zeros(1, np.int64), np.zeros(1)
    mixed = [mix.bound(arrays[i - 1], now, arrays[i]) for i in range(4)]
    calls = (*mixed[:2], overflow_at.bound(now, last, loss), mixed[2])
    loop = StepLoop((), now, now, 1, calls, (loss,), (mixed[3],), (now,))
    steps = StepsInThreads(loop, (), pace).run(np.arange(STEPS)[:, None])
    return steps, b"".join(array.tobytes() for array in arrays)


@pytest.mark.parametrize("last", [0, 1, 77, STEPS])
@pytest.mark.parametrize("threads", [2, 3, 8])  # more than there are cores, so that some sleep
def test_threads_change_no_bit_and_stop_at_the_same_step(threads, last):
    result = trained(Changing(threads), last)
    assert result == trained(Changing(1), last)
    assert result[0] == last


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count preemptions")
def test_the_processor_time_of_threads_is_measured_and_the_preemptions():
    pace = Changing(2)
    trained(pace, STEPS)
    for threads, steps, usage in pace.usages:
        assert (threads, steps > 0, usage.seconds > 0) == (threads, True, True)
        assert (usage.processor_seconds > 0) == (threads > 1)
        assert usage.preemptions >= 0
