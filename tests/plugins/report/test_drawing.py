from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.report.drawing import run_labels, set_apart

desired_places = st.lists(st.floats(-500, 500), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["a/r", "a/s"], ["r", "s"]),
        (["a/r", "b/r", "b/s"], ["a/r", "b/r", "b/s"]),
        (["a/b/r", "c/b/r"], ["a/b/r", "c/b/r"]),
        (["x/a/b/r", "y/a/b/r"], ["//x/a/b/r", "//y/a/b/r"]),
        (["a/r", "a/s", "a/r"], ["//a/r (1)", "//a/s", "//a/r (3)"]),
    ],
)
def test_runs_have_the_shortest_names_that_differ(paths, labels):
    assert run_labels([Path("/", path) for path in paths]) == labels


@given(desired_places, st.lists(st.floats(-30, 30), min_size=8, max_size=8))
def test_no_other_placement_with_these_gaps_is_nearer(desired, shifts):
    places = np.array(set_apart(desired, 120))
    assert (np.diff(places) >= 120 - 1e-6).all()
    other = places + np.array(shifts[: len(places)])
    if (np.diff(other) >= 120).all():
        cost = np.square(places - desired).sum()
        assert cost <= np.square(other - desired).sum() * (1 + 1e-9) + 1e-6
