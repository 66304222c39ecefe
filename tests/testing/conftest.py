"""A third-party plugin package, importable in a test and in its subprocesses."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

PACKAGE = '''
import numpy as np
from declnet import Layer, Parameter, Regularizer, hookimpl


class Scale(Layer):
    """y = FACTOR * x * weights, one weight a feature."""

    type = "scale"
    examples = ({}, {"name": "second"})
    backward_needs = frozenset({"x"})

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, initializer="ones")}

    def forward(self, x, y, state):
        np.multiply(x, FACTOR * state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("n...,n...->...", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)


class NeedsATable(Regularizer):
    """penalty = 0."""

    type = "needs_a_table"
    table: dict[str, float]

    def penalty(self, w):
        return 0.0

    def add_gradient(self, w, dw):
        pass


@hookimpl
def declnet_register(register):
    REGISTER
'''


class Plugin:
    """A package of one module in the test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, factor: float = 1, register: str = "register(Scale)") -> Path:
        """Write the package; a factor other than the default makes its layer's gradients wrong."""
        text = dedent(PACKAGE).replace("FACTOR", str(factor)).replace("REGISTER", register)
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder."""
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plugin to write, whose modules are unloaded afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield Plugin(tmp_path)
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) == str(tmp_path / f"{name}.py"):
            del sys.modules[name]
