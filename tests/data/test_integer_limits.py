"""Tests of sequence lengths in the data that a layer does not accept."""

from __future__ import annotations

import re

import numpy as np
import pytest

from declnet import DataError, SpecError, load_predictor, load_spec, parse_spec, run

SPEC = """
declnet = 1
[data]
train = { type = "npz", path = "series.npz", inputs = ["x", "lengths"] }
validation = 0.5
[model]
layers = [
  { type = "gru", units = 2, inputs = ["input.x", "input.lengths"] },
  { type = "dense", units = 1 },
]
[loss]
type = "mean_squared_error"
[optimizer]
type = "sgd"
[training]
epochs = 1
"""
N, TIME = 12, 5
ARRAYS = {
    "x": np.random.default_rng(0).normal(size=(N, TIME, 2)),
    "lengths": np.arange(N) % (TIME + 1),
    "y": np.arange(N) / N,
}
WRONG = [
    (7, -1, '7, "lengths" is -1, but the sequences have 5 steps, so "gru_1" takes 0 to 5'),
    (3, 6, '3, "lengths" is 6, but the sequences have 5 steps, so "gru_1" takes 0 to 5'),
    (12, 2.5, '12, "lengths" is 2.5, but "gru_1" takes integers'),
]


def changed(sample, length):
    lengths = ARRAYS["lengths"].astype(type(length))
    lengths[sample - 1] = length
    return ARRAYS | {"lengths": lengths}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lengths")
    np.savez(folder / "series.npz", **ARRAYS)
    (folder / "spec.toml").write_text(SPEC)
    run(load_spec(folder / "spec.toml"), out=folder / "run")
    return folder


def test_a_length_of_0_is_an_empty_sequence(folder):
    predictor = load_predictor(folder / "run")
    x = {"x": ARRAYS["x"][:2], "lengths": np.array([0, 0])}
    first, second = predictor.predict(x).outputs
    np.testing.assert_array_equal(first, second)  # x is not read
    assert np.isfinite(first)


@pytest.mark.parametrize(("sample", "length", "message"), WRONG)
def test_the_first_wrong_length_is_named(folder, tmp_path, sample, length, message):
    """The gallery shows the output of `declnet check`."""
    predictor, expected = load_predictor(folder / "run"), re.escape(f"sample {message}")
    arrays = changed(sample, length)
    np.savez(tmp_path / "series.npz", **arrays)
    with pytest.raises(DataError, match=rf"series\.npz: .*{expected}"):
        predictor.evaluate(tmp_path / "series.npz")
    y = arrays.pop("y")
    with pytest.raises(SpecError, match=f"train data: {expected}"):
        run(
            parse_spec(load_spec(folder / "spec.toml").model_dump(mode="json") | {"data": {}}),
            (arrays, y),
        )
    with pytest.raises(DataError, match=expected):
        predictor.predict(arrays)
