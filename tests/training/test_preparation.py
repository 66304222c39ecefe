"""The arrays of a run, in the types that its model and loss compute with."""

from __future__ import annotations

import pytest

import declnet


def test_a_number_too_large_for_the_models_type_is_an_error_before_training(
    document, changed, blobs
):
    test = blobs[0].copy()
    test[4, 1] = 1e300
    data = {"train": blobs, "test": (test, blobs[1])}
    declnet.run(declnet.parse_spec(document), data=data)  # in float64
    spec = declnet.parse_spec(changed(document, {"model.dtype": "float32"}))
    with pytest.raises(declnet.DataError, match="test data: sample 5 has a number that is too"):
        declnet.run(spec, data=data)
