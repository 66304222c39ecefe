"""conv1d: the shapes that it gives and refuses; its numbers are compared in tests/peers."""

from __future__ import annotations

import pytest

from declnet_plugins.standard.layers import Conv1d


@pytest.mark.parametrize(
    ("fields", "time", "places"),
    [
        ({"kernel_size": 3}, 7, 5),
        ({"kernel_size": 3, "stride": 2}, 7, 3),
        ({"kernel_size": 3, "dilation": 3}, 7, 1),
        ({"kernel_size": 4, "padding": "same"}, 7, 7),
        ({"kernel_size": 4, "padding": "same", "stride": 3}, 7, 3),
        ({"kernel_size": 9, "padding": "causal"}, 7, 7),
        ({"kernel_size": 2, "padding": "causal", "stride": 2}, 7, 4),
    ],
)
def test_there_is_a_step_for_each_place_of_the_kernel(fields, time, places):
    assert Conv1d(filters=5, **fields).output_shape(((time, 2),)) == (places, 5)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ({"kernel_size": 4, "dilation": 2}, ((6, 2),), "kernel sees 7 steps, the sequences have 6"),
        ({"kernel_size": 3, "groups": 5}, ((6, 2),), "5 groups do not divide 2 features"),
        ({"kernel_size": 3}, ((6, 2), ()), 'has padding "valid", so the lengths it reads'),
        ({"kernel_size": 3, "padding": "same", "stride": 2}, ((6, 2), ()), "has stride 2, so the"),
    ],
)
def test_what_does_not_fit_is_refused(fields, shapes, message):
    with pytest.raises(ValueError, match=message):
        Conv1d(filters=5, **fields).output_shape(shapes)
