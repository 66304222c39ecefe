"""The equations of components, from their docstrings, and the numbers in their fields."""

from __future__ import annotations

import inspect
import re
from itertools import takewhile
from typing import Any

from declnet.contracts.component import Component
from declnet.contracts.layer import Elementwise

_EQUATION = re.compile(r"\s[-+*/]?=\s")

_OF_DECLARATION = {"name", "inputs"}


def equations(component: Component) -> tuple[str, ...]:
    """Return the lines of a component's docstring that say what it computes.

    These are the paragraphs at its beginning that contain an equation, else its first one; none if
    the class has no docstring.
    """
    text = _documentation(type(component))
    return _stated(text) or tuple(text.split("\n\n")[0].splitlines())


def gradient_equations(component: Component) -> tuple[str, ...]:
    """Return the lines of the docstring of `backward` that say what it computes, if any.

    For an `Elementwise` layer, those of `derivative` follow.
    """
    methods: list[Any] = [getattr(component, "backward", None)]
    if isinstance(component, Elementwise):
        methods.append(component.derivative)
    return tuple(line for each in methods for line in _stated(inspect.getdoc(each) or ""))


def _stated(text: str) -> tuple[str, ...]:
    """Return the lines of the first paragraphs that contain an equation."""
    found = takewhile(_EQUATION.search, text.split("\n\n"))
    return tuple(line for each in found for line in each.splitlines())


def _documentation(component: type[Component]) -> str:
    """Return the docstring of the class, or of its nearest base that is no contract."""
    for each in component.__mro__:
        if "kind" in vars(each):
            break
        if each.__doc__:
            return inspect.cleandoc(each.__doc__)
    return ""


def settings(component: Component) -> dict[str, Any]:
    """Return the values of a component's fields, defaults included, that its equations may name.

    Fields that hold components, and those that are None, are left out.
    """
    found = {name: getattr(component, name) for name in type(component).model_fields}
    return {
        name: value
        for name, value in found.items()
        if name not in _OF_DECLARATION and value is not None and not isinstance(value, Component)
    }
