"""`declnet pack`: packs, which are read like the folders that they were written from."""

from __future__ import annotations

import json
import re
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest

import declnet
from declnet import OutputError, load_predictor, open_group, open_run, pack_run, unpacked


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def seeds(document, out):
    declnet.run(document, out=out, seeds=[1, 2])


def folds(document, out):
    declnet.run(document | {"data": {**document["data"], "folds": 3}}, out=out)


def members(document, out):
    of_folds = document | {"data": {**document["data"], "folds": 2}}
    wide = {"name": "wide", "optimizer": {"type": "adam"}}
    top = {**of_folds, "name": "blend", "weights": "selected"}
    declnet.run({**top, "members": [{"name": "plain"}, wide]}, out=out)


def study(document, out):
    tune = {
        "trials": 4,
        "weights": "selected",
        "search": {"type": "random"},
        "space": {"optimizer.learning_rate": {"low": 0.01, "high": 1.0}},
    }
    document["data"]["validation"] = 0.3
    declnet.tune({**document, "tune": tune}, out=out)


@pytest.mark.parametrize("train", [seeds, folds, members, study])
def test_the_models_of_a_group_predict_from_one_file_as_from_its_folder(
    train, document, blobs, tmp_path
):
    out, pack = tmp_path / "out", tmp_path / "models.declnet"
    train(document, out)
    pack_run(out, pack)
    moved = pack.rename(tmp_path / "moved.declnet")
    group, packed = open_group(out), open_group(moved)
    assert declnet.is_predictor(moved)
    assert packed.weights == group.weights
    expected, predictor = group.predictor(), load_predictor(moved)
    assert predictor.weights == expected.weights
    assert (predictor.predict(blobs[0]).outputs == expected.predict(blobs[0]).outputs).all()
    for name in group.evaluated_on if train is not seeds else ():
        assert packed.evaluate(name).as_data() == group.evaluate(name).as_data()
    with zipfile.ZipFile(moved) as archive:
        entries = set(archive.namelist())
    weights = {name for name in entries if name.endswith("/weights.safetensors")}
    assert len(weights) == len(group.packed_runs())
    assert not any("checkpoints" in name for name in entries)
    shutil.rmtree(out)
    again = tmp_path / "again.declnet"
    pack_run(moved, again)
    assert again.read_bytes() == moved.read_bytes()


def test_packing_holds_one_file_at_a_time(document, tmp_path):
    document["model"]["layers"][:0] = [{"type": "dense", "units": 800}] * 2
    document["training"]["epochs"] = 1
    declnet.run(document, out=tmp_path / "seeds", seeds=[1, 2, 3, 4])
    size = (tmp_path / "seeds/seed-1/weights.safetensors").stat().st_size
    tracemalloc.start()
    try:
        pack_run(tmp_path / "seeds", tmp_path / "models.declnet")
        assert tracemalloc.get_traced_memory()[1] < 2 * size
    finally:
        tracemalloc.stop()


def test_a_run_is_read_from_its_pack_by_every_function(flowers, tmp_path):
    pack = tmp_path / "flowers.declnet"
    digest = pack_run(flowers.run, pack)
    stored, packed = open_run(flowers.run), open_run(str(pack))
    assert packed.manifest == stored.manifest
    assert packed.history == stored.history
    assert packed.evaluate().as_data() == stored.evaluate().as_data()
    assert not declnet.is_group(pack)
    for name, weights in declnet.load_model(pack).parameters().items():
        np.testing.assert_array_equal(weights, stored.parameters()[name])
    assert declnet.run_folders([pack]) == [unpacked(pack)]
    assert pack_run(flowers.run, tmp_path / "b.declnet") == digest
    with zipfile.ZipFile(pack) as archive:
        requirements = archive.read("requirements.txt").decode()
        assert set(archive.namelist()) == {
            *("pack.json", "requirements.txt"),
            *(path.name for path in flowers.run.iterdir() if path.is_file()),
        }
    manifest = stored.manifest
    assert requirements == (
        f"# Python {manifest.python}\ndeclnet=={manifest.declnet}\nnumpy=={manifest.numpy}\n"
    )


def test_a_card_that_a_person_edited_is_packed_as_it_is(flowers, tmp_path):
    run = shutil.copytree(flowers.run, tmp_path / "run")
    (run / "README.md").write_text("Ours.\n")
    pack_run(run, tmp_path / "edited.declnet")
    assert (unpacked(tmp_path / "edited.declnet") / "README.md").read_text() == "Ours.\n"
    (run / "README.md").unlink()  # as of a run of an earlier version
    pack_run(run, tmp_path / "without.declnet")
    card = (flowers.run / "README.md").read_text()
    assert (unpacked(tmp_path / "without.declnet") / "README.md").read_text() == card


def test_unfinished_and_changed_runs_and_sweeps_are_not_packed(flowers, document, tmp_path):
    run, pack = shutil.copytree(flowers.run, tmp_path / "run"), tmp_path / "x.declnet"
    (run / "weights.safetensors").write_bytes(b"")
    with pytest.raises(OutputError, match=r"weights\.safetensors: changed since the run ended"):
        pack_run(run, pack)
    manifest = json.loads((run / "manifest.json").read_text()) | {"status": "interrupted"}
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(OutputError, match=r"this run is not finished \(interrupted\); resume it"):
        pack_run(run, pack)
    declnet.sweep({**document, "sweep": {"seed": [1, 2]}}, out=tmp_path / "sweep")
    with pytest.raises(OutputError, match="these runs are of several specs; name one"):
        pack_run(tmp_path / "sweep", pack)
    assert not pack.exists()


def test_commands_read_a_pack_like_a_folder(flowers, declnet_cli, refused, tmp_path):
    said = declnet_cli.succeeds("pack", flowers.run, "-o", "flowers.declnet")
    assert re.fullmatch(r"flowers\.declnet: \d+ bytes, sha256:[0-9a-f]{64}\n", said)
    for command in (
        ("predict", "RUN", flowers.table),
        ("evaluate", "RUN"),
        ("evaluate", "RUN", "--on", "train", "--analyze", "importance", "--format", "json"),
        ("diff", "RUN", "RUN"),
    ):
        outputs = [
            declnet_cli.succeeds(*(run if part == "RUN" else part for part in command))
            for run in ("flowers.declnet", flowers.run)
        ]
        assert outputs[0] == outputs[1]
    assert "update 1" in declnet_cli.succeeds("trace", "flowers.declnet")
    compared = declnet_cli.succeeds("compare", "flowers.declnet", flowers.run)
    assert "flowers.declnet" in compared
    assert "it exists already" in refused("pack", flowers.run, "-o", "flowers.declnet")
    assert "a pack is read-only; resume the folder" in refused("resume", "flowers.declnet")
    assert "must end in .declnet" in refused("pack", flowers.run, "-o", "flowers.zip")
    (tmp_path / "flowers.declnet").write_bytes(b"PK")
    for command in (("predict", flowers.table), ("evaluate",), ("compare",), ("resume",)):
        name, *arguments = command
        message = refused(name, "flowers.declnet", *arguments)
        assert message.startswith("error: flowers.declnet: not a valid pack: not a zip archive")
