from __future__ import annotations

import pytest

from declnet_optimizers import SGD, Adagrad, Adam, RMSProp

DEFAULTS = [
    (SGD, {"learning_rate": 1.0, "momentum": 0.0}),
    (Adagrad, {"learning_rate": 1.0, "epsilon": 1e-7}),
    (RMSProp, {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}),
    (Adam, {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
]


@pytest.mark.parametrize(("optimizer", "fields"), DEFAULTS)
def test_defaults_are_those_of_the_reference(optimizer, fields):
    dumped = optimizer().model_dump()
    assert dumped == {"type": optimizer.type, "decay": 0.0, **fields}
