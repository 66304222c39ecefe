"""Schedules against PyTorch's, which are stepped after each update, to 1e-9."""

from __future__ import annotations

import pytest

from declnet_plugins.standard.schedules import (
    Cosine,
    Exponential,
    FlatCosine,
    InverseTime,
    OneCycle,
    Polynomial,
    Step,
    Warmup,
)

torch = pytest.importorskip("torch")
schedulers = torch.optim.lr_scheduler


def torch_rates(make, initial_rate, steps):
    """Return the rate of each update by torch's schedule."""
    parameter = torch.zeros(1, requires_grad=True)
    parameter.grad = torch.zeros(1)
    optimizer = torch.optim.SGD([parameter], lr=initial_rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def warmup_before(make, steps, start_factor):
    def both(optimizer):
        warmup = schedulers.LinearLR(optimizer, start_factor=start_factor, total_iters=steps)
        return schedulers.SequentialLR(optimizer, [warmup, make(optimizer)], milestones=[steps])

    return both


def one_cycle(**arguments):
    return lambda o: schedulers.OneCycleLR(o, cycle_momentum=False, **arguments)


def cosine(steps, **arguments):
    return lambda o: schedulers.CosineAnnealingLR(o, steps, **arguments)


def polynomial(power):
    return lambda o: schedulers.PolynomialLR(o, total_iters=20, power=power)


def linear(*factors, steps):
    return lambda o: schedulers.LinearLR(o, *factors, total_iters=steps)


def flat_cosine(optimizer):
    parts = [schedulers.ConstantLR(optimizer, 1.0), schedulers.CosineAnnealingLR(optimizer, 30)]
    return schedulers.SequentialLR(optimizer, parts, milestones=[10])


START = {"initial_rate": 0.3}
OTHER = {"warmup_share": 0.45, "initial_divisor": 10, "final_divisor": 100}
PEER_OF_OTHER = {"pct_start": 0.45, "div_factor": 10, "final_div_factor": 100}
TO_COSINE = Warmup(steps=8, start_factor=0.01, schedule=Cosine(**START, steps=20))
TO_EXPONENTIAL = Warmup(steps=1, schedule=Exponential(**START, decay_rate=0.9))
STAIRCASE = Exponential(**START, decay_rate=0.7, decay_steps=9, staircase=True)
CASES = [
    (Exponential(**START, decay_rate=0.97), lambda o: schedulers.ExponentialLR(o, 0.97), 200),
    (STAIRCASE, lambda o: schedulers.StepLR(o, 9, 0.7), 100),
    (Step(**START, every=7), lambda o: schedulers.StepLR(o, 7), 50),
    (Polynomial(**START, steps=20), polynomial(1.0), 30),
    (Polynomial(**START, steps=20, power=2.5), polynomial(2.5), 30),
    (Polynomial(**START, final_rate=0.06, steps=20), linear(1.0, 0.2, steps=20), 30),
    # CosineAnnealingLR rises again after its 30 steps
    (Cosine(**START, steps=30), cosine(30), 31),
    (Cosine(**START, final_rate=0.02, steps=30), cosine(30, eta_min=0.02), 31),
    (Warmup(steps=8, start_factor=0.25, schedule=0.3), linear(0.25, steps=8), 20),
    (TO_COSINE, warmup_before(cosine(20), 8, 0.01), 29),
    (TO_EXPONENTIAL, warmup_before(lambda o: schedulers.ExponentialLR(o, 0.9), 1, 0.1), 30),
    (OneCycle(max_rate=0.5, steps=100), one_cycle(max_lr=0.5, total_steps=100), 100),
    (
        OneCycle(max_rate=0.5, steps=33, **OTHER),
        one_cycle(max_lr=0.5, total_steps=33, **PEER_OF_OTHER),
        33,
    ),
    (
        OneCycle(max_rate=0.5, steps=20, warmup_share=0.0),
        one_cycle(max_lr=0.5, total_steps=20, pct_start=0.0),
        20,
    ),
    (
        InverseTime(**START, decay=0.05),
        lambda o: schedulers.LambdaLR(o, lambda epoch: 1 / (1 + 0.05 * epoch)),
        50,
    ),
    (FlatCosine(**START, flat_share=0.25), flat_cosine, 40),
]


@pytest.mark.parametrize(
    ("ours", "make", "steps"), CASES, ids=lambda schedule: getattr(schedule, "type", None)
)
def test_rates_equal_torchs(ours, make, steps):
    rates = [ours.rate(step, steps) for step in range(1, steps + 1)]
    assert rates == pytest.approx(torch_rates(make, 0.3, steps), rel=1e-9, abs=1e-12)
