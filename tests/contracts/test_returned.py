"""Wrong values returned by components, which are errors that name the component.

Each component is wrong in one method, comes from a distribution, and is used in a real run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import pytest
from pydantic import Field

from declnet import (
    AtLeast,
    BrokenContractError,
    Callback,
    Component,
    ComponentError,
    Dataset,
    Loss,
    Metric,
    Misfit,
    Optimizer,
    Registry,
    Regularizer,
    Schedule,
    SpecError,
    Table,
    TableSource,
    Transform,
    attributing_errors,
    discover,
    parse_spec,
    run,
    verified,
)
from declnet.registry.plugin import Plugin

PLUGIN = Plugin("odd", "declnet-odd", "1.2")
X, Y = np.linspace(-1, 1, 24).reshape(12, 2), np.arange(12) % 3


class OddRegularizer(Regularizer):
    type = "odd"

    def add_gradient(self, w, dw): ...


class OddSchedule(Schedule):
    type = "odd"


class OddLoss(Loss):
    type = "odd"
    targets = "classes"

    def forward(self, y_pred, y_true, losses):
        losses[...] = 1

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 0


class OddOptimizer(Optimizer):
    type = "odd"
    learning_rate: float = 0.1

    def update(self, w, dw, state, learning_rate, step): ...


class OddMetric(Metric):
    type = "odd"

    def start(self):
        return []

    def update(self, state, y_pred, y_true): ...

    def result(self, state):
        return 0.0


class OddTransform(Transform):
    type = "odd"

    def suits(self, column):
        return True

    def apply(self, x, state):
        return x.copy()


class OddSource(TableSource):
    type = "odd"

    target: str | None = Field(default="y", description="the column to predict")

    def read(self):
        yield {"a": X[:, 0], "y": Y}


class OddCallback(Callback):
    type = "odd"

    def start(self, run):
        run.save_checkpoints(every_epochs=1)
        return []


def document(**sections):
    whole = {
        "declnet": 1,
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "sgd",
        "training": {"epochs": 2},
    }
    return whole | sections


def penalized():
    layer = {"type": "dense", "units": 3, "weight_regularizer": "odd"}
    return document(model={"layers": [layer, "softmax"]})


SCHEDULED = document(optimizer={"type": "sgd", "learning_rate": "odd"})
LOST = document(loss="odd")
MEASURED = document(training={"epochs": 2, "metrics": ["odd"]})
LOST_AND_MEASURED = document(loss="odd", training={"epochs": 2, "metrics": ["accuracy"]})
OPTIMIZED = document(optimizer="odd")
PREPARED = document(data={"prepare": ["odd"]})
SOURCED = document(data={"train": {"type": "odd"}})
FOLLOWED = document(training={"epochs": 2, "callbacks": ["odd"]})

CASES = [
    (OddRegularizer, "penalty", np.zeros(2), "an array of float64 of shape (2,)", penalized()),
    (OddSchedule, "rate", np.inf, "inf, not a finite number of at least 0 (step 1)", SCHEDULED),
    (OddLoss, "prepare", np.zeros((3, 3)), "not an array of 12 rows", LOST),
    (OddLoss, "predictions", np.zeros((1, 3)), "not an array of 12 rows", LOST_AND_MEASURED),
    (OddOptimizer, "state_names", ("a b",), "cannot be an attribute", OPTIMIZED),
    (OddMetric, "result", None, "None, not a number", MEASURED),
    (OddMetric, "check", ("wrong",), "('wrong',), not a sequence of Diagnostic", MEASURED),
    (OddTransform, "suits", None, "None, not True or False", PREPARED),
    (OddTransform, "fit", {"a": {3: 1}}, "state/a has the key 3, which is not a str", PREPARED),
    (OddTransform, "apply", None, "None, not an array of numbers or text", PREPARED),
    (OddTransform, "feature_names", "ab", "'ab', not a tuple of strings", PREPARED),
    (OddTransform, "levels", 0, "0, not an integer of at least 1 or None", PREPARED),
    (OddSource, "describe", {"shape": (2,)}, "not a DataInfo or None", SOURCED),
    (OddSource, "load", (X, Y), "not a Dataset or a Table", SOURCED),
    *(
        (OddSource, "load", value, fault, SOURCED)
        for value, fault in (
            (Dataset(X.tolist(), Y), "a list of 12 items as inputs, not an array of numbers"),
            (Dataset(X, Y.tolist()), "a list of 12 items as targets, not an array of numbers"),
            (Dataset({"a": X, "b": [1]}, Y), '[1] as "b" of inputs, not an array of numbers'),
            (
                Dataset(X.astype(object), Y),
                "an array of object of shape (12, 2) as inputs, not an a",
            ),
            (Dataset(X, np.array(3)), "an array of int64 of shape () as targets, not an array"),
            (
                Dataset(X.astype(complex), Y),
                "an array of complex128 of shape (12, 2) as inputs, not",
            ),
            (Dataset(X, Y, weights=[1] * 12), "a list of 12 items as weights, not an array of nu"),
            (
                Dataset(np.ma.masked_less(X, 0), Y),
                "a masked array of float64 of shape (12, 2) as inputs, not",
            ),
            (
                Table({"a": X[:, 0].tolist(), "y": Y}, "y"),
                'as "a" of columns, not an array of numbers or text',
            ),
            (Table({"a": X, "y": Y}, "y"), 'as column "a", not an array (n,)'),
            (Table({"a": np.array([[], 1], object)}, "a"), '"a" of objects with int and list'),
            (Table({"a": X[:, 0], "y": Y[:3]}, "y"), 'columns "a" of 12 and "y" of 3 rows'),
        )
    ),
    (OddTransform, "apply", np.ma.masked_less(X, 0), "a masked array of float64 of", PREPARED),
    (OddCallback, "monitors", "loss", "'loss', not a sequence of strings", FOLLOWED),
    (OddCallback, "observer", "me", "'me', not a StepObserver", FOLLOWED),
    (OddCallback, "save", {"a": {1, 2}}, "what a checkpoint cannot keep: it/a is set", FOLLOWED),
]


@pytest.mark.parametrize(
    ("base", "method", "value", "fault", "spec"),
    CASES,
    ids=[f"{base.kind}-{method}-{number}" for number, (base, method, *_) in enumerate(CASES)],
)
def test_a_wrong_value_names_component_distribution_method_and_line(
    base, method, value, fault, spec, tmp_path
):
    def returns(self, *arguments):
        return value

    body = {"__module__": __name__, "__qualname__": "Odd", "type": "odd", method: returns}
    registry = discover()
    registry.register(type("Odd", (base,), body), PLUGIN)
    data = None if spec is SOURCED else Dataset(X, Y)
    with pytest.raises(ComponentError) as caught:
        run(parse_spec(spec, registry), data, tmp_path / "run", registry=registry)
    message = str(caught.value)
    name = f'{base.kind} "odd" of plugin odd (declnet-odd 1.2): {method}() '
    assert message.startswith(name)
    assert fault in message
    assert re.search(r"\(.*test_returned\.py:\d+\)$", message)


def test_a_source_may_return_read_only_arrays_and_masked_columns():
    class Masked(OddSource):
        type = "odd"

        def load(self, rng):
            columns = {"a": np.ma.masked_less(X[:, 0], 0), "y": Y.copy()}
            columns["y"].flags.writeable = False
            return Table(columns, "y")

    registry = discover()
    registry.register(Masked, PLUGIN)
    with pytest.raises(SpecError, match='column "a" is missing'):
        run(parse_spec(SOURCED, registry), registry=registry)
    filled = document(data={"train": {"type": "odd"}, "prepare": ["impute"]})
    run(parse_spec(filled, registry), registry=registry)


@dataclass(frozen=True)
class Interval:
    """An interval whose ends may be in either order."""

    low: int
    high: Annotated[int, AtLeast(0)]

    def verified(self) -> Self:
        return self if self.low <= self.high else Interval(self.high, self.low)


class Binning(Component):
    """A kind of component that a plugin defines."""

    kind = "binning"
    required_methods = ("intervals",)

    def intervals(self, most: int) -> tuple[Interval, ...]:
        raise NotImplementedError

    def verify_intervals(self, intervals: tuple[Interval, ...], most: int) -> None:
        if len(intervals) > most:
            raise Misfit.of(intervals, f"up to {most} intervals")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (3, "3, not a tuple of Intervals"),
        ((Interval(0, "1"),), "'1' as high, not an integer of at least 0"),
        ((Interval(0, -1),), "-1 as high, not an integer of at least 0"),
        ((Interval(0, 1),) * 3, r"\(.+, not up to 2 intervals"),
        ((Interval(0, 1), Interval(3, 2)), None),
    ],
)
def test_a_kind_that_a_plugin_defines_is_verified_like_declnets(answer, fault):
    class Odd(Binning):
        type = "odd"

        def intervals(self, most):
            return answer

        def verify_intervals(self, intervals, most):
            """Do nothing; it belongs to the contract and is never called."""
            raise AssertionError

    registry = Registry()
    registry.register(Odd, PLUGIN)
    if fault is None:
        assert verified(Binning.intervals, Odd(), 2) == (Interval(0, 1), Interval(2, 3))
        return
    with pytest.raises(
        BrokenContractError, match=rf'^binning "odd": intervals\(\) returned {fault}'
    ):
        verified(Binning.intervals, Odd(), 2)
    with (
        pytest.raises(ComponentError, match=r'^binning "odd" of plugin odd \(declnet-odd 1.2\): '),
        attributing_errors(registry),
    ):
        verified(Binning.intervals, Odd(), 2)
