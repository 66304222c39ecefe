"""Optimizers: learning rates of several updates, which equal the rate of each update."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.contracts.returned import BrokenContractError
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.graph.update import Update
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.optimizers.sgd import SGD

TOTAL = 50
STORE = Model(infer_network((Dense(units=1),), (1,)), "float64").store


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(learning_rate=0.7),
        SGD(learning_rate=0.7, decay=0.3),
        SGD(learning_rate={"type": "cosine", "initial_rate": 0.7}),
    ],
)
def test_the_rates_of_several_updates_equal_the_rate_of_each_to_the_bit(optimizer):
    steps = range(3, 40)
    rates = optimizer.rates(steps, TOTAL)
    assert rates.tolist() == [optimizer.rate(step, TOTAL) for step in steps]
    update = Update(optimizer, STORE, np.zeros(2), TOTAL)
    values = np.empty((len(steps), len(update.now)), np.int64)
    update.fill(values, steps.start)
    assert values[:, 0].view(np.float64).tolist() == rates.tolist()


class OneForAll(SGD):
    type = "one_for_all"

    def rates(self, steps: range, total: int) -> float:
        return self.rate(steps.start, total)


def test_rates_of_another_shape_are_refused():
    update = Update(OneForAll(), STORE, np.zeros(2), TOTAL)
    with pytest.raises(BrokenContractError, match=r"rates.*, not an array of numbers"):
        update.fill(np.empty((3, 2), np.int64), 1)
