"""A run's folder, read part by part."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import open_run, parse_spec, run


@pytest.fixture
def done(document, tmp_path):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    return run(parse_spec(document), out=tmp_path / "out")


@pytest.fixture
def stored(done):
    return open_run(done.directory)


def test_the_model_is_the_trained_one_and_always_the_same(stored, done, blobs):
    model = stored.model()
    assert np.array_equal(model.predict(blobs[0]), done.model.predict(blobs[0]))
    assert stored.model() is model
    assert stored.predictor().model is model
    assert stored.predictor() is stored.predictor()
    assert declnet.load_model(done.directory) is not model
    assert stored.parameters().keys() == model.parameters().keys()


def test_the_data_is_the_same_as_in_the_run(stored, blobs):
    assert list(stored.data_sets) == ["train", "validation", "test"]
    assert {name: len(data_set.dataset) for name, data_set in stored.data_sets.items()} == {
        "train": 24,
        "validation": 6,
        "test": 30,
    }
    assert all(data_set.unchanged for data_set in stored.data_sets.values())
    assert stored.data().name == "test"
    assert np.array_equal(stored.data("test").dataset.x, blobs[0])
    parts = list(stored.data("test").parts(13))
    assert [len(part) for part in parts] == [13, 13, 4]
    assert np.array_equal(np.concatenate([part.y for part in parts]), blobs[1])


def test_arrays_that_are_used_unchanged_have_a_preparation_without_a_file(stored, done):
    assert stored.input_shape == stored.inputs[""].shape
    for preparation in (done.preparation, stored.predictor().preparation):
        assert preparation.changes_nothing
        assert preparation.inputs == {"": ("x",)}
    assert not (done.directory / "preparation.json").exists()


def test_gradients_are_computed_with_the_trained_model(document, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    np.savez(tmp_path / "data.npz", x=x, y=y)
    document["model"]["layers"] = [{"type": "dense", "units": 1}]
    document |= {"loss": "mean_squared_error"}
    document["training"] = {"epochs": 2}
    run(parse_spec(document), out=tmp_path / "out")
    stored = open_run(tmp_path / "out")
    w, b = (stored.parameters()[f"dense_1.{name}"] for name in ("weights", "biases"))
    for positions in (None, np.array([0, 5, 19])):
        some, target = (x, y) if positions is None else (x[positions], y[positions])
        error = 2 * (some @ w + b - target) / len(some)
        gradients = stored.gradients(positions)
        assert list(gradients) == ["dense_1.weights", "dense_1.biases"]
        assert gradients["dense_1.weights"] == pytest.approx(some.T @ error)
        assert gradients["dense_1.biases"].ravel() == pytest.approx(error.sum(axis=0))


def test_gradients_leave_the_statistics_of_the_model_as_they_are(document, tmp_path):
    document["model"]["layers"].insert(1, "batch_norm")
    run(parse_spec(document), out=tmp_path / "out")
    stored = open_run(tmp_path / "out")
    before = stored.model().parameters()
    assert any(np.any(gradient) for gradient in stored.gradients().values())
    after = stored.model().parameters()
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_gradients_take_the_last_values_of_schedules(document, tmp_path):
    """From 0.9 the rate falls to 0.3 in the third and last step: with 0.3, the same masks."""
    falling = {"type": "step", "initial_rate": 0.9, "factor": 1 / 3, "every": 2}
    document["training"]["epochs"] = 3
    document["model"]["layers"].insert(2, {"type": "dropout", "rate": falling})
    run(parse_spec(document), out=tmp_path / "one")
    document["model"]["layers"][2]["rate"] = 0.9 * (1 / 3)
    document["model"]["initial_weights"] = str(tmp_path / "one" / "weights.safetensors")
    document["optimizer"]["learning_rate"] = 1e-300  # so that it keeps these weights
    run(parse_spec(document), out=tmp_path / "other")
    one, other = (open_run(tmp_path / name).gradients() for name in ("one", "other"))
    assert all((one[key] == other[key]).all() for key in one)
    assert any(gradient.any() for gradient in one.values())


def test_a_last_line_that_a_kill_cut_off_is_left_out(done, renew_checksums):
    with (done.directory / "history.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    renew_checksums(done.directory)
    assert open_run(done.directory).history == done.history
