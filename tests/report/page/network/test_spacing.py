from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.report.page.network.spacing import spaced

wishes = st.lists(st.floats(-500, 500), min_size=1, max_size=8)


@given(wishes, st.lists(st.floats(-30, 30), min_size=8, max_size=8))
def test_nothing_that_keeps_the_gaps_is_nearer(wanted, shifts):
    places = np.array(spaced(wanted, 100, 20))
    assert (np.diff(places) >= 120 - 1e-6).all()
    other = places + np.array(shifts[: len(places)])
    if (np.diff(other) >= 120).all():
        cost = np.square(places - wanted).sum()
        assert cost <= np.square(other - wanted).sum() * (1 + 1e-9) + 1e-6


def test_equal_wishes_spread_evenly():
    assert spaced([0, 0, 0], 100, 20) == pytest.approx([-120, 0, 120])
