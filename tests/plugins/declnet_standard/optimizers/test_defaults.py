from __future__ import annotations

import pytest

from declnet_standard.optimizers import (
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

BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

DEFAULTS = [
    (SGD, {"learning_rate": 1.0, "momentum": 0.0, "nesterov": False}),
    (Adagrad, {"learning_rate": 1.0, "epsilon": 1e-7}),
    (RMSProp, {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}),
    (Adam, {"learning_rate": 0.001, **BETAS}),
    (AdamW, {"learning_rate": 0.001, **BETAS, "weight_decay": 0.01}),
    (NAdam, {"learning_rate": 0.002, **BETAS, "momentum_decay": 0.004}),
    (AMSGrad, {"learning_rate": 0.001, **BETAS}),
    (Adadelta, {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}),
    (Lion, {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.99, "weight_decay": 0.0}),
]


@pytest.mark.parametrize(("optimizer", "fields"), DEFAULTS)
def test_defaults_are_those_of_the_reference(optimizer, fields):
    dumped = optimizer().model_dump()
    assert dumped == {"type": optimizer.type, "decay": 0.0, **fields}


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        SGD(nesterov=True)
