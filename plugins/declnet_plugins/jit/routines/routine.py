"""Routines: functions of arrays and numbers, compiled to calls that need no Python."""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from declnet import NativeCall

ROUNDING = ("arcp", "contract", "nsz", "reassoc")
"""Liberties the compiler may take: multiply by a reciprocal, fuse a product and a sum, ignore the
sign of zero, reorder sums. NaN and infinities propagate as in NumPy."""

GRAIN = 16
"""Parts of a divisible routine begin at multiples of this number of elements."""

ELEMENTS = {
    np.dtype(name): name for name in ("bool", "uint8", "int32", "int64", "float32", "float64")
}
"""The names of the types that elements of arrays may have; `dtype.name` is slow."""


class ArgumentType(NamedTuple):
    """The type of a routine's argument: an array, or a number if `ndim` is None."""

    dtype: str
    ndim: int | None = None
    contiguous: bool = True


class Routine:
    """A function of arrays and numbers, written in the subset of Python that Numba compiles.

    It returns nothing, allocates no arrays and raises nothing: it writes into the arrays that it is
    given. It may call other routines, intrinsics and plain functions of that subset by their
    names; their source and the values of all constants it names count as its own. A routine that
    only others call may take and return numbers.

    If its first two parameters are `part` and `parts`, it is divisible: called for each part of
    `parts`, from 0, it does its share of the work (see `share`), and the results do not depend on
    the number of parts. `bound` takes the arguments after these two.

    Attributes:
        rounding: LLVM's fast-math flags; with none, it rounds as the source says.
        inlined: whether it always becomes part of routines that call it, as plain functions do;
            loops over calls of it can then be vectorized.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        rounding: tuple[str, ...] = ROUNDING,
        inlined: bool = False,
    ) -> None:
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self.__wrapped__ = function
        self.rounding, self.inlined = rounding, inlined
        self.divisible = function.__code__.co_varnames[:2] == ("part", "parts")
        self._addresses: dict[tuple[ArgumentType, ...], int] = {}

    def bound(self, *arguments: Any) -> NativeCall:
        """Return a call of the function, compiled for these arguments and bound to them.

        Arrays are of bool, uint8, int32, int64, float32 or float64, in any memory order; those that
        are not C-contiguous are read through their strides. Numbers keep their value: bool, int
        (as int64), float64 or float32.

        The call's block has a word for each number (a float as float64), and for each array its
        address, its shape, and its strides in bytes unless it is C-contiguous.

        Raises:
            TypeError: an argument of another type.
        """
        words: list[int] = []
        if self.divisible:
            arguments = (0, 1, *arguments)
        signature = tuple(_append(words, argument) for argument in arguments)
        address = self._addresses.get(signature)
        if address is None:
            from declnet_plugins.jit.routines.object_code import address_of  # needs llvmlite

            address = address_of(self.__wrapped__, signature, self.rounding)
            self._addresses[signature] = address
        arrays = tuple(argument for argument in arguments if isinstance(argument, np.ndarray))
        return NativeCall(address, np.array(words, np.int64), arrays, self.divisible)

    def __call__(self, *arguments: Any) -> Any:
        """Not for Python: raise TypeError."""
        raise TypeError(f"{self.__name__} is called by routines only")


class Intrinsic:
    """A function that routines call and that writes its LLVM instructions.

    As for `numba.extending.intrinsic`, the function takes the typing context and the arguments'
    types, and returns a signature and a code generator. It imports Numba when it is called, so that
    only compilation imports Numba.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__name__, self.__wrapped__ = function.__name__, function

    def __call__(self, *arguments: Any) -> Any:
        """Not for Python: raise TypeError."""
        raise TypeError(f"{self.__name__} is called by routines only")


rounded_as_written = partial(Routine, rounding=())
"""Decorates a routine that rounds each operation as NumPy does, and so may give the same bits."""


def share(size: Any, part: Any, parts: Any) -> Any:
    """Return the first element of a part and the one after its last, as unsigned numbers.

    For routines. The parts are about equal, and begin at multiples of `GRAIN`.
    """
    grains = (np.uint64(size) + np.uint64(GRAIN - 1)) // np.uint64(GRAIN)
    start = grains * np.uint64(part) // np.uint64(parts) * np.uint64(GRAIN)
    stop = grains * np.uint64(part + 1) // np.uint64(parts) * np.uint64(GRAIN)
    return start, min(stop, np.uint64(size))


def _append(words: list[int], argument: Any) -> ArgumentType:
    """Append an argument's words to a block's, and return its type."""
    name = ELEMENTS.get(argument.dtype) if isinstance(argument, np.ndarray) else None
    if name is not None and (flags := argument.flags).aligned:
        contiguous = flags.c_contiguous
        words += [argument.ctypes.data, *argument.shape]
        words += [] if contiguous else argument.strides
        return ArgumentType(name, argument.ndim, contiguous)
    if isinstance(argument, (bool, np.bool_, int, np.integer)):
        words.append(int(argument))
        return ArgumentType("bool" if isinstance(argument, (bool, np.bool_)) else "int64")
    if isinstance(argument, (float, np.float32)):  # np.float64 is a float
        words += struct.unpack("=q", struct.pack("=d", argument))
        return ArgumentType("float64" if isinstance(argument, float) else "float32")
    what = f"an array of {argument.dtype}" if isinstance(argument, np.ndarray) else repr(argument)
    raise TypeError(f"a routine cannot take {what}")
