"""Ten steps of each optimizer against PyTorch, in float64, to 1e-9."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.update import VectorUpdate
from declnet_plugins.standard.optimizers.adagrad import Adadelta, Adagrad, RMSProp
from declnet_plugins.standard.optimizers.adam import Adam, AdamW, AMSGrad, NAdam
from declnet_plugins.standard.optimizers.sgd import SGD, Lion

torch = pytest.importorskip("torch")

STEPS, SIZE = 10, 50


@pytest.fixture
def start() -> np.ndarray:
    return np.random.default_rng(1).normal(size=SIZE)


@pytest.fixture
def gradients() -> np.ndarray:
    """Gradients of very different sizes: one always 0, one first 0, one 0 after the first step."""
    rng = np.random.default_rng(2)
    gradients = rng.normal(size=(STEPS, SIZE)) * np.logspace(-6, 3, SIZE)
    gradients[:, 0] = 0
    gradients[:5, 1] = 0
    gradients[1:, -1] = 0
    return gradients


def our_path(optimizer, start, gradients):
    w, dw = start.copy(), np.empty_like(start)
    update = VectorUpdate(optimizer, w, dw, len(gradients))
    for step, gradient in enumerate(gradients, start=1):
        dw[...] = gradient
        update.apply(optimizer.rate(step, len(gradients)), step)
        yield w.copy()


def torch_path(make, start, gradients):
    w = torch.tensor(start, requires_grad=True)
    optimizer = make([w])
    for gradient in gradients:
        w.grad = torch.tensor(gradient)
        optimizer.step()
        yield w.detach().numpy().copy()


OTHER_NAMES = {"learning_rate": "lr", "epsilon": "eps", "rho": "alpha", "decay": "lr_decay"}
SLOW = {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8}
CASES = [
    SGD(learning_rate=0.3),
    # PyTorch's velocity does not contain the rate: equal while the rate is constant
    SGD(learning_rate=0.3, momentum=0.9),
    SGD(learning_rate=0.3, momentum=0.9, nesterov=True),
    Adagrad(learning_rate=0.5),
    Adagrad(learning_rate=0.5, decay=0.1, epsilon=0.01),
    RMSProp(),
    RMSProp(learning_rate=0.2, rho=0.99, epsilon=0.01),
    *(kind() for kind in (Adam, AMSGrad, NAdam)),
    *(kind(**SLOW, epsilon=0.01) for kind in (Adam, AMSGrad, NAdam)),
    NAdam(**SLOW, momentum_decay=0.5),
    AdamW(),
    AdamW(**SLOW, weight_decay=0.3),
    Adadelta(),
    Adadelta(learning_rate=0.3, rho=0.5, epsilon=0.01),
]


def peer_of(ours):
    """Return a factory of torch's optimizer with our fields under torch's names."""
    names = {**OTHER_NAMES, "rho": "rho"} if ours.type == "adadelta" else OTHER_NAMES
    arguments = {names.get(name, name): value for name, value in ours if name != "groups"}
    if "beta_1" in arguments:
        arguments["betas"] = arguments.pop("beta_1"), arguments.pop("beta_2")
    if ours.type == "amsgrad":
        arguments["amsgrad"] = True
    if ours.type != "adagrad":
        del arguments["lr_decay"]
    kinds = {name.lower(): kind for name, kind in vars(torch.optim).items()}
    kind = kinds["adam" if ours.type == "amsgrad" else ours.type]
    return lambda parameters: kind(parameters, **arguments)


@pytest.mark.parametrize("ours", CASES, ids=repr)
def test_ten_steps_equal_torchs(ours, start, gradients):
    expected = list(torch_path(peer_of(ours), start, gradients))
    path = list(our_path(ours, start, gradients))
    np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-12)


def test_nadam_equals_torchs_after_thousands_of_steps():
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=3), rng.normal(size=(3000, 3))
    ours = list(our_path(NAdam(beta_1=0.99, epsilon=1e-8), start, gradients))

    def make(parameters):
        return torch.optim.NAdam(parameters, betas=(0.99, 0.999))

    expected = list(torch_path(make, start, gradients))
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_ten_steps_of_lion_equal_the_papers(start, gradients):
    """PyTorch has no Lion, so the test computes the paper's algorithm 2 on torch tensors."""
    w, m = torch.tensor(start), torch.zeros(SIZE)
    expected = []
    for gradient in torch.tensor(gradients):
        c = 0.9 * m + 0.1 * gradient
        w = w - 0.01 * (torch.sign(c) + 0.2 * w)
        m = 0.99 * m + 0.01 * gradient
        expected.append(w.numpy().copy())
    ours = list(our_path(Lion(learning_rate=0.01, weight_decay=0.2), start, gradients))
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
