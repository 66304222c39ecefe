"""The check that an engine runs a component's calls without Python."""

import numpy as np
import pytest

from declnet import Optimizer, Registry, Regularizer, default_registry
from declnet.testing import CheckSkipped, Subject, check_component
from declnet.testing.checks.native import runs_without_python
from tests.testing.right.engines import Callbacks
from tests.testing.right.layers import Doubled, VectorScale
from tests.testing.right.losses import Squared


class Peeks(Doubled):
    """y = 2 * x."""

    type = "peeks"

    def forward(self, x, y, state):
        np.multiply(x, 2, out=y)
        if x.max() > 3:
            np.add(x, x, out=y)


class Sorts(Squared):
    """Squares of differences, in some order."""

    type = "sorts"

    def forward(self, y_pred, y_true, losses):
        super().forward(y_pred, y_true, losses)
        losses[...] = losses.tolist()


class RoundsItsRate(Optimizer):
    """w -= rate * dw."""

    type = "rounds_its_rate"

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, round(learning_rate, 9), out=dw)
        np.subtract(w, dw, out=w)


class WholeSum(Regularizer):
    """penalty = sum w."""

    type = "whole_sum"

    def penalty(self, w):
        return float(w.sum())

    def add_gradient(self, w, dw):
        np.add(dw, float(w.size > w.sum()), out=dw)


def outcome(component):
    (result,) = (
        result
        for result in check_component(component, raise_on_failure=False).outcomes
        if result.check == runs_without_python.name
    )
    return result


def reason(component, *engines):
    """Return why a component is skipped if only these engines are installed."""
    registry = Registry()
    for engine in engines:
        registry.register(engine)
    for entry in default_registry().entries():
        if entry.kind != "engine":
            registry.add(entry)
    with pytest.raises(CheckSkipped) as raised:
        runs_without_python(Subject(component, registry=registry))
    return str(raised.value)


@pytest.fixture
def numba():
    return pytest.importorskip("numba", reason="the extra jit is not installed")


@pytest.mark.parametrize("component", [VectorScale(), Squared()])
def test_a_component_that_an_engine_compiles_passes(numba, component):
    assert outcome(component).status == "passed"


@pytest.mark.parametrize(
    ("component", "method", "line"),
    [
        (Peeks(), "forward", "if x.max() > 3:"),
        (Sorts(), "forward", "losses[...] = losses.tolist()"),
        (RoundsItsRate(learning_rate=0.1), "update", "round(learning_rate, 9)"),
        (WholeSum(), "add_gradient", "float(w.size > w.sum())"),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_a_component_that_branches_on_values_is_skipped_with_its_line(
    numba, component, method, line
):
    result = outcome(component)
    assert result.status == "skipped"
    assert result.message.startswith(f"{method} needs the value of ")
    assert "(test_native.py, line " in result.message
    assert line in result.message


def test_without_an_engine_the_check_is_skipped():
    assert reason(Doubled()) == "no engine can be used: no plugin that has one is installed"

    class Missing(Callbacks):
        """An unavailable engine."""

        by_default = True

        @classmethod
        def unavailable(cls):
            return "it is not installed"

    assert reason(Doubled(), Missing) == "no engine can be used: it is not installed"


def test_a_failing_engine_does_not_fail_the_component():
    class Fails(Callbacks):
        """An engine that raises."""

        by_default = True

        def compile(self, calls, exact=False):
            raise RuntimeError("no more memory")

    assert "no more memory" in reason(Doubled(), Fails)
