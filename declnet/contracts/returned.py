"""The checks on what components return, made once, where the graph or a run receives it.

Each folder of contracts has its own `returned`. A check takes the component and the value, and
returns the value in its contract's type. An invalid value raises a `BrokenContractError` with the
component and the method; `attributing_errors` adds the distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.errors import Diagnostic


class BrokenContractError(Exception):
    """A method of a component returned a value that its contract does not allow.

    Attributes:
        component: the component.
        method: the method's name.
        fault: what is wrong, e.g. `returned None, not a tuple of integers`.
    """

    def __init__(self, component: Component, method: str, fault: str) -> None:
        super().__init__(f'{component.kind} "{component.type}": {method}() {fault}')
        self.component, self.method, self.fault = component, method, fault

    @property
    def place(self) -> str | None:
        """Return the file and line of the method's definition, if known."""
        function = getattr(type(self.component), self.method, None)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def refuse(component: Component, method: str, value: Any, expected: str) -> NoReturn:
    """Raise BrokenContractError for a returned value."""
    raise BrokenContractError(component, method, f"returned {shown(value)}, not {expected}")


def shown(value: Any) -> str:
    """Return a returned value as messages quote it, shortened."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, list | tuple) and len(value) > 9:
        return f"a {type(value).__name__} of {len(value)} items"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def is_whole(value: Any) -> bool:
    """Return whether a value is an integer, of Python or NumPy."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number, of Python or NumPy."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def array_of_rows(
    component: Component, method: str, value: Any, rows: int, *, text: bool = False
) -> Array:
    """Return a value that has to be an array of numbers, or text, with a row for each sample."""
    array = array_of_samples(component, method, value, text=text)
    if len(array) != rows:
        refuse(component, method, value, f"an array of {rows} rows")
    return array


def array_of_samples(
    component: Component, method: str, value: Any, name: str = "", *, text: bool = False
) -> Array:
    """Return a value that has to be an array (n, …) of numbers, or text, without masked values.

    Args:
        name: what the value is, if the method returned several; default: nothing.
    """
    kinds, what = ("fiubO", "numbers or text") if text else ("fiub", "numbers")
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds or value.ndim == 0:
        expected = f"an array of {what}{f' as {name}' if name else ''}"
        refuse(component, method, value, expected)
    if np.ma.is_masked(value):
        fault = f"returned a masked array{f' as {name}' if name else ''}, whose mask would be lost"
        raise BrokenContractError(component, method, fault)
    array: Array = value
    return array


def is_shape(shape: Any) -> bool:
    """Return whether a value is a tuple of sizes of at least 1."""
    return isinstance(shape, tuple) and all(is_whole(size) and size >= 1 for size in shape)


def checked_diagnostics(component: Component, found: Any) -> tuple[Diagnostic, ...]:
    """Return the result of `Component.check`: diagnostics with paths within the component."""
    if not isinstance(found, Iterable) or isinstance(found, str | Mapping):
        refuse(component, "check", found, "diagnostics (yield them, or return a tuple)")
    diagnostics = tuple(found)
    for each in diagnostics:
        if not isinstance(each, Diagnostic):
            refuse(component, "check", each, "a Diagnostic")
        if not isinstance(each.path, tuple):
            refuse(component, "check", each.path, "a tuple of keys, the path of a diagnostic")
    return diagnostics


def checked_calls(
    component: Component, calls: Any, method: str = "bind"
) -> tuple[Callable[[], object], ...]:
    """Return the calls from a kernel or an engine: a tuple of functions without arguments."""
    if not isinstance(calls, tuple) or not all(map(callable, calls)):
        refuse(component, method, calls, "a tuple of functions without arguments")
    return calls
