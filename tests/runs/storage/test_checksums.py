"""A finished run is used only as it was written; a changed file is refused by its name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import DeclnetError, OutputError, Table, open_run

MODEL = {"predict", "model", "evaluate", "resume"}
USED_BY = {
    "spec.toml": {*MODEL, "summary"},
    "weights.safetensors": MODEL,
    "preparation.json": {"predict", "evaluate", "resume"},
    "preparation.safetensors": {"predict", "evaluate", "resume"},
    "metrics.json": {"metrics", "resume"},
    "history.jsonl": {"history", "resume"},
    "behavior.json": set(),  # unless a version has changed
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
    files = {path.name for path in flowers.run.iterdir() if path.is_file()}
    files -= {"manifest.json", "README.md"}  # a person may edit the model card
    assert set(listed) == files == set(USED_BY) - {"preparation.safetensors"}
    for use in USES.values():
        use(flowers.run)


@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink, replace_by_a_link])
@pytest.mark.parametrize("name", [name for name in USED_BY if name != "preparation.safetensors"])
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


def test_a_finished_run_without_checksums_is_refused(copy):
    edit_manifest(copy, files="gone")
    for use in USED_BY["spec.toml"]:
        with pytest.raises(OutputError, match="not a file of this run"):
            USES[use](copy)


DEEP = "[" * 100_000
HUGE = str(10**400)


@pytest.mark.parametrize(
    ("name", "content", "uses"),
    [
        ("manifest.json", "[]", USES),
        ("manifest.json", "{}", USES),
        ("manifest.json", DEEP, USES),
        ("manifest.json", '{"status": "finished", "seconds": []}', USES),
        ("manifest.json", '{"status": "finished", "data": 7}', USES),
        ("manifest.json", '{"status": "finished", "files": []}', USES),
        ("manifest.json", '{"status": "finished", "epochs": "x"}', USES),
        ("manifest.json", '{"status": "finished", "warnings": 3}', USES),
        ("manifest.json", '{"status": "finished", "baseline": []}', USES),
        ("manifest.json", '{"status": "finished", "baseline": {"test": 3}}', USES),
        ("manifest.json", '{"status": "finished", "baseline": {"test": {"x": 1}}}', USES),
        ("preparation.json", DEEP, ["predict", "evaluate"]),
        ("metrics.json", DEEP, ["metrics", "resume"]),
        ("metrics.json", '{"train": {}}', ["resume"]),
        ("metrics.json", f'{{"train": {{"loss": {HUGE}}}}}', ["metrics", "resume"]),
        ("history.jsonl", f"{DEEP}\n", ["history", "resume"]),
        ("history.jsonl", f'{{"epoch": 0, "loss": {HUGE}}}\n', ["history", "resume"]),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_file_of_the_wrong_form_is_an_error_that_names_it(
    copy, name, content, uses, renew_checksums
):
    (copy / name).write_text(content)
    if name != "manifest.json":
        renew_checksums(copy)
    for use in uses:
        with pytest.raises(OutputError, match=re.escape(name)):
            USES[use](copy)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """The folder of a run on a table, with fitted transforms and calibrators."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("calibrated")
    colors = np.array(["red", "blue"], object)[np.arange(60) % 2]
    columns = {"x": rng.normal(size=60), "color": colors, "kind": np.arange(60) % 3}
    spec = {
        "data": {"prepare": ["standardize", "one_hot"], "validation": 0.4},
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1},
        "calibration": {"steps": ["temperature", "conformal"]},
    }
    return declnet.run(spec, Table(columns, "kind"), folder / "run").directory


OTHERS = (None, -1.5, "x", [], {})


def variants(part):
    """Yield values of other types, and copies in which one part at a time is one of them."""
    yield from OTHERS
    for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
        for value in variants(inner) if isinstance(inner, dict | list) else OTHERS:
            changed = part.copy()
            changed[key] = value
            yield changed


@pytest.mark.parametrize("name", ["preparation.json", "calibration.json"])
def test_no_value_of_a_fitted_state_is_trusted(calibrated, tmp_path, name, renew_checksums):
    """Each part is replaced in turn; what then fails is an error that a user can read."""
    copy, errors = Path(shutil.copytree(calibrated, tmp_path / "copy")), []
    for document in variants(json.loads((copy / name).read_text())):
        (copy / name).write_text(json.dumps(document))
        renew_checksums(copy)
        try:
            declnet.load_predictor(copy).predict({"x": [0.5], "color": ["red"]})
        except DeclnetError as error:
            errors.append(error)
    unread = [error for error in errors if isinstance(error, OutputError)]
    assert all(f"{name}: cannot be read" in str(error) for error in unread)
    assert len(unread) > 40


def test_an_interrupted_run_protects_its_model_but_can_be_resumed_with_changes(copy):
    edit_manifest(copy, status="interrupted")
    (copy / "preparation.json").write_text("{}")
    with pytest.raises(OutputError, match=r"preparation\.json: changed since"):
        declnet.load_predictor(copy)
    declnet.resume(copy)
    declnet.load_predictor(copy)
