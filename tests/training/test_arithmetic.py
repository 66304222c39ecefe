"""NumPy's settings within a training step."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.training.arithmetic import arithmetic_for


@pytest.mark.parametrize(("batch", "size"), [(32, 8192), (3000, 2992), (8192, 8176), (10**6, 8192)])
def test_rows_of_a_whole_batch_are_longer_than_the_buffer(batch, size):
    before = np.geterr(), np.getbufsize()
    with arithmetic_for(batch):
        assert np.getbufsize() == size
        assert set(np.geterr().values()) == {"ignore"}
    assert (np.geterr(), np.getbufsize()) == before


def test_what_was_set_comes_back_after_a_failure():
    with pytest.raises(ZeroDivisionError), arithmetic_for(3000):
        raise ZeroDivisionError
    assert np.getbufsize() == 8192
