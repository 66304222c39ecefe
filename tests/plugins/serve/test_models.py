"""Reload of a run whose folder changes."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

from declnet import load_predictor, pack_run, parse_spec, run
from declnet_plugins.serve.metrics import Metrics
from declnet_plugins.serve.models import load_models
from declnet_plugins.serve.options import Options
from declnet_plugins.serve.pages import Pages
from declnet_plugins.serve.routes import Route

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}


@pytest.fixture
def served(runs, tmp_path):
    path = tmp_path / "live"
    shutil.copytree(runs / "flowers", path)
    return load_models([("live", path)], None, print)["live"]


def reloaded(served):
    """Poll the folder twice, because only an unchanged folder is loaded; return whether it was."""
    served.changed()
    return served.changed() and served.reload(None, print)


def replaced(path, by):
    shutil.rmtree(path.with_name("old"), ignore_errors=True)
    shutil.move(path, path.with_name("old"))
    shutil.copytree(by, path)


def test_another_run_in_the_folder_replaces_the_model(served, runs):
    before = served.model
    assert not reloaded(served)
    replaced(served.path, runs / "flowers_again")
    assert reloaded(served)
    assert served.model is not before
    assert served.reloads == 1
    expected = load_predictor(runs / "flowers_again").predict([ROW]).outputs
    assert (served.model.predictor.predict([ROW]).outputs == expected).all()
    assert not reloaded(served)


def test_another_pack_in_the_file_replaces_the_model_and_a_damaged_one_does_not(
    runs, tmp_path, monkeypatch
):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    pack = tmp_path / "live.declnet"
    pack_run(runs / "flowers", pack)
    served = load_models([("live", pack)], None, print)["live"]
    before = served.model
    assert not reloaded(served)
    pack.write_bytes(pack.read_bytes()[:-1])
    assert not reloaded(served)
    assert "not a valid pack" in served.error
    assert served.model is before
    pack_run(runs / "flowers_again", pack, force=True)
    assert reloaded(served)
    expected = load_predictor(runs / "flowers_again").predict([ROW]).outputs
    assert (served.model.predictor.predict([ROW]).outputs == expected).all()
    assert served.model.version != before.version


@pytest.mark.parametrize("fault", ["damaged", "removed", "half"])
def test_a_broken_folder_keeps_the_model_until_it_is_whole(served, runs, fault):
    before = served.model
    if fault == "removed":
        shutil.move(served.path, served.path.with_name("old"))
    else:
        replaced(served.path, runs / "flowers_again")
        weights = served.path / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1]) if fault == "damaged" else weights.unlink()
    assert not reloaded(served)
    assert served.error
    assert served.model is before
    assert not reloaded(served)  # and is not retried at every poll
    shutil.rmtree(served.path, ignore_errors=True)
    shutil.copytree(runs / "flowers_again", served.path)
    assert reloaded(served)
    assert served.error is None
    assert served.model is not before


def test_a_folder_that_failed_is_tried_again_after_a_minute(served, runs, monkeypatch):
    replaced(served.path, runs / "pixels")  # this model has another contract
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert not reloaded(served)
    error, served.error = served.error, None
    for later, is_tried in ((59.9, False), (60.1, True), (119, False), (121, True)):
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        assert not reloaded(served)
        assert (served.error == error) is is_tried
        served.error = None


def test_the_folder_of_a_prediction_is_only_read(served):
    before = {path: path.read_bytes() for path in served.path.iterdir()}
    served.model.predictor.predict([ROW])
    assert {path: path.read_bytes() for path in served.path.iterdir()} == before


@pytest.mark.parametrize("change", ["column", "kind", "classes", "task"])
def test_a_model_with_another_contract_does_not_replace_the_served_one(
    served, runs, tmp_path, flowers_spec, change
):
    before, table = served.model, (runs / "flowers.csv").read_text()
    spec = flowers_spec(tmp_path)
    if change == "column":
        table = table.replace(",age,", ",height,")
    elif change == "kind":
        table = re.sub(",(red|green|blue),", ",7,", table)
        spec["data"]["prepare"] = ["impute", "standardize"]
    elif change == "classes":
        table = table.replace(",rose", ",tulip")
    else:
        spec["data"]["train"]["target"] = "size"
        spec |= {"loss": "mean_squared_error", "model": {"layers": [{"type": "dense", "units": 1}]}}
    (tmp_path / "flowers.csv").write_text(table)
    replaced(served.path, run(parse_spec(spec), out=tmp_path / "retrained").directory)
    assert not reloaded(served)
    assert served.model is before
    assert served.error.startswith("the retrained model cannot replace the served one: ")
    expected = {
        "column": 'input "age" is missing; input "height" is new',
        "kind": 'input "color" is number, not string',
        "classes": 'classes of "prediction" is aster, tulip, not aster, rose',
        "task": 'input "kind" is new',
    }
    assert expected[change] in served.error
    pages = Pages({"live": served}, Options((("live", served.path),)), Metrics({}))
    route = Route.of("/health")
    hidden = pages.page("/health", "GET", route, stopping=False, in_full=False)
    assert "error" not in json.loads(hidden.body)["models"]["live"]
    health = pages.page("/health", "GET", route, stopping=False, in_full=True)
    about = json.loads(health.body)["models"]["live"]
    assert (about["status"], about["version"]) == ("stale", before.version)
    assert about["error"] == served.error
    replaced(served.path, runs / "flowers_again")
    assert reloaded(served)
    assert served.error is None
