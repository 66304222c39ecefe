"""The addresses of the inner loops of NumPy's ufuncs."""

import ctypes
import sys
from collections.abc import Sequence
from functools import cache

import numpy as np

from declnet import Dtype


class _UFunc(ctypes.Structure):
    """The beginning of PyUFuncObject, a documented part of NumPy's C API.

    Extension modules are compiled against this layout (`numpy/ufuncobject.h`), so it stays the same
    for all releases with the same ABI. The tables that it points to live as long as the ufunc.
    """

    _fields_ = (
        ("head", ctypes.c_char * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.c_void_p),
    )


def loop_of(ufunc: np.ufunc, dtypes: Sequence[Dtype]) -> tuple[int, int] | None:
    """Return the inner loop for operands of these types, as the address of its function and data.

    The function is `void loop(char **args, npy_intp const *dims, npy_intp const *steps, void
    *data)` and needs no lock of the interpreter.

    Args:
        dtypes: of all inputs and outputs, native types other than objects.

    Returns:
        None if the ufunc has no such loop, or its memory is not laid out as documented.
    """
    if not structure_is_known() or not isinstance(ufunc, np.ufunc):
        return None
    chars = [dtype.char for dtype in dtypes]
    signature = f"{''.join(chars[: ufunc.nin])}->{''.join(chars[ufunc.nin :])}"
    if "O" in signature or signature not in ufunc.types:
        return None
    structure, index = _at(ufunc), ufunc.types.index(signature)
    function = structure.functions[index]
    if not function or not _is_as_described(ufunc):
        return None
    return function, (structure.data[index] or 0) if structure.data else 0


@cache
def structure_is_known() -> bool:
    """Return whether ufuncs are laid out in memory as documented: several read as expected."""
    if sys.implementation.name != "cpython":
        return False  # id() is not an address
    return all(map(_is_as_described, (np.add, np.exp, np.greater, np.matmul)))


@cache
def _is_as_described(ufunc: np.ufunc) -> bool:
    return _describes(_at(ufunc), ufunc)


def _at(ufunc: np.ufunc) -> _UFunc:
    return _UFunc.from_address(id(ufunc))


def _describes(structure: _UFunc, ufunc: np.ufunc) -> bool:
    """Return whether a structure has a ufunc's numbers, and if so, also its name and types."""
    numbers = structure.nin, structure.nout, structure.nargs, structure.ntypes
    if numbers != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return False
    if not structure.name or structure.name.decode() != ufunc.__name__ or not structure.types:
        return False
    codes = ctypes.string_at(structure.types, ufunc.nargs * ufunc.ntypes)
    rows = [codes[i : i + ufunc.nargs] for i in range(0, len(codes), ufunc.nargs)]
    read = [f"{_chars(row[: ufunc.nin])}->{_chars(row[ufunc.nin :])}" for row in rows]
    return read == ufunc.types


def _chars(numbers: bytes) -> str:
    return "".join(_CHARS.get(number, " ") for number in numbers)


_CHARS: dict[int, str] = {np.dtype(char).num: char for char in "?bBhHiIlLqQefdgFDGOmM"}
