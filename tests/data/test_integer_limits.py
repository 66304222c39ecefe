"""Tests of lengths and words in a user's data that the layers do not take."""

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


@pytest.mark.parametrize(("sample", "length", "message"), WRONG)
def test_every_command_names_the_first_wrong_length(
    declnet_cli, folder, tmp_path, sample, length, message
):
    (tmp_path / "spec.toml").write_text(SPEC)
    np.savez(tmp_path / "series.npz", **changed(sample, length))
    spec, file, done = (
        str(each) for each in (tmp_path / "spec.toml", tmp_path / "series.npz", folder / "run")
    )
    for words in (
        ["check", spec],
        ["run", spec, "--out", str(tmp_path / "run")],
        ["evaluate", done, "--data", file],
        ["predict", done, file],
    ):
        result = declnet_cli(*words)
        assert result.returncode, result.stdout
        assert f"sample {message}" in result.stderr, words
        assert "series.npz" in result.stderr
        assert "plugin" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_length_of_0_is_an_empty_sequence(folder):
    predictor = load_predictor(folder / "run")
    x = {"x": ARRAYS["x"][:2], "lengths": np.array([0, 0])}
    first, second = predictor.predict(x).outputs
    np.testing.assert_array_equal(first, second)  # nothing of x is read
    assert np.isfinite(first)


def test_a_program_gets_the_same_message(folder):
    sample, length, message = WRONG[0]
    arrays = changed(sample, length)
    y = arrays.pop("y")
    with pytest.raises(SpecError, match=re.escape(f"train data: sample {message}")):
        run(
            parse_spec(load_spec(folder / "spec.toml").model_dump(mode="json") | {"data": {}}),
            (arrays, y),
        )
    with pytest.raises(DataError, match=re.escape(f"sample {message}")):
        load_predictor(folder / "run").predict(arrays)


def test_lengths_in_a_table_are_named_by_row(tmp_path):
    (tmp_path / "steps.csv").write_text(
        "\n".join(["a,b,c,n,y", *(f"{k},2,3,{7 if k == 8 else k % 4},{k % 2}" for k in range(20))])
    )
    spec = SPEC.replace(
        '"npz", path = "series.npz", inputs = ["x", "lengths"]',
        '"csv", path = "steps.csv", target = "y"',
    )
    spec = spec.replace(
        "validation = 0.5", 'validation = 0.5\ninputs = { x = ["a", "b", "c"], n = ["n"] }'
    )
    spec = spec.replace(
        "layers = [", 'layers = [\n{ type = "reshape", shape = [3, 1], inputs = ["input.x"] },'
    )
    spec = spec.replace('["input.x", "input.lengths"]', '["reshape_1", "input.n"]')
    (tmp_path / "spec.toml").write_text(spec)
    with pytest.raises(SpecError, match=r'data: row 9, "n" is 7, but the sequences have 3 steps'):
        run(load_spec(tmp_path / "spec.toml"))
