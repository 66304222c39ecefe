"""Arrays that count the NumPy calls that take them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from declnet import LayerState
from declnet.testing.watched import Watched


class CountedArray(np.ndarray[Any, Any]):
    """A view of an array that adds one to `calls[0]` for each ufunc, function and assignment.

    Their results count, too. Views by indexing do not, nor what a NumPy function calls.
    """

    calls: list[int]

    def __array_finalize__(self, origin: Any) -> None:
        self.calls = getattr(origin, "calls", [0])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Make the call with plain arrays."""
        return self._counting(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        """Make the call with plain arrays."""
        return self._counting(function, tuple(inputs), dict(options))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._counting(np.ndarray.__setitem__, (self, key, value), {})

    def _counting(self, function: Callable[..., Any], inputs: Any, options: Any) -> Any:
        self.calls[0] += 1
        return _counted(function(*_plain(inputs), **_plain(options)), self.calls)


class CountingLayer(Watched):
    """A layer that counts the NumPy calls of its passes.

    Attributes:
        calls: their number, as the only item.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.calls = [0]

    def forward(self, *arguments: Any) -> None:
        """Run forward."""
        self.component.forward(*map(self._watched, arguments))

    def backward(self, *arguments: Any) -> None:
        """Run backward."""
        self.component.backward(*map(self._watched, arguments))

    def _watched(self, argument: Any) -> Any:
        if not isinstance(argument, LayerState):
            return _counted(argument, self.calls)
        state = copy(argument)
        state.grad = copy(state.grad)
        for values in (vars(state), vars(state.grad)):
            values |= {name: _counted(value, self.calls) for name, value in values.items()}
        return state


def _counted(value: Any, calls: list[int]) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_counted(item, calls) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    view = value.view(CountedArray)
    view.calls = calls
    return view


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value.view(np.ndarray) if isinstance(value, CountedArray) else value
