from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import DataError, Dataset
from declnet.data.split import held_out

DATA = Dataset(np.arange(40.0)[:, None], np.arange(40))


@given(share=st.floats(0.02, 0.98), seed=st.integers(0, 50))
def test_both_parts_together_are_the_data(share, seed):
    rest, out = held_out(DATA, share, seed)
    assert len(out) == round(40 * share)
    assert sorted([*rest.y, *out.y]) == list(range(40))
    for part in (rest, out):
        assert (part.x[:, 0] == part.y).all()
        assert (np.diff(part.y) > 0).all()


def test_the_split_follows_from_the_seed_alone():
    first, same, other = (held_out(DATA, 0.25, seed)[1].y.tolist() for seed in (1, 1, 2))
    assert first == same
    assert first != other


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_an_empty_part_is_refused(share):
    with pytest.raises(DataError, match=f"data.validation = {share} of 40 samples"):
        held_out(DATA, share, 0)
