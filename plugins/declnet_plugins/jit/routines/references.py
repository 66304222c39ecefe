"""What the code of a function refers to."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any


def referenced(function: FunctionType) -> dict[str, Any]:
    """Return the global and closed-over variables that a function's code names."""
    names = {name for code in codes_in(function.__code__) for name in code.co_names}
    named = {name: function.__globals__[name] for name in sorted(names & {*function.__globals__})}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return named | {name: cell.cell_contents for name, cell in cells}


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and, recursively, the code objects of functions defined in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes_in(const)
