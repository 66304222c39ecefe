"""Whole specs against their data, weights and labels; before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import parse_spec
from declnet.training.checks.check import check_spec

UNITS = "model.layers.2.units"


def problems(document):
    return [str(problem) for problem in check_spec(parse_spec(document)).problems]


def test_a_spec_that_fits_has_no_problems_and_tells_its_shapes(document):
    checked = check_spec(parse_spec(document))
    assert checked.problems == ()
    assert [node.output_shape for node in checked.nodes] == [(4,), (4,), (3,), (3,)]
    assert checked.data["train"].samples == 30


def test_missing_training_data_is_told(document):
    del document["data"]
    assert problems(document) == [
        "data.train: error[E030]: the training data is missing "
        '(name a data source: train = { type = "…" })'
    ]


def test_a_missing_file_is_told_at_its_path(document):
    document["data"]["train"]["path"] = "/absent.npz"
    (found,) = problems(document)
    assert found.startswith("data.train.path: error[E031]: /absent.npz: there is no such file")


def test_units_that_do_not_fit_the_labels_are_told_at_the_last_layer(document):
    document["model"]["layers"][2]["units"] = 2
    (found,) = problems(document)
    assert found.startswith("model.layers.2.units: error[E040]: 2 units do not fit the labels, ")
    assert "which have 3 classes" in found


def test_what_is_missing_is_looked_for_among_files_of_similar_names(document, tmp_path):
    document["data"]["train"]["path"] = str(tmp_path / "dta.npz")
    document["data"]["test"] = {"type": "npz", "path": str(tmp_path / "there" / "data.npz")}
    near, far = problems(document)
    assert near.endswith('(did you mean "data.npz"?)')
    assert far.endswith(f"(there is no folder {tmp_path / 'there'})")


def test_files_below_the_working_folder_are_told_by_their_relative_paths(
    document, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    document["data"]["train"]["path"] = "there/data.npz"
    document["model"]["initial_weights"] = "w.safetensors"
    data, weights = problems(document)
    assert "error[E031]: there/data.npz: there is no such file (there is no folder there)" in data
    assert "error[E050]: w.safetensors: there is no such file" in weights


@pytest.mark.parametrize(
    ("y", "where", "message"),
    [
        (np.eye(2)[np.arange(30) % 2], UNITS, "3 units do not fit one-hot labels of 2 classes"),
        (np.eye(4)[np.arange(30) % 4], UNITS, "3 units do not fit one-hot labels of 4 classes"),
        (np.arange(30) % 4, UNITS, "3 units do not fit the labels, which have 4 classes"),
        (np.arange(30) % 3 + 1, UNITS, "3 units do not fit the labels, which go from 1 to 3"),
        (np.linspace(0, 1, 30), "loss", "needs labels, integers or one-hot, but y holds numbers"),
        (np.ones((30, 1)), "loss", "needs labels, integers or one-hot, but y holds numbers"),
    ],
)
def test_targets_that_do_not_fit_the_loss_are_told(document, blobs, tmp_path, y, where, message):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=y)
    document["model"]["layers"][2]["units"] = 3
    (found,) = problems(document)
    assert found.startswith(f"{where}: ")
    assert message in found


def test_data_sets_of_different_shapes_are_told(document, tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones((4, 3)), y=np.arange(4) % 3)
    document["data"]["test"] = {"type": "npz", "path": str(tmp_path / "other.npz")}
    (found,) = problems(document)
    assert found.startswith(
        "data.test.path: error[E032]: test has samples of shape (3,), train of (2,)"
    )


def test_weights_that_do_not_fit_are_told(document, tmp_path):
    save_file({"dense_1.weights": np.zeros((2, 9))}, tmp_path / "w.safetensors")
    document["model"]["initial_weights"] = str(tmp_path / "w.safetensors")
    (found,) = problems(document)
    assert found.startswith("model.initial_weights: ")
    assert "dense_1.weights has shape (2, 9), the model's has (2, 4)" in found
    assert "dense_2.biases is missing" in found


def test_faults_of_data_model_and_weights_come_together(document, tmp_path):
    document["data"]["train"] = {"type": "nnfs_spiral", "samples": 5, "classes": 3}
    document["data"]["test"] = {"type": "npz", "path": "/absent.npz"}
    document["model"]["initial_weights"] = "/absent.safetensors"
    document["model"]["layers"][2]["units"] = 2
    starts = [line.split(":")[0] for line in problems(document)]
    assert sorted(starts) == ["data.test.path", "model.initial_weights", "model.layers.2.units"]
