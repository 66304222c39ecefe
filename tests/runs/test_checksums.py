"""A finished run is used only as it was written; what changed since is refused by its name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import declnet
from declnet import OutputError, open_run

MODEL = {"predict", "model", "evaluate", "resume"}
USED_BY = {
    "spec.toml": {*MODEL, "summary"},
    "weights.safetensors": MODEL,
    "preparation.json": {"predict", "evaluate"},
    "preparation.safetensors": {"predict", "evaluate"},
    "metrics.json": {"metrics", "resume"},
    "history.jsonl": {"history", "resume"},
}
USES = {
    "predict": declnet.load_predictor,
    "model": declnet.load_model,
    "evaluate": lambda run: open_run(run).evaluate("train"),
    "resume": declnet.resume,
    "summary": lambda run: open_run(run).summary(),
    "metrics": lambda run: open_run(run).metrics,
    "history": lambda run: open_run(run).history,
}


@pytest.fixture
def copy(flowers, tmp_path):
    return Path(shutil.copytree(flowers.run, tmp_path / "copy"))


def edit_manifest(run, **changes):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value != "gone"}))


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


def replace_by_a_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def test_the_manifest_lists_every_file_of_a_finished_run(flowers):
    listed = json.loads((flowers.run / "manifest.json").read_text())["files"]
    files = {each.name for each in flowers.run.iterdir() if each.is_file()} - {"manifest.json"}
    assert set(listed) == files == set(USED_BY) - {"preparation.safetensors"}
    for use in USES.values():
        use(flowers.run)


@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink, replace_by_a_link])
@pytest.mark.parametrize("name", [each for each in USED_BY if each != "preparation.safetensors"])
def test_a_file_that_changed_is_refused_by_its_name_wherever_it_is_used(copy, name, damage):
    damage(copy / name)
    for use in USED_BY[name]:
        with pytest.raises(OutputError, match=re.escape(str(copy / name))):
            USES[use](copy)
    for use in USES.keys() - USED_BY[name]:
        USES[use](copy)


def test_a_file_that_the_run_did_not_write_is_refused(copy):
    (copy / "preparation.safetensors").write_bytes(b"")
    for use in USED_BY["preparation.safetensors"]:
        with pytest.raises(OutputError, match=r"preparation\.safetensors: not a file of this run"):
            USES[use](copy)


def test_a_run_without_checksums_is_read_unless_its_preparation_is_lost(copy):
    edit_manifest(copy, files="gone")
    with (copy / "spec.toml").open("a") as file:
        file.write("\n")
    for use in USES.values():
        use(copy)
    (copy / "preparation.json").unlink()
    for use in USED_BY["preparation.json"]:
        with pytest.raises(OutputError, match=r"preparation\.json: this file of the run is miss"):
            USES[use](copy)


def test_an_interrupted_run_guards_its_model_but_can_be_resumed_with_changes(copy):
    edit_manifest(copy, status="interrupted")
    (copy / "preparation.json").write_text("{}")
    with pytest.raises(OutputError, match=r"preparation\.json: changed since"):
        declnet.load_predictor(copy)
    declnet.resume(copy)
    declnet.load_predictor(copy)
