"""The choice of the number of threads, with simulated speeds."""

from __future__ import annotations

import ctypes
import random

import pytest

from declnet_plugins.jit.threads import CLEARLY, LONGEST_REST, Pace, Usage, give_way_address

STEP = 0.0005


def shares(pace, seconds_a_step, total, disturbed=lambda: 1.0, preemptions=lambda *_: 0.0):
    """Return the share of simulated time that was spent with each number of threads.

    Args:
        preemptions: their rate per second of processor time, by the threads and the clock.
    """
    spent, clock, counted = {}, 0.0, {}
    while clock < total:
        threads, steps = pace.following(10_000)
        took = steps * seconds_a_step(threads, clock) * disturbed()
        before = counted.get(threads, 0.0)
        counted[threads] = before + preemptions(threads, clock) * threads * took
        whole = int(counted[threads]) - int(before)
        pace.took(steps, Usage(took, threads * took, whole))
        spent[threads] = spent.get(threads, 0.0) + took
        clock += took
    return {threads: seconds / clock for threads, seconds in spent.items()}


@pytest.mark.parametrize("fastest", [1, 2, 4, 6])
def test_the_fastest_number_gets_nearly_all_time_even_if_trials_are_disturbed(fastest):
    noise = random.Random(3)
    chosen = shares(
        Pace(6),
        lambda threads, _: STEP * (1 if threads == fastest else 1.5),
        30.0,
        lambda: noise.choice((1.0, 1.0, 1.0, 4.0)),
    )
    assert set(chosen) == {1, 2, 4, 6}
    assert chosen[fastest] > 0.9


def test_a_thread_that_wakes_slowly_is_still_found_to_be_faster():
    """In the first runs of a step, both threads share one core."""
    last, runs = 0, 0

    def seconds(threads, _):
        nonlocal last, runs
        runs = runs + 1 if threads == last else 1
        last = threads
        return 0.012 if threads == 1 or runs < 3 else 0.006

    assert shares(Pace(2), seconds, 2.0)[2] > 0.9


def test_more_threads_are_not_used_for_a_small_gain():
    chosen = shares(
        Pace(2), lambda threads, _: STEP * (1 if threads == 1 else CLEARLY + 0.01), 10.0
    )
    assert chosen[1] > 0.95


def test_the_choice_changes_when_speeds_do():
    pace = Pace(2)
    shares(pace, lambda threads, _: STEP / threads, 20.0)
    assert pace.chosen == 2
    shares(pace, lambda threads, _: STEP * threads, 20.0)
    assert pace.chosen == 1


@pytest.mark.parametrize("seconds", [0.0005, 0.02, 0.1], ids=lambda seconds: f"{seconds} s a step")
@pytest.mark.parametrize("rate", [80, 300])  # an equal rival on each core, slices of 12 and 3 ms
@pytest.mark.parametrize("most", [2, 3, 8])
def test_preempted_threads_are_given_up_although_fast_in_trials_and_return(most, rate, seconds):
    """Threads that share cores seem fast in short trials, but wait for each other in long ones."""
    pace = Pace(most)

    def period(total, preemptions):
        return shares(pace, lambda threads, _: seconds / threads, total, preemptions=preemptions)

    assert period(20.0, lambda *_: 10)[most] > 0.8
    assert pace.chosen == most
    assert period(1.0 + 5 * seconds, lambda *_: rate)[1] > 0.4  # in the middle of a long rest
    assert period(40.0, lambda *_: rate)[1] > 0.85
    period(LONGEST_REST + 20 * seconds, lambda *_: 0)
    assert period(20.0, lambda *_: 10)[most] > 0.8


BUSY = (8, 30.0, lambda threads, _: 300 if threads > 3 else 0, 0.85)
DISTURBED = (2, 60.0, lambda _, clock: 300 if clock % 5 < 0.05 else 5, 0.8)


@pytest.mark.parametrize(
    ("most", "seconds", "preemptions", "share"),
    [BUSY, DISTURBED],
    ids=["others use 5 of 8 cores", "another process runs for 50 ms every 5 s"],
)
def test_two_threads_are_chosen_among_other_processes(most, seconds, preemptions, share):
    chosen = shares(Pace(most), lambda threads, _: STEP / threads, seconds, preemptions=preemptions)
    assert chosen[2] > share


def test_a_single_thread_is_never_interrupted():
    assert Pace(1).following(10**9) == (1, 10**9)


def test_the_function_that_gives_way_can_be_called():
    address = give_way_address()
    assert address
    assert ctypes.CFUNCTYPE(ctypes.c_int)(address)() in (0, 1)  # on Windows, whether one waited
