from __future__ import annotations

from math import cos, inf, log2, pi, sqrt

import numpy as np
import pytest

import declnet
from declnet_plugins.standard.schedules import (
    Constant,
    Cosine,
    CosLog,
    Exponential,
    FlatCosine,
    InverseTime,
    OneCycle,
    Polynomial,
    Step,
    Warmup,
)

TOTAL = 10**4
"""Updates of the training, which matter only to schedules without steps of their own."""


def rates(schedule, *steps, total=TOTAL):
    return pytest.approx([schedule.rate(step, total) for step in steps], rel=1e-12, abs=1e-15)


TINY = 1e-9
EDGES = [
    Constant(value=0),
    InverseTime(initial_rate=0.1, decay=0),
    Exponential(initial_rate=0.1, decay_rate=TINY, decay_steps=1),
    Exponential(initial_rate=0.1, decay_rate=1),
    Step(initial_rate=0.1, factor=TINY, every=1),
    Step(initial_rate=0.1, factor=1, every=2),
    Polynomial(initial_rate=0.1, final_rate=0, steps=1, power=TINY),
    FlatCosine(initial_rate=0.1, flat_share=0),
    FlatCosine(initial_rate=0.1, flat_share=1 - TINY),
    CosLog(max_rate=0, cycles=1),
    CosLog(max_rate=0.1, cycles=64),
    OneCycle(max_rate=0.1, steps=1, warmup_share=0, initial_divisor=1, final_divisor=1),
    OneCycle(max_rate=0.1, steps=3, warmup_share=1 - TINY),
    Warmup(steps=1, start_factor=0, schedule=0.1),
    Warmup(steps=1, start_factor=1, schedule=0.1),
]


@pytest.mark.parametrize("schedule", EDGES, ids=str)
def test_fields_at_the_ends_of_their_ranges_give_rates(schedule):
    assert 0 <= schedule.rate(2, TOTAL) < inf


WAVE = sqrt(2) / 8
ONE_CYCLE = OneCycle(max_rate=1.0, steps=10, warmup_share=0.5, initial_divisor=2, final_divisor=50)


@pytest.mark.parametrize(
    ("schedule", "steps", "expected"),
    [
        (
            Polynomial(initial_rate=1.0, final_rate=0.2, steps=4),
            [1, 2, 3, 4, 5, 6, 10**9],
            [1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2],
        ),
        (
            Cosine(initial_rate=1.0, final_rate=0.5, steps=4),
            [1, 2, 3, 4, 5, 6, 9, 10**9],
            [1, 0.75 + WAVE, 0.75, 0.75 - WAVE, 0.5, 0.5, 0.5, 0.5],
        ),
        (
            FlatCosine(initial_rate=1.0, final_rate=0.5, steps=8),
            [1, 3, 5, 6, 7, 8, 9, 10**9],
            [1, 1, 1, 0.75 + WAVE, 0.75, 0.75 - WAVE, 0.5, 0.5],
        ),
        (ONE_CYCLE, [1, 3, 5, 10, 11, 10**9], [0.5, 0.75, 1.0, 0.01, 0.01, 0.01]),
        (
            Warmup(steps=4, start_factor=0.2, schedule=0.5),
            [1, 2, 3, 4, 5, 6, 10**9],
            [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5],
        ),
        (  # it rises to the first rate of the next schedule
            Warmup(steps=2, start_factor=0.0, schedule=Step(initial_rate=0.5, factor=0.1, every=2)),
            [1, 2, 3, 4, 5, 6],
            [0, 0.25, 0.5, 0.5, 0.05, 0.05],
        ),
    ],
    ids=lambda schedule: getattr(schedule, "type", None),
)
def test_rates(schedule, steps, expected):
    assert rates(schedule, *steps) == expected


@pytest.mark.parametrize(
    "schedule", [entry.component for entry in declnet.default_registry().entries("schedule")]
)
def test_all_rates_follow_the_rate_field(schedule):
    fields = {**schedule.examples[0], "final_rate": 0.0}
    fields = {name: value for name, value in fields.items() if name in schedule.model_fields}
    once, twice = (schedule(**fields | {schedule.rate_field: rate}) for rate in (0.25, 0.5))
    steps = (1, 2, 7, 500, TOTAL)
    assert rates(twice, *steps) == [2 * once.rate(step, TOTAL) for step in steps]
    assert twice.rate(7, TOTAL) > 0


@pytest.mark.parametrize("total", [1, 2, 37])
@pytest.mark.parametrize(
    ("schedule", "fields"),
    [
        (Polynomial, {"initial_rate": 1.0, "final_rate": 0.2, "power": 2.0}),
        (Cosine, {"initial_rate": 1.0, "final_rate": 0.5}),
        (FlatCosine, {"initial_rate": 1.0, "flat_share": 0.3}),
        (OneCycle, {"max_rate": 1.0, "warmup_share": 0.4}),
    ],
)
def test_a_schedule_without_steps_takes_the_steps_of_the_training(schedule, fields, total):
    steps = (*range(1, total + 3), 10**9)
    stated = schedule(**fields, steps=total)
    expected = [stated.rate(step, 5) for step in steps]
    assert rates(schedule(**fields), *steps, total=total) == expected


def test_coslog_has_cycles_that_double_in_length():
    """Cycle i of k spans t from (2**i - 1) / (2**k - 1) to (2**(i + 1) - 1) / (2**k - 1)."""
    total = 15000
    result = [CosLog(max_rate=0.2).rate(step, total) for step in range(1, total + 2)]
    assert [result[total * done // 15] for done in (0, 1, 3, 7, 15)] == pytest.approx([0] * 5)
    peaks = [total * (2 ** (i + 0.5) - 1) / 15 for i in range(4)]
    assert [result[round(peak)] for peak in peaks] == pytest.approx([0.2] * 4, rel=1e-5)
    rising = np.diff(result) > 0
    assert np.count_nonzero(rising[1:] & ~rising[:-1]) == 3  # one valley between two cycles
    assert CosLog(max_rate=0.2, cycles=1).rate(51, 100) == 0.1 * (1 - cos(2 * pi * log2(1.5)))


def test_the_schedule_after_a_warmup_has_the_remaining_steps():
    schedule = Warmup(steps=3, schedule=Cosine(initial_rate=1.0))
    rest = Cosine(initial_rate=1.0, steps=7)
    result = rates(schedule, *range(4, 15), total=10)
    assert result == [rest.rate(step, 99) for step in range(1, 12)]
    assert schedule.rate(2, 2) == schedule.rate(2, 100)  # training that is shorter than the warmup


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("share", [0.0, 1 / 3, 0.5, 0.999])
def test_one_cycle_of_few_steps_has_rates(steps, share):
    schedule = OneCycle(max_rate=1.0, steps=steps, warmup_share=share)
    assert all(0 < schedule.rate(step, TOTAL) <= 1 for step in range(1, 6))
    assert schedule.rate(steps + 1, TOTAL) == pytest.approx(1 / 25e4)
