from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset
from declnet.data.fingerprint import fingerprint

X, Y = np.arange(6.0).reshape(3, 2), np.arange(3)


def test_equal_arrays_have_equal_fingerprints_in_any_memory_order():
    assert fingerprint(Dataset(X, Y)) == fingerprint(Dataset(np.asfortranarray(X), Y.copy()))
    assert fingerprint(Dataset(X, Y)).startswith("sha256:")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X + 1, Y),
        (X, Y[::-1]),
        (X.astype("float32"), Y),
        (X.reshape(3, 1, 2), Y),
        (X, Y.astype(float)),
    ],
)
def test_any_difference_changes_the_fingerprint(x, y):
    assert fingerprint(Dataset(x, y)) != fingerprint(Dataset(X, Y))
