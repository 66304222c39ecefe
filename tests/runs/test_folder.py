"""What a run leaves in its folder."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import datetime

import numpy as np
import pytest
from safetensors.numpy import load_file

import declnet
from declnet import load_model, load_spec, parse_spec, run
from declnet.runs.folder import claim_numbered

FILES = ["history.jsonl", "manifest.json", "metrics.json", "spec.toml", "weights.safetensors"]


@pytest.fixture
def done(document, tmp_path):
    document["data"]["test"] = document["data"]["train"]
    return run(parse_spec(document), out=tmp_path / "out")


def test_the_folder_has_the_files_of_the_design_and_no_others(done):
    assert sorted(each.name for each in done.directory.iterdir()) == FILES


def test_history_and_metrics_are_those_of_the_result(done, history_of):
    assert history_of(done.directory) == done.history
    assert json.loads((done.directory / "metrics.json").read_text()) == done.metrics
    losses = ["loss", "data_loss", "regularization_loss"]
    assert list(done.history[0]) == ["epoch", *losses, "accuracy", "learning_rate"]


def test_the_weights_are_those_of_the_model(done):
    saved, parameters = load_file(done.directory / "weights.safetensors"), done.model.parameters()
    assert saved.keys() == parameters.keys()
    assert all((saved[key] == parameters[key]).all() for key in saved)
    assert all(saved[key].dtype == np.float64 for key in saved)


def test_the_spec_is_the_one_that_ran(done, document):
    assert load_spec(done.directory / "spec.toml") == parse_spec(document)
    resolved = tomllib.loads((done.directory / "spec.toml").read_text())
    assert resolved["training"]["log_every"] == 1


def test_the_manifest_says_with_what_on_what_and_when(done):
    manifest = json.loads((done.directory / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert (manifest["name"], manifest["seed"]) == ("small", 1)
    assert manifest["declnet"] == declnet.__version__
    assert manifest["numpy"] == np.__version__
    assert manifest["python"] == ".".join(map(str, sys.version_info[:3]))
    assert manifest["blas"]["name"]
    assert manifest["platform"]
    started, ended = (datetime.fromisoformat(manifest[key]) for key in ("started", "ended"))
    assert started <= ended
    assert manifest["seconds"] >= 0
    assert manifest["data"]["train"] == manifest["data"]["test"]
    assert manifest["data"]["train"]["samples"] == 30
    assert manifest["data"]["train"]["hash"].startswith("sha256:")


def test_a_model_loads_after_its_data_and_initial_weights_are_gone(done, document, tmp_path, blobs):
    document["model"]["initial_weights"] = str(tmp_path / "start.safetensors")
    (done.directory / "weights.safetensors").rename(tmp_path / "start.safetensors")
    again = run(parse_spec(document), out=tmp_path / "again")
    (tmp_path / "start.safetensors").unlink()
    (tmp_path / "data.npz").unlink()
    found = load_model(again.directory).predict(blobs[0])
    assert (found == again.model.predict(blobs[0])).all()


def test_training_goes_on_from_saved_weights(done, document, tmp_path):
    document["model"]["initial_weights"] = str(done.directory / "weights.safetensors")
    again = run(parse_spec(document))
    assert again.history[0]["loss"] == pytest.approx(done.metrics["train"]["loss"], rel=1e-12)


def test_numbers_count_on_from_the_largest_and_ignore_other_names(tmp_path):
    for name in ("a-1", "a-7", "a-x", "ab-9", "a-"):
        (tmp_path / name).mkdir()
    assert claim_numbered(tmp_path, "a").name == "a-8"
    assert claim_numbered(tmp_path, "b.c").name == "b.c-1"
    assert claim_numbered(tmp_path / "new", "a").name == "a-1"


def test_several_processes_at_once_claim_a_folder_each(tmp_path):
    code = (
        "import sys; from pathlib import Path; from declnet.runs.folder import claim_numbered\n"
        "for _ in range(100): print(claim_numbered(Path(sys.argv[1]), 'r').name)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    names = [name for each in processes for name in each.communicate()[0].split()]
    assert len(names) == len(set(names)) == 400
