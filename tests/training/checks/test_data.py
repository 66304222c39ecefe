"""Missing, invalid and incompatible data sources."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def npz(tmp_path):
    """Write a data file; return the source table that names it."""

    def write(name, x, y):
        np.savez(tmp_path / name, x=x, y=y)
        return {"type": "npz", "path": str(tmp_path / name)}

    return write


def test_missing_training_data_is_told(problems, document):
    del document["data"]
    assert problems(document) == [
        "data.train: error[E030]: the training data is missing "
        '(name a data source: train = { type = "…" })'
    ]


def test_a_missing_file_is_told_at_its_path(problems, document):
    document["data"]["train"]["path"] = "/absent.npz"
    (found,) = problems(document)
    assert found.startswith("data.train.path: error[E031]: /absent.npz: there is no such file")


def test_what_is_missing_is_looked_for_among_files_of_similar_names(problems, document, tmp_path):
    document["data"]["train"]["path"] = str(tmp_path / "dta.npz")
    document["data"]["test"] = {"type": "npz", "path": str(tmp_path / "there" / "data.npz")}
    near, far = problems(document)
    assert near.endswith('(did you mean "data.npz"?)')
    assert far.endswith(f"(there is no folder {tmp_path / 'there'})")


def test_files_below_the_working_folder_are_told_by_their_relative_paths(
    problems, document, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    document["data"]["train"]["path"] = "there/data.npz"
    document["model"]["initial_weights"] = "w.safetensors"
    data, weights = problems(document)
    assert "error[E031]: there/data.npz: there is no such file (there is no folder there)" in data
    assert "error[E050]: w.safetensors: there is no such file" in weights


def test_data_sets_of_different_shapes_are_told(problems, document, npz):
    document["data"]["test"] = npz("other.npz", np.ones((4, 3)), np.arange(4) % 3)
    (found,) = problems(document)
    assert found.startswith(
        "data.test.path: error[E032]: test has samples of shape (3,), train of (2,)"
    )


def test_an_empty_data_set_is_told(problems, document, npz):
    document["data"]["test"] = npz("none.npz", np.ones((0, 2)), np.ones(0, int))
    (found,) = problems(document)
    assert found.startswith("data.test.path: error[E031]: test has no samples")


def test_a_source_without_a_path_is_told_as_a_whole(problems, document):
    document["data"]["test"] = {"type": "nnfs_sine", "samples": 4}
    codes = {line.split("]")[0] for line in problems(document)}
    assert "data.test: error[E032" in codes


@pytest.mark.parametrize(("batch_size", "told"), [(30, False), (31, True)])
def test_a_batch_that_is_larger_than_the_data_is_told(problems, document, batch_size, told):
    document["training"]["batch_size"] = batch_size
    found = problems(document)
    assert bool(found) is told
    if told:
        assert found == [
            "training.batch_size: error[E033]: a batch of 31 is larger than the training data "
            "(there are 30 samples; without batch_size, each step takes all)"
        ]


@pytest.mark.parametrize(("batch_size", "told"), [(24, False), (25, True)])
def test_what_is_held_out_counts(problems, document, batch_size, told):
    document["training"]["batch_size"] = batch_size
    document["data"]["validation"] = 0.2
    found = problems(document)
    assert bool(found) is told
    if told:
        assert "there are 24 samples (6 of 30 are held out)" in found[0]


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (0.001, "0.001 of 30 samples leaves 0 for validation and 30 for training"),
        (0.999, "0.999 of 30 samples leaves 30 for validation and 0 for training"),
    ],
)
def test_a_fraction_that_leaves_nothing_is_told_alone(problems, document, fraction, message):
    document["training"]["batch_size"] = 31
    document["data"]["validation"] = fraction
    (found,) = problems(document)
    assert found.startswith(f"data.validation: error[E033]: {message}")


def test_a_layer_that_takes_integers_on_floats_is_told(problems, document):
    embedding = {"type": "embedding", "categories": 5, "units": 4}
    document["model"]["layers"][:1] = [embedding, "flatten"]
    found = problems(document)
    assert [line for line in found if "E024" in line] == found
    assert found[0].startswith("model.layers.0: error[E024]: ")
    assert "embedding_1" in found[0]
