"""Steps shared by several threads: each piece of each call is made once, and calls in order."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import StepLoop
from declnet_plugins.jit import Routine, share
from declnet_plugins.jit.driver import StepsInThreads
from declnet_plugins.jit.threads import Pace

pytestmark = pytest.mark.usefixtures("numba")

STEPS, SIZE = 150, 4096


class Fixed(Pace):
    """As many threads as possible, always, for a few steps at a time."""

    def following(self, steps):
        return self.most, min(40, steps)


@Routine
def mix(part, parts, x, now, y):  # type: ignore[no-untyped-def]
    """Mix all bits of y, x reversed and now: x is what other pieces of other calls have written."""
    start, stop = share(y.size, part, parts)
    for i in range(start, stop):
        for _ in range(20):  # long enough to be divided
            y[i] = y[i] * 6364136223846793005 + x[x.size - np.uint64(1) - i] + now[0]


@Routine
def overflow_at(now, last, loss):  # type: ignore[no-untyped-def]
    """Loss = inf from a step on."""
    loss[0] = np.inf if now[0] >= last else 0.0


def trained(threads, last):
    """Return the number of steps made before the loss is not finite, and the arrays."""
    arrays = [np.arange(i, SIZE + i) for i in range(4)]
    now, loss = np.zeros(1, np.int64), np.zeros(1)
    mixed = [mix.bound(arrays[i - 1], now, arrays[i]) for i in range(4)]
    calls = (*mixed[:2], overflow_at.bound(now, last, loss), mixed[2])
    loop = StepLoop((), now, now, 1, calls, (loss,), (mixed[3],), (now,))
    made = StepsInThreads(loop, (), Fixed(threads)).run(np.arange(STEPS)[:, None])
    return made, b"".join(each.tobytes() for each in arrays)


@pytest.mark.parametrize("last", [0, 1, 77, STEPS])
@pytest.mark.parametrize("threads", [2, 3, 8])  # more than there are cores, so that some sleep
def test_threads_change_no_bit_and_stop_at_the_same_step(threads, last):
    found = trained(threads, last)
    assert found == trained(1, last)
    assert found[0] == last
