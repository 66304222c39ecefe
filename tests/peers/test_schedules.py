"""Schedules against PyTorch's, stepped after each update, to 1e-9."""

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
    """The rate of each update."""
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


CASES = {
    "exponential": (
        Exponential(initial_rate=0.3, decay_rate=0.97),
        lambda o: schedulers.ExponentialLR(o, 0.97),
        200,
    ),
    "exponential, staircase": (
        Exponential(initial_rate=0.3, decay_rate=0.7, decay_steps=9, staircase=True),
        lambda o: schedulers.StepLR(o, 9, 0.7),
        100,
    ),
    "step": (
        Step(initial_rate=0.3, every=7),
        lambda o: schedulers.StepLR(o, 7),
        50,
    ),
    "polynomial": (
        Polynomial(initial_rate=0.3, steps=20),
        lambda o: schedulers.PolynomialLR(o, total_iters=20),
        30,
    ),
    "polynomial, power 2.5": (
        Polynomial(initial_rate=0.3, steps=20, power=2.5),
        lambda o: schedulers.PolynomialLR(o, total_iters=20, power=2.5),
        30,
    ),
    "polynomial, to a final rate": (
        Polynomial(initial_rate=0.3, final_rate=0.06, steps=20),
        lambda o: schedulers.LinearLR(o, 1.0, 0.2, total_iters=20),
        30,
    ),
    # CosineAnnealingLR rises again after its 30 steps
    "cosine": (
        Cosine(initial_rate=0.3, steps=30),
        lambda o: schedulers.CosineAnnealingLR(o, 30),
        31,
    ),
    "cosine, to a final rate": (
        Cosine(initial_rate=0.3, final_rate=0.02, steps=30),
        lambda o: schedulers.CosineAnnealingLR(o, 30, eta_min=0.02),
        31,
    ),
    "warmup, to a number": (
        Warmup(steps=8, start_factor=0.25, schedule=0.3),
        lambda o: schedulers.LinearLR(o, 0.25, total_iters=8),
        20,
    ),
    "warmup, to cosine": (
        Warmup(steps=8, start_factor=0.01, schedule=Cosine(initial_rate=0.3, steps=20)),
        warmup_before(lambda o: schedulers.CosineAnnealingLR(o, 20), 8, 0.01),
        29,
    ),
    "warmup, to exponential": (
        Warmup(steps=1, schedule=Exponential(initial_rate=0.3, decay_rate=0.9)),
        warmup_before(lambda o: schedulers.ExponentialLR(o, 0.9), 1, 0.1),
        30,
    ),
    "one_cycle": (
        OneCycle(max_rate=0.5, steps=100),
        one_cycle(max_lr=0.5, total_steps=100),
        100,
    ),
    "one_cycle, other shares": (
        OneCycle(max_rate=0.5, steps=33, warmup_share=0.45, initial_divisor=10, final_divisor=100),
        one_cycle(max_lr=0.5, total_steps=33, pct_start=0.45, div_factor=10, final_div_factor=100),
        33,
    ),
    "one_cycle, no warmup": (
        OneCycle(max_rate=0.5, steps=20, warmup_share=0.0),
        one_cycle(max_lr=0.5, total_steps=20, pct_start=0.0),
        20,
    ),
    "inverse_time": (
        InverseTime(initial_rate=0.3, decay=0.05),
        lambda o: schedulers.LambdaLR(o, lambda epoch: 1 / (1 + 0.05 * epoch)),
        50,
    ),
    "flat_cosine": (
        FlatCosine(initial_rate=0.3, flat_share=0.25),
        lambda o: schedulers.SequentialLR(
            o,
            [schedulers.ConstantLR(o, 1.0), schedulers.CosineAnnealingLR(o, 30)],
            milestones=[10],
        ),
        40,
    ),
}


@pytest.mark.parametrize(("ours", "make", "steps"), CASES.values(), ids=CASES)
def test_rates_are_those_of_torch(ours, make, steps):
    found = [ours.rate(step, steps) for step in range(1, steps + 1)]
    assert found == pytest.approx(torch_rates(make, 0.3, steps), rel=1e-9, abs=1e-12)
