"""Equations come from docstrings, and every first-party component states them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from declnet import Elementwise, Layer, default_registry
from declnet.inspection.tracing.equations import equations, gradient_equations
from declnet.testing import build_examples

STATED = ("layer", "loss", "optimizer", "regularizer")
COMPONENTS = [
    (entry.kind, entry.type) for entry in default_registry().entries() if entry.kind in STATED
]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_component_states_its_equations(kind: str, name: str) -> None:
    component: Any = build_examples(default_registry().find(kind, name))[0]
    assert re.search(r" [-+]?= ", " ".join(equations(component)))
    if kind in ("layer", "loss"):
        assert " = " in " ".join(gradient_equations(component))


class Cube(Elementwise):
    """y = x**3.

    x, y: (n, *shape), and on the
    next line n = 2.

    dy/dx = 3 * x**2.

    With power: z = 3 and
    more.

    As elsewhere, z = 3.

    z = 2.
    """

    type = "cube"
    power: float = 3.0

    def value(self, x: Any, y: Any, scratch: Any) -> None:
        """Fill y."""

    def derivative(self, x: Any, y: Any, slope: Any) -> None:
        """Slope = 3 * x**2."""


class Bare(Layer):
    type = "bare"

    def forward(self, x: Any, y: Any, state: Any) -> None:
        raise NotImplementedError

    def backward(self, x: Any, y: Any, dy: Any, dx: Any, state: Any) -> None:
        raise NotImplementedError


class Told(Bare):
    """A layer in words.

    A second paragraph.
    """

    type = "told"


class Heir(Told):
    type = "heir"


def test_equations_are_the_first_paragraph_and_paragraphs_that_start_with_one() -> None:
    assert equations(Cube()) == ("y = x**3.", "With power: z = 3 and", "more.")
    assert gradient_equations(Cube()) == ("Compute dx = dy * f'(x).", "Slope = 3 * x**2.")
    assert equations(Told()) == equations(Heir()) == ("A layer in words.",)
    assert equations(Bare()) == gradient_equations(Bare()) == ()
