"""Numbers that change from step to step, and the arithmetic on them while a call is recorded."""

from __future__ import annotations

import operator
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from declnet import Array

if TYPE_CHECKING:
    from declnet_plugins.recording.recording import Recording


class NotRecordedError(BaseException):
    """A call does what cannot be recorded; the message says what, after "it".

    A component that handles exceptions must not handle this one, so it does not derive from
    Exception.
    """


class NotTranslatedError(Exception):
    """A recorded call has no form as assignments or loops; the message says why, after "it"."""


def place_of(error: BaseException, *folders: Path) -> str:
    """Return the line of a component that raised an error, in parentheses; empty if unknown.

    Args:
        error: the error.
        folders: of code that records the component, as this package does.
    """
    others = (*folders, Path(__file__).parent, Path(np.__file__).parent)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not any(Path(frame.filename).is_relative_to(folder) for folder in others):
            return f" ({Path(frame.filename).name}, line {frame.lineno}: {frame.line})"
    return ""


def refusal(what: str) -> Callable[..., NoReturn]:
    """Return a method that ends the recording because a value would leave it."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NotRecordedError(what)

    return refuse


IN_PYTHON: Mapping[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.absolute: operator.abs,
}
"""What Python computes with numbers, by the ufunc that does the same with arrays."""


def _operator(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the methods of `Symbol` for an operator, with the symbol on its left and right."""

    def method(self: Symbol, other: Any) -> Any:
        return self._computed(ufunc, self, other)

    def reflected(self: Symbol, other: Any) -> Any:
        return self._computed(ufunc, other, self)

    return method, reflected


class Symbol:
    """The learning rate, the step, a scheduled field, or a number computed from them.

    Sums, differences, products, quotients and powers are recorded, and computed in float64 as
    Python does; integers are exact up to 2**53. Whatever needs the value ends the recording:
    `float`, `int`, `bool`, comparisons, rounding, and the functions of `math`, which call `float`.
    `x**0.5` is recorded where `math.sqrt(x)` is not.

    Attributes:
        value: the value while recording, a Python float or int.
        slot: a float64 array without axes that holds it whenever the recorded calls run.
    """

    def __init__(self, recording: Recording, value: float, slot: Array) -> None:
        self.recording, self.value, self.slot = recording, value, slot

    def reader(self, move: Callable[[Array], Array]) -> Callable[[], float]:
        """Return a function that returns the number in the slot, which a function may move."""
        return partial(type(self.value), move(self.slot))

    def _computed(self, ufunc: np.ufunc, *operands: Any) -> Symbol | Any:
        """Return the symbol of an operation on numbers, and record it."""
        if not all(type(operand) in (Symbol, int, float) for operand in operands):
            return NotImplemented
        numbers = [operand.value if type(operand) is Symbol else operand for operand in operands]
        if ufunc is np.power and all(type(number) is int for number in numbers):
            raise NotRecordedError("raises an integer that changes with the step to a power")
        value = IN_PYTHON[ufunc](*numbers)
        if type(value) not in (int, float):
            raise NotRecordedError("computes a complex number from one that changes with the step")
        slot = np.array(value, np.float64)
        self.recording.add_scalar(ufunc, operands, slot)
        return Symbol(self.recording, value, slot)

    __add__, __radd__ = _operator(np.add)
    __sub__, __rsub__ = _operator(np.subtract)
    __mul__, __rmul__ = _operator(np.multiply)
    __truediv__, __rtruediv__ = _operator(np.divide)
    __pow__, __rpow__ = _operator(np.power)

    def __neg__(self) -> Any:
        return self._computed(np.negative, self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Any:
        return self._computed(np.absolute, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.recording.call_ufunc(ufunc, method, inputs, kwargs)

    _refuse = refusal("needs the value of a number that changes with the step")
    __float__ = __int__ = __index__ = __bool__ = __round__ = __trunc__ = __floor__ = _refuse
    __ceil__ = __complex__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __hash__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = _refuse
    __rdivmod__ = __format__ = __str__ = __repr__ = __array__ = __reduce_ex__ = _refuse
