"""Which of the installed layers and losses a hint suggests."""

from __future__ import annotations

import pytest

from declnet import Kernel, Layer, Loss, OutputRange, Registry
from declnet.registry.discovery import default_registry
from declnet.registry.plugin import Plugin
from declnet.training.checks.suggestions import layer_for, loss_for, rectifier
from declnet_losses import BinaryCrossentropy, CategoricalCrossentropy, Hinge

PROBABILITY, DISTRIBUTION = OutputRange(0, 1), OutputRange(0, 1, sums_to_one=True)
OTHERS = Plugin("others", "declnet-others", "1.0")


class Squash(Layer):
    type = "sq"
    output_range = PROBABILITY
    backward_needs = frozenset()

    def forward(self, x, y, state):
        """Not called."""

    def backward(self, x, y, dy, dx, state):
        """Not called."""


class SquashOfWidth(Squash):
    type = "s"
    width: int


class Answers(Loss):
    type = "an"
    targets = "binary"
    takes = "probabilities"

    def forward(self, y_pred, y_true, losses):
        """Not called."""

    def backward(self, y_pred, y_true, dy_pred):
        """Not called."""


class SquashAnswers(Kernel):
    type = "squash_answers"
    replaces = (Squash, Answers)

    def bind(self, site):
        """Not called."""


def registry_of(*classes, first_party=True):
    own = Registry()
    for entry in default_registry().entries() if first_party else ():
        own.add(entry)
    for each in classes:
        own.register(each, OTHERS)
    return own


@pytest.mark.parametrize("others", [(), (Squash, SquashOfWidth, Answers)])
def test_declnets_own_are_preferred(others):
    registry = registry_of(*others)
    assert layer_for(CategoricalCrossentropy, registry) == "softmax"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"
    assert loss_for(DISTRIBUTION, registry) is CategoricalCrossentropy
    assert loss_for(PROBABILITY, registry) is BinaryCrossentropy
    assert rectifier(registry) == "relu"


def test_a_layer_that_a_kernel_joins_with_the_loss_is_preferred_to_declnets_own():
    registry = registry_of(Squash, Answers)
    assert layer_for(Answers, registry) == "sigmoid"
    registry.register(SquashAnswers, OTHERS)
    assert layer_for(Answers, registry) == "sq"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"


def test_one_that_its_name_alone_declares_is_preferred_to_a_shorter_one():
    registry = registry_of(SquashOfWidth, first_party=False)
    assert layer_for(BinaryCrossentropy, registry) == "s"
    registry.register(Squash, OTHERS)
    assert layer_for(BinaryCrossentropy, registry) == "sq"


@pytest.mark.parametrize("given", [OutputRange(), OutputRange(low=0), OutputRange(-1, 1)])
def test_no_loss_is_suggested_for_numbers_that_are_no_probabilities(given):
    assert loss_for(given, registry_of()) is None


def test_where_nothing_fits_nothing_is_suggested():
    registry = registry_of(Answers, first_party=False)
    assert layer_for(Answers, registry) is None
    assert layer_for(Hinge, registry) is None
    assert loss_for(DISTRIBUTION, registry) is None
    assert loss_for(PROBABILITY, registry) is Answers
    assert rectifier(registry) is None
