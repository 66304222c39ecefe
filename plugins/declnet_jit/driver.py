"""The driver: calls compiled functions one after another, for many steps, without Python."""

from typing import Any

import numpy as np

from declnet import Array, NativeCall, NativeLoop, StepLoop
from declnet_jit.routine import Intrinsic, Routine


@Intrinsic
def call(_context: Any, _address: Any, _block: Any) -> Any:
    """Call the function void(const int64_t *) at an address."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType(), [word.as_pointer()])
        pointer = builder.inttoptr(arguments[0], function.as_pointer())
        builder.call(pointer, [builder.inttoptr(arguments[1], word.as_pointer())])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@Intrinsic
def store(_context: Any, _address: Any, _value: Any) -> Any:
    """Write eight bytes to an address."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        builder.store(arguments[1], pointer)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@Routine
def run_calls(calls):  # type: ignore[no-untyped-def]
    """Make each call of a tape, (calls, 2): the address of a function and of its block."""
    for i in range(calls.shape[0]):
        call(calls[i, 0], calls[i, 1])


@Routine
def run_steps(values, addresses, calls, update, is_finite, made):  # type: ignore[no-untyped-def]
    """Make steps until a loss is not finite.

    Each step writes a row of `values` to `addresses`, makes the calls, of which the last ones clear
    `is_finite` if a loss is not finite, and makes those of the update. `made` counts the steps.
    """
    made[0] = 0
    for step in range(values.shape[0]):
        for i in range(addresses.size):
            store(addresses[i], values[step, i])
        is_finite[0] = 1
        for i in range(calls.shape[0]):
            call(calls[i, 0], calls[i, 1])
        if is_finite[0] == 0:
            return
        for i in range(update.shape[0]):
            call(update[i, 0], update[i, 1])
        made[0] += 1


@Routine
def check_losses(losses, is_finite):  # type: ignore[no-untyped-def]
    """Clear `is_finite` if the sum of the losses is not finite."""
    total = losses.dtype.type(0)
    for i in range(np.uint64(losses.size)):
        total += losses[i]
    if not np.isfinite(total):
        is_finite[0] = 0


def tape(calls: tuple[NativeCall, ...]) -> Array:
    """Return calls as the driver reads them, int64 (calls, 2); they must be kept alive."""
    pairs = [(each.address, each.block.ctypes.data) for each in calls]
    return np.array(pairs, np.int64).reshape(-1, 2)


def joined(calls: tuple[NativeCall, ...]) -> NativeCall:
    """Return one call that makes others, one after another."""
    if len(calls) == 1:
        return calls[0]
    bound = run_calls.bound(tape(calls))
    return NativeCall(bound.address, bound.block, (*bound.keeps, *calls))


class Loop(NativeLoop):
    """Steps bound to the driver.

    Args:
        gathers: the calls that fill the batch.
    """

    def __init__(self, steps: StepLoop, gathers: tuple[NativeCall, ...]) -> None:
        is_finite, self._made = np.zeros(1, np.int64), np.zeros(1, np.int64)
        checks = tuple(check_losses.bound(each, is_finite) for each in steps.losses)
        calls = (*gathers, *steps.calls, *checks)
        addresses = np.array([each.ctypes.data for each in steps.now], np.int64)
        self._keeps = steps, calls
        self._run = run_steps.bound(
            np.zeros((0, len(steps.now)), np.int64),
            addresses,
            tape(calls),
            tape(steps.update),
            is_finite,
            self._made,
        )

    def run(self, values: Array) -> int:
        """Make a step for each row of values; return the number of steps made."""
        block = self._run.block  # begins with the address and shape of the values
        block[0], block[1] = values.ctypes.data, len(values)
        self._run()
        return int(self._made[0])
