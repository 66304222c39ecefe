"""Optimizers against PyTorch's, ten steps of each, float64, to 1e-9."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from declnet.graph.update import Update
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
from declnet_plugins.standard.schedules import FlatCosine

torch = pytest.importorskip("torch")

STEPS, SIZE = 10, 50


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """NAdam's product of all mu so far has the default type, however exact the parameters are."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def start() -> np.ndarray:
    return np.random.default_rng(1).normal(size=SIZE)


@pytest.fixture
def gradients() -> np.ndarray:
    """Of very different sizes, one always 0, one 0 at first, one 0 after the first step."""
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(STEPS, SIZE)) * np.logspace(-6, 3, SIZE)
    gradients[:, 0] = 0
    gradients[:5, 1] = 0
    gradients[1:, -1] = 0
    return gradients


def our_path(optimizer, start, gradients):
    w, dw = start.copy(), np.empty_like(start)
    update = Update(optimizer, w, dw, len(gradients))
    for step, gradient in enumerate(gradients, start=1):
        dw[...] = gradient
        update(step)
        yield w.copy()


def torch_path(make, start, gradients):
    w = torch.tensor(start, requires_grad=True)
    optimizer = make([w])
    for gradient in gradients:
        w.grad = torch.tensor(gradient)
        optimizer.step()
        yield w.detach().numpy().copy()


CASES = [
    (SGD(learning_rate=0.3), "SGD", {"lr": 0.3}),
    # PyTorch's velocity lacks the rate: equal as long as the rate is constant
    (SGD(learning_rate=0.3, momentum=0.9), "SGD", {"lr": 0.3, "momentum": 0.9}),
    (
        SGD(learning_rate=0.3, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 0.3, "momentum": 0.9, "nesterov": True},
    ),
    (Adagrad(learning_rate=0.5), "Adagrad", {"lr": 0.5, "eps": 1e-7}),
    (
        Adagrad(learning_rate=0.5, decay=0.1, epsilon=0.01),
        "Adagrad",
        {"lr": 0.5, "lr_decay": 0.1, "eps": 0.01},
    ),
    (RMSProp(), "RMSprop", {"lr": 0.001, "alpha": 0.9, "eps": 1e-7}),
    (
        RMSProp(learning_rate=0.2, rho=0.99, epsilon=0.01),
        "RMSprop",
        {"lr": 0.2, "alpha": 0.99, "eps": 0.01},
    ),
    (Adam(), "Adam", {"eps": 1e-7}),
    (
        Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.8, epsilon=0.01),
        "Adam",
        {"lr": 0.1, "betas": (0.5, 0.8), "eps": 0.01},
    ),
    (AdamW(), "AdamW", {"eps": 1e-7}),
    (
        AdamW(learning_rate=0.1, beta_1=0.5, beta_2=0.8, weight_decay=0.3),
        "AdamW",
        {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-7, "weight_decay": 0.3},
    ),
    (NAdam(), "NAdam", {"eps": 1e-7}),
    (
        NAdam(learning_rate=0.1, beta_1=0.6, beta_2=0.8, epsilon=0.01, momentum_decay=0.5),
        "NAdam",
        {"lr": 0.1, "betas": (0.6, 0.8), "eps": 0.01, "momentum_decay": 0.5},
    ),
    (AMSGrad(), "Adam", {"eps": 1e-7, "amsgrad": True}),
    (
        AMSGrad(learning_rate=0.1, beta_1=0.5, beta_2=0.3, epsilon=0.01),
        "Adam",
        {"lr": 0.1, "betas": (0.5, 0.3), "eps": 0.01, "amsgrad": True},
    ),
    (Adadelta(), "Adadelta", {"lr": 1.0, "eps": 1e-6}),
    (
        Adadelta(learning_rate=0.3, rho=0.5, epsilon=0.01),
        "Adadelta",
        {"lr": 0.3, "rho": 0.5, "eps": 0.01},
    ),
]


@pytest.mark.parametrize(("ours", "name", "arguments"), CASES, ids=repr)
def test_ten_steps_are_those_of_torch(ours, name, arguments, start, gradients):
    def make(parameters):
        return getattr(torch.optim, name)(parameters, **arguments)

    expected = list(torch_path(make, start, gradients))
    found = list(our_path(ours, start, gradients))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_nadam_is_that_of_torch_after_thousands_of_steps():
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=3), rng.normal(size=(3000, 3))
    ours = list(our_path(NAdam(beta_1=0.99, epsilon=1e-8), start, gradients))

    def make(parameters):
        return torch.optim.NAdam(parameters, betas=(0.99, 0.999))

    expected = list(torch_path(make, start, gradients))
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_ten_steps_of_lion_are_those_of_its_paper(start, gradients):
    """PyTorch has no Lion; the rule is the paper's algorithm 2, on torch tensors."""
    w, m = torch.tensor(start), torch.zeros(SIZE)
    expected = []
    for gradient in torch.tensor(gradients):
        c = 0.9 * m + 0.1 * gradient
        w = w - 0.01 * (torch.sign(c) + 0.2 * w)
        m = 0.99 * m + 0.01 * gradient
        expected.append(w.numpy().copy())
    ours = list(our_path(Lion(learning_rate=0.01, weight_decay=0.2), start, gradients))
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_a_scheduled_weight_decay_is_that_of_torch_changed_at_each_step(start, gradients):
    decay = FlatCosine(initial_rate=0.3)

    def make(parameters):
        optimizer = torch.optim.AdamW(parameters, lr=0.05, eps=1e-7)
        steps = count(1)

        def change(*_):
            optimizer.param_groups[0]["weight_decay"] = decay.rate(next(steps), STEPS)

        optimizer.register_step_pre_hook(change)
        return optimizer

    ours = list(our_path(AdamW(learning_rate=0.05, weight_decay=decay), start, gradients))
    expected = list(torch_path(make, start, gradients))
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_sgd_differs_from_torch_where_the_rate_changes(start, gradients):
    """The velocity holds the rate of the step that it came from; PyTorch applies today's to all."""
    changing = {"type": "step", "initial_rate": 0.3, "factor": 0.1, "every": 1}
    ours = SGD(learning_rate=changing, momentum=0.9)

    def make(parameters):
        optimizer = torch.optim.SGD(parameters, lr=0.3, momentum=0.9)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
        optimizer.register_step_post_hook(lambda *_: schedule.step())
        return optimizer

    expected = list(torch_path(make, start, gradients[:3]))
    found = list(our_path(ours, start, gradients[:3]))
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
    assert np.abs(found[2] - expected[2]).max() > 1
