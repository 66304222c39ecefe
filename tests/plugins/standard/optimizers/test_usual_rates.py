"""Which learning rates optimizers warn of."""

from __future__ import annotations

from typing import ClassVar

import pytest

from declnet import LearningRate, Optimizer, RunContext
from declnet_plugins.standard.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    RMSProp,
)

ALL = (SGD, Adadelta, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, RMSProp)

BOOK = [
    SGD(learning_rate=1.0, decay=1e-3, momentum=0.9),
    SGD(learning_rate=0.85),
    Adagrad(learning_rate=1.0, decay=1e-4),
    RMSProp(learning_rate=0.02, decay=1e-5, rho=0.999),
    Adam(learning_rate=0.02, decay=1e-5),
    Adam(learning_rate=0.05, decay=5e-7),
    Adam(learning_rate=0.005, decay=1e-3),
]

each_class = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.type)


class Walk(Optimizer):
    """w -= learning_rate * dw; its usual rates are unknown."""

    type = "walk"
    learning_rate: LearningRate

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * dw


class Stroll(Walk):
    """As walk, with a range."""

    type = "stroll"
    usual_learning_rates: ClassVar = (0.5, 2.0)


@each_class
def test_examples_are_usual(cls, codes_of):
    for example in cls.examples:
        assert codes_of(cls(**example), RunContext()) == []


@pytest.mark.parametrize("optimizer", BOOK, ids=lambda each: f"{each.type}-{each.learning_rate}")
def test_the_rates_of_the_book_are_usual(optimizer, codes_of):
    assert codes_of(optimizer, RunContext()) == []


@each_class
def test_a_rate_out_of_the_range_is_warned_of(cls, codes_of):
    smallest, largest = cls.usual_learning_rates
    for rate in (smallest, largest):
        assert codes_of(cls(learning_rate=rate), RunContext()) == []
    for rate, side in ((smallest / 2, "below"), (largest * 2, "above")):
        (finding,) = cls(learning_rate=rate).check(RunContext())
        assert (finding.code, finding.path) == ("W004", ("learning_rate",))
        assert f"is {side} the usual range of {cls.type}" in finding.message
        assert f"{smallest:g} to {largest:g}" in finding.message
        assert finding.help == f"its default is {cls().learning_rate:g}"


@pytest.mark.parametrize("cls", [SGD, Walk, Stroll], ids=lambda cls: cls.type)
def test_a_rate_of_0_is_warned_of(cls):
    (finding,) = cls(learning_rate=0.0).check(RunContext())
    assert finding.code == "W004"
    assert "nothing is learned" in finding.message


def test_a_schedule_is_not_judged(codes_of):
    schedule = {"type": "constant", "value": 1e9}
    assert codes_of(Adam(learning_rate=schedule), RunContext()) == []


def test_a_stranger_may_state_a_range_or_none(codes_of):
    assert codes_of(Walk(learning_rate=1e9), RunContext()) == []
    assert codes_of(Stroll(learning_rate=1.0), RunContext()) == []
    (finding,) = Stroll(learning_rate=3.0).check(RunContext())
    assert finding.help is None
