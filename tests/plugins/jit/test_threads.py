"""The choice of the number of threads, with simulated speeds."""

from __future__ import annotations

import random

import pytest

from declnet_plugins.jit.threads import CLEARLY, Pace

STEP = 0.0005


def shares(pace, seconds_a_step, total, disturbed=lambda: 1.0):
    """Return the share of simulated time that was spent with each number of threads."""
    spent, clock = {}, 0.0
    while clock < total:
        threads, steps = pace.following(10_000)
        took = steps * seconds_a_step(threads, clock) * disturbed()
        pace.took(steps, took)
        spent[threads] = spent.get(threads, 0.0) + took
        clock += took
    return {threads: each / clock for threads, each in spent.items()}


@pytest.mark.parametrize("fastest", [1, 2, 4, 6])
def test_the_fastest_number_gets_nearly_all_time_even_if_trials_are_disturbed(fastest):
    noise = random.Random(3)
    found = shares(
        Pace(6),
        lambda threads, _: STEP * (1 if threads == fastest else 1.5),
        30.0,
        lambda: noise.choice((1.0, 1.0, 1.0, 4.0)),
    )
    assert set(found) == {1, 2, 4, 6}
    assert found[fastest] > 0.9


def test_long_steps_are_tried_once_and_rarely():
    found = shares(Pace(2), lambda threads, _: 0.04 / threads, 1.0)
    assert found[2] > 0.9


def test_a_thread_that_wakes_slowly_is_still_found_to_be_faster():
    """In the first runs of a step, the second thread shares the core of the first."""
    last, runs = 0, 0

    def seconds(threads, _):
        nonlocal last, runs
        runs = runs + 1 if threads == last else 1
        last = threads
        return 0.012 if threads == 1 or runs < 3 else 0.006

    assert shares(Pace(2), seconds, 2.0)[2] > 0.9


def test_more_threads_are_not_taken_for_little():
    found = shares(Pace(2), lambda threads, _: STEP * (1 if threads == 1 else CLEARLY + 0.01), 10.0)
    assert found[1] > 0.95


def test_the_choice_changes_when_speeds_do():
    pace = Pace(2)
    shares(pace, lambda threads, _: STEP / threads, 20.0)
    assert pace.chosen == 2
    shares(pace, lambda threads, _: STEP * threads, 20.0)
    assert pace.chosen == 1


def test_a_single_thread_is_never_interrupted():
    assert Pace(1).following(10**9) == (1, 10**9)
