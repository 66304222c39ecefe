"""NativeCall: a call of compiled code, which an engine can run without Python."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

from declnet.contracts.arrays import Array

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
