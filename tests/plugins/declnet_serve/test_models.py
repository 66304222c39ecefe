"""Reload of a run whose folder changes."""

from __future__ import annotations

import shutil

import pytest

from declnet import load_predictor
from declnet_serve.models import load_models

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}


@pytest.fixture
def served(runs, tmp_path):
    path = tmp_path / "live"
    shutil.copytree(runs / "flowers", path)
    return load_models([("live", path)], None, print)["live"]


def looked(served):
    """Look at the folder twice, as it must be at rest to be loaded."""
    served.changed()
    return served.changed() and served.reload(None, print)


def replaced(path, by):
    shutil.move(path, path.with_name("old"))
    shutil.copytree(by, path)


def test_another_run_in_the_folder_replaces_the_model(served, runs):
    before = served.model
    assert not looked(served)
    replaced(served.path, runs / "flowers_again")
    assert looked(served)
    assert served.model is not before
    assert served.reloads == 1
    expected = load_predictor(runs / "flowers_again").predict([ROW]).outputs
    assert (served.model.predictor.predict([ROW]).outputs == expected).all()
    assert not looked(served)


@pytest.mark.parametrize("fault", ["damaged", "removed", "half"])
def test_a_broken_folder_keeps_the_model_until_it_is_whole(served, runs, fault):
    before = served.model
    if fault == "removed":
        shutil.move(served.path, served.path.with_name("old"))
    else:
        replaced(served.path, runs / "flowers_again")
        weights = served.path / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1]) if fault == "damaged" else weights.unlink()
    assert not looked(served)
    assert served.error
    assert served.model is before
    assert not looked(served)  # and is not tried at every look
    shutil.rmtree(served.path, ignore_errors=True)
    shutil.copytree(runs / "flowers_again", served.path)
    assert looked(served)
    assert served.error is None
    assert served.model is not before


def test_the_folder_of_a_prediction_is_only_read(served):
    before = {each: each.read_bytes() for each in served.path.iterdir()}
    served.model.predictor.predict([ROW])
    assert {each: each.read_bytes() for each in served.path.iterdir()} == before
