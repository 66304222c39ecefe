"""The graph in which the kit runs a component: arrays, locks, and overwritten memory."""

from dataclasses import astuple

import numpy as np
import pytest

from declnet import default_registry
from declnet.testing import CheckFailed, Subject
from declnet.testing.checking import ReadOnlyWrittenError
from declnet.testing.layer_harness import LayerHarness
from declnet.testing.trial import Batch, Setting
from declnet.testing.watched import call_locked

ADD = default_registry().find("layer", "add")()
RNG = np.random.default_rng(3)
X, DY = RNG.normal(size=(7, 4)), RNG.normal(size=(7, 4))


def test_equal_settings_share_a_trial():
    values = astuple(Setting(7))
    assert all(value == value for value in values)  # as NaN does not
    assert Setting(7) == Setting(*values)
    assert Setting(7) != Setting(7, poison="number")


def test_backward_gets_only_the_arrays_in_backward_needs_and_requested_dx():
    setting = Setting(7, spares=True, without_dx=1)
    harness = LayerHarness(Subject(ADD), ((4,), (4,), (4,)), setting)
    assert set(harness.run(Batch((X, X, X), DY))) == {"y", "dx[0]", "dx[2]"}
    x, y, _, dx, _ = harness.watched.backward_arguments
    assert (x, y) == (None, None)
    assert [gradient is None for gradient in dx] == [False, True, False]


def test_a_refused_write_names_the_array_which_is_unlocked_again():
    first, second, filled = np.ones(3), np.ones(3), np.zeros(3)

    def call():
        np.add(first, second, out=filled)
        np.clip(second, 0, 2, out=second)

    with pytest.raises(ReadOnlyWrittenError, match="update writes to w, which it may only read"):
        call_locked("update", call, {"x": first, "w": second})
    assert first.flags.writeable
    assert second.flags.writeable
    np.testing.assert_array_equal(filled, 2)


def test_all_arrays_that_are_read_only_without_a_lock_are_named():
    first, second = np.ones(3), np.ones(3)
    first.flags.writeable = second.flags.writeable = False
    with pytest.raises(ReadOnlyWrittenError, match="update writes to x or w, which it may only"):
        call_locked("update", lambda: np.add(first, 1, out=second), {"x": first, "w": second})


def test_a_write_that_bypasses_the_lock_is_found_by_comparison():
    memory = np.ones(6)
    for base in (None, memory):
        array = np.ones(3) if base is None else base[::2]

        def call(array=array):
            written = array if array.base is None else array.base
            written.flags.writeable = True
            written += 1

        with pytest.raises(ReadOnlyWrittenError, match="update writes to w, which it may only"):
            call_locked("update", call, {"x": np.ones(3), "w": array})


def test_another_error_about_read_only_memory_is_not_a_refused_write():
    constant = np.zeros(3)
    constant.flags.writeable = False
    with pytest.raises(CheckFailed, match="forward raised ValueError") as caught:
        call_locked("forward", lambda: np.add(constant, 1, out=constant), {"x": np.ones(3)})
    assert type(caught.value) is CheckFailed
