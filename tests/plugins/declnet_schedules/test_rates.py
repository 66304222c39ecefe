from __future__ import annotations

import pytest

from declnet_optimizers import SGD
from declnet_schedules import Constant, InverseTime


def test_constant_is_its_value_at_every_step():
    assert {Constant(value=0.3).rate(step) for step in (1, 2, 1000)} == {0.3}


def test_inverse_time_starts_at_the_initial_rate_and_falls():
    schedule = InverseTime(initial_rate=0.8, decay=0.5)
    assert [schedule.rate(step) for step in (1, 2, 3)] == [0.8, 0.8 / 1.5, 0.4]


def test_inverse_time_equals_an_optimizers_decay():
    decayed = SGD(learning_rate=0.7, decay=1e-3)
    scheduled = SGD(learning_rate=InverseTime(initial_rate=0.7, decay=1e-3))
    steps = range(1, 500)
    assert [decayed.rate(step) for step in steps] == [scheduled.rate(step) for step in steps]


def test_decay_beside_a_schedule_is_refused():
    with pytest.raises(ValueError, match="exclude each other"):
        SGD(learning_rate=Constant(value=0.1), decay=0.1)
