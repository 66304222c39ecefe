"""Engine: what runs the calls of training steps without Python in between."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Protocol, runtime_checkable

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.execution.kernel import Call
from declnet.contracts.execution.operations import Gather
from declnet.contracts.returned import BrokenContractError

_Function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@dataclass(frozen=True, eq=False)
class NativeCall:
    """A C function `void f(const int64_t *block)` with its argument.

    The function needs no lock of the interpreter, raises nothing, and reads its arrays through the
    addresses in the block each time it is called. Called from Python, it releases the interpreter
    lock.

    Attributes:
        address: the address of the function.
        block: int64 (k,), what the function reads; not copied.
        keeps: objects that must live as long as the call: the arrays that the block points to, and
            the owner of the machine code.
        divisible: whether the first two numbers of the block are `part` and `parts`, 0 and 1. An
            engine may then call the function for each of several parts, with a copy of the block
            each and in any order or at the same time, with the same results to the bit.
    """

    address: int
    block: Array
    keeps: tuple[object, ...] = ()
    divisible: bool = False

    @cached_property
    def _bound(self) -> Callable[[], object]:
        return partial(_Function(self.address), self.block.ctypes.data)

    def __call__(self) -> None:
        """Call the function."""
        self._bound()


@dataclass(frozen=True, eq=False)
class RecordedMethod:
    """A component's method that ran once and whose operations an engine repeats since.

    Attributes:
        component: the component.
        method: the method's name.
        agrees: makes the operations and calls the method, from the numbers that their arrays hold
            now, and returns whether all bits agree. It changes neither arrays nor random streams.
    """

    component: Component
    method: str
    agrees: Callable[[], bool]

    def verify(self) -> None:
        """Raise BrokenContractError if the method no longer does what was recorded."""
        if not self.agrees():
            fault = (
                "no longer computes what the engine recorded when training began: it depends on "
                "more than its fields, arguments and state. Set recordable = False in its class, "
                'or train with kernels = "numpy"'
            )
            raise BrokenContractError(self.component, self.method, fault)


@dataclass(frozen=True, eq=False)
class CompiledCalls:
    """Calls equivalent to a sequence of other calls.

    Attributes:
        calls: as few calls from Python as possible.
        native: the same without Python; None if some of them need it.
        left: the given calls that Python makes, at least in part, each with the reason, for "it …".
        recorded: the methods of components whose operations are repeated.
    """

    calls: tuple[Call, ...]
    native: tuple[NativeCall, ...] | None = None
    left: tuple[tuple[Call, str], ...] = ()
    recorded: tuple[RecordedMethod, ...] = ()


@dataclass(frozen=True, eq=False)
class StepLoop:
    """Training steps on batches of one size: the same calls on the same arrays in each step.

    A step gathers its batch, makes its calls, checks the losses and makes the update's calls. If a
    loss is not finite, the loop ends before the update.

    Attributes:
        gathers: fill the batch with the samples at `order[start : start + n]`.
        order: positions of the samples, int64, in the order of one or several epochs.
        start: the position of a batch in `order`, int64 (1,).
        samples: the number of samples in a batch, n.
        calls: forward, losses, backward and regularizers, compiled by the engine.
        losses: the data loss of each sample, (n,), of each loss.
        update: clipping and the optimizer, compiled by the engine.
        threads: the most threads to use.
        now: arrays of one number, int64 or float64, which differ from step to step: the values that
            `NativeLoop.run` gets are written to them before each step. `start` is one of them.
    """

    gathers: tuple[Gather, ...]
    order: Array
    start: Array
    samples: int
    calls: tuple[NativeCall, ...]
    losses: tuple[Array, ...]
    update: tuple[NativeCall, ...]
    now: tuple[Array, ...]
    threads: int = 1


@runtime_checkable
class NativeLoop(Protocol):
    """A loop over steps that an engine has compiled."""

    def run(self, values: Array) -> int:
        """Make a step for each row of values, without the interpreter lock.

        Args:
            values: int64 (steps, len(now)), what to write to the arrays of `now` before each step;
                the bits of a float64 as an integer.

        Returns:
            The number of steps made; fewer than there are rows if a loss was not finite, in the
            step that follows them, whose update has not been made.
        """


class Engine(Component):
    """A component that runs calls without Python between them.

    It knows `NativeCall`s and the operations of `declnet.contracts.execution.operations`. Other
    calls, which compute in Python, may be recorded and computed by other code, or made as they are.
    The graph has what was recorded verified from time to time.
    """

    kind = "engine"
    conformance_checks = "declnet.testing.checks.engines"
    required_methods = ("compile",)

    by_default: ClassVar[bool] = True
    """Whether it is used where a spec names no engine."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why it cannot be used on this machine, and what to do; None if it can."""
        return None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the other versions that its results depend on, by name, for the manifest."""
        return {}

    def compile(self, calls: Sequence[Call], exact: bool = False) -> CompiledCalls:
        """Return calls that do the same as these, up to rounding.

        Args:
            exact: whether the methods of components and NumPy's functions must give the same bits
                as in Python, as in evaluations. Otherwise workspace, and gradients after an
                update, may hold anything.
        """
        raise NotImplementedError

    def loop(self, steps: StepLoop) -> NativeLoop:
        """Return a loop over steps whose calls it has compiled; only if some have been native."""
        raise NotImplementedError
