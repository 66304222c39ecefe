"""Conversion of data to the dtype of the model."""

from __future__ import annotations

import numpy as np
import pytest

import declnet


def test_numbers_too_large_for_the_models_dtype_are_an_error_before_training(
    document, changed, blobs
):
    test = blobs[0].copy()
    test[4, 1] = 1e300
    data = {"train": blobs, "test": (test, blobs[1])}
    declnet.run(declnet.parse_spec(document), data=data)  # in float64
    spec = declnet.parse_spec(changed(document, {"model.dtype": "float32"}))
    with pytest.raises(declnet.DataError, match="test data: sample 5 has a number that is too"):
        declnet.run(spec, data=data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "scale", [5e-324, 1e-320, 1e-310, 1e-45, 1e-9, 1.0, 1e9, 1e38, 1e300, 5e307]
)
def test_sample_weights_of_any_scale_are_equivalent_or_an_error(
    document, changed, blobs, scale, dtype
):
    spec = declnet.parse_spec(changed(document, {"model.dtype": dtype}))
    weights = np.where(blobs[1] == 0, 3.0, 1.0)

    def loss(weights):
        data = declnet.Dataset(*blobs, weights=weights)
        return declnet.run(spec, data=data).metrics["train"]["loss"]

    most = float(np.finfo(dtype).max) ** 0.5
    if 1 / most < scale and scale < most / weights.sum():
        assert loss(scale * weights) == pytest.approx(loss(weights), rel=1e-5)
    else:
        with pytest.raises(
            declnet.DataError, match=r"the sample weights add up to .*, beyond what"
        ):
            loss(scale * weights)
