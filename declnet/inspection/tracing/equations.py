"""The equations of components, from their docstrings, and the numbers in their fields."""

from __future__ import annotations

import inspect
import re
from itertools import takewhile
from typing import Any

from declnet import Component, Elementwise

_EQUATION = re.compile(r"\s[-+*/]?=\s")

_BEGINS = re.compile(r"(With(out)? .{0,40}|(For |As `).{0,50})?[\w|\[\]]+(, \w+)* [-+*/]?= ", re.S)
"""Begins a paragraph of equations, e.g. `m = …` or `With momentum: v = …`."""

_BACKWARD = re.compile(r"Backward[:,] ")
"""Begins a paragraph on the backward pass, for layers whose base class has the method."""

_GRADIENT = re.compile(r"d(x|y/dx) = ")
"""Begins a paragraph on gradients."""

_SHAPES = re.compile(r"\w+(, \w+)*: ")
"""Begins a paragraph on shapes, e.g. `x, y: (n, *shape).`."""

_OF_DECLARATION = frozenset({"name", "inputs", "trainable", "weights_from", "groups"})


def equations(component: Component) -> tuple[str, ...]:
    """Return the lines of a component's docstring that say what it computes.

    These are its first paragraph, and those after it that begin with an equation; those on shapes
    and gradients in between are left out. Empty if the class has no docstring.
    """
    first, *others = _documentation(type(component)).split("\n\n")
    lines = first.splitlines()
    for other in others:
        if _BEGINS.match(other) and not _GRADIENT.match(other):
            lines += other.splitlines()
        elif not (_SHAPES.match(other) or _GRADIENT.match(other) or _BACKWARD.match(other)):
            break
    return tuple(lines)


def gradient_equations(component: Component) -> tuple[str, ...]:
    """Return the lines of the docstring of `backward` that say what it computes, if any.

    Those of a paragraph of the class on the backward pass come first; for an `Elementwise` layer,
    those of `derivative` follow.
    """
    methods: list[Any] = [getattr(component, "backward", None)]
    if isinstance(component, Elementwise):
        methods.append(component.derivative)
    paragraphs = _documentation(type(component)).split("\n\n")
    chosen = list(filter(_BACKWARD.match, paragraphs))
    for method in methods:
        paragraphs = (inspect.getdoc(method) or "").split("\n\n")
        chosen += takewhile(_EQUATION.search, paragraphs)
    return tuple(line for paragraph in chosen for line in paragraph.splitlines())


def _documentation(component: type[Component]) -> str:
    """Return the docstring of the class, or of its nearest base below the contract."""
    for base in component.__mro__:
        if "kind" in vars(base):
            break
        if base.__doc__:
            return inspect.cleandoc(base.__doc__)
    return ""


def settings(component: Component) -> dict[str, Any]:
    """Return the values of a component's fields, defaults included, that its equations may name.

    Required ones are first; fields that hold components, and those that are None, are left out.
    """
    fields = type(component).model_fields
    names = sorted(fields, key=lambda name: not fields[name].is_required())
    values = {name: getattr(component, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if name not in _OF_DECLARATION and value is not None and not isinstance(value, Component)
    }
