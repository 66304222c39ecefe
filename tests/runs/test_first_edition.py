"""Later editions read the specs, runs and checkpoints of the first one (commit 43d1d63).

`tests/fixtures/first_edition/README.md` describes the files.
"""

from __future__ import annotations

import csv
import hashlib
import json
import platform
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from threadpoolctl import threadpool_info

import declnet
from declnet.runs.inference.file_parts import predicted_parts

FIXTURES = Path(__file__).parents[1] / "fixtures" / "first_edition"

INPUTS = {
    "table_classes": "plants.csv",
    "table_numbers": "houses.csv",
    "binary": "points.npz",
    "scores": "points.npz",
    "images": "images.npz",
    "compiled": "spiral.npy",
}
"""The finished runs, and the file whose predictions are stored."""

RUNS = [*INPUTS, "spiral"]
SPECS = [*(FIXTURES / "specs").iterdir(), *(FIXTURES / "runs").glob("*/spec.toml")]

ROUNDING = 1e-6
"""Tolerance of predictions, relative and absolute, for other processors.

The largest difference measured is 2e-6 in a score of 15, and 2e-7 in a probability.
"""

RESUMED_ROUNDING = 1e-6
"""Relative tolerance of final losses for other processors; the largest difference is 1e-10."""

PINNED = r"spec\.toml|data|plugin|engine|kernel|declnet|numpy|blas|architecture"
"""What a refusal to resume can name."""


def content_of(folder):
    """Return the modification time of each file and folder, and the bytes of each file."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in (folder, *folder.rglob("*"))
    }


def json_of(path):
    return json.loads(path.read_text("utf-8"))


def stored_table(name):
    """Return the columns of a table of predictions."""
    with (FIXTURES / "predictions" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def require_close(found, stored):
    assert np.shape(found) == np.shape(stored)
    np.testing.assert_allclose(found, stored, rtol=ROUNDING, atol=ROUNDING)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first_edition")
    for name in ("data", "runs"):
        shutil.copytree(FIXTURES / name, folder / name)
    return folder


@pytest.fixture
def first_edition(copied):
    """A copy of data and runs, in which the test must not change anything."""
    before = content_of(copied)
    yield copied
    assert content_of(copied) == before


@pytest.fixture
def spiral(tmp_path):
    """A copy of the run that was interrupted."""
    return Path(shutil.copytree(FIXTURES / "runs" / "spiral", tmp_path / "spiral"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_specs_load(path):
    name = path.parent.name if path.name == "spec.toml" else path.stem
    assert declnet.load_spec(path).name == name


@pytest.mark.parametrize("name", RUNS)
def test_models_have_the_weights_of_the_run(first_edition, name):
    run = first_edition / "runs" / name
    found, stored = declnet.load_model(run).parameters(), load_file(run / "weights.safetensors")
    assert set(found) == set(stored)
    for key, array in stored.items():
        np.testing.assert_array_equal(found[key], array, key, strict=True)


@pytest.mark.parametrize("name", INPUTS)
def test_files_are_predicted_as_before(first_edition, name):
    predictor = declnet.load_predictor(first_edition / "runs" / name)
    (found,) = predicted_parts(predictor, first_edition / "data" / INPUTS[name])
    if not INPUTS[name].endswith(".csv"):
        require_close(found.outputs, np.load(FIXTURES / "predictions" / f"{name}.npy"))
        return
    columns, stored = found.columns(), stored_table(name)
    assert list(columns) == list(stored)
    for column, values in stored.items():
        if column == "prediction" and found.class_names is not None:
            assert columns[column].tolist() == values
        else:
            require_close(columns[column], np.array(values, float))


def rows_of(out):
    """Return the rows of printed tables, split at wide gaps."""
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]


def test_the_runs_are_listed(declnet_cli, first_edition):
    head, _, *rows = rows_of(declnet_cli.succeeds("runs", first_edition / "runs"))
    runs = {each["name"]: each for each in (dict(zip(head, row, strict=True)) for row in rows)}
    assert set(runs) == set(RUNS)
    for name in INPUTS:
        assert runs[name]["status"] == "finished"
        loss = json_of(first_edition / "runs" / name / "metrics.json")["train"]["loss"]
        assert float(runs[name]["train.loss"]) == pytest.approx(loss, rel=1e-3)
    assert runs["spiral"]["status"] == "interrupted"
    assert runs["spiral"]["epochs"] == "9 of 16"
    assert runs["table_classes"]["epochs"] == "21 of 200"


def test_runs_are_compared(declnet_cli, first_edition):
    runs = [first_edition / "runs" / name for name in ("binary", "scores", "spiral")]
    rows = {row[0]: row[1:] for row in rows_of(declnet_cli.succeeds("compare", *runs))}
    assert rows["status"] == ["finished", "finished", "interrupted"]
    assert rows["loss.type"] == ["binary_crossentropy", "hinge", "categorical_crossentropy"]
    losses = [json_of(run / "metrics.json")["test"]["loss"] for run in runs[:2]]
    assert [float(each) for each in rows["test.loss"][:2]] == pytest.approx(losses, rel=1e-3)


@pytest.mark.parametrize("name", INPUTS)
def test_evaluation_gives_the_stored_metrics(first_edition, name):
    stored = declnet.open_run(first_edition / "runs" / name)
    found = stored.evaluate()
    assert found.metrics.keys() == stored.metrics[found.data].keys()
    assert found.metrics == pytest.approx(stored.metrics[found.data], rel=1e-3, abs=1e-6)
    if not (stored.path / "preparation.json").exists():
        assert stored.data().unchanged


def test_a_finished_run_is_resumed_to_its_stored_result(first_edition):
    run = first_edition / "runs" / "binary"
    assert declnet.resume(run).metrics == json_of(run / "metrics.json")


def same_processor(recorded):
    """Return whether NumPy and BLAS use the processor features that were recorded."""
    blas = [each.get("architecture") for each in threadpool_info()]
    simd = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return set(recorded["blas"]) <= set(blas) and recorded["simd"] == simd


def require_resumed(run, *, same_bits):
    """Fail unless a resumed run ended as it did in the first version."""
    before, recorded = FIXTURES / "runs" / "spiral", FIXTURES / "runs" / "spiral.resumed.json"
    stored, manifest = json_of(recorded), json_of(run / "manifest.json")
    assert manifest["status"] == "finished"
    (resumed,) = manifest["resumed"]
    checkpoint = json_of(before / "checkpoints" / "index.json")[-1]
    assert resumed["from_epoch"] == checkpoint["epoch"] == 9
    assert resumed["from_step"] == checkpoint["step"]
    rows = (run / "history.jsonl").read_bytes()
    assert rows.startswith((before / "history.jsonl").read_bytes())
    assert [json.loads(row)["epoch"] for row in rows.splitlines()] == list(range(16))
    table = (run / "history.csv").read_bytes()
    assert table.startswith((before / "history.csv").read_bytes())
    assert len(table.splitlines()) == 17
    metrics = json_of(run / "metrics.json")
    assert set(metrics) == {"train", "validation"}
    for data, values in stored["metrics"].items():
        assert set(metrics[data]) == set(values)
        assert metrics[data]["loss"] == pytest.approx(values["loss"], rel=RESUMED_ROUNDING)
        for each in ("accuracy", "f1"):  # a few samples at a border
            assert metrics[data][each] == pytest.approx(values[each], abs=0.01)
    if same_bits and same_processor(stored["processor"]):
        assert metrics == stored["metrics"]
        for file, digest in (("weights.safetensors", "weights"), ("history.jsonl", "history")):
            found = hashlib.sha256((run / file).read_bytes()).hexdigest()
            assert f"sha256:{found}" == stored[digest], file


def test_an_interrupted_run_resumes_or_the_refusal_names_what_changed(declnet_cli, spiral):
    manifest, before = json_of(spiral / "manifest.json"), content_of(spiral)
    done = declnet_cli("resume", "spiral", "--quiet")
    if done.returncode == 0:
        require_resumed(spiral, same_bits=True)
        return
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert content_of(spiral) == before
    _, _, reasons = done.stderr.partition("changed")
    assert re.search(PINNED, reasons), done.stderr
    current = {
        "declnet": declnet.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    for name, value in current.items():
        if manifest[name] != value:
            assert manifest[name] in reasons
            assert value in reasons
    done = declnet_cli("resume", "spiral", "--quiet", "--allow-changes")
    assert done.returncode == 0, done.stderr
    require_resumed(spiral, same_bits=False)
    assert json_of(spiral / "manifest.json")["resumed"][0]["changes"]


def test_with_another_numpy_it_resumes_only_if_that_is_allowed(spiral):
    manifest = json_of(spiral / "manifest.json")
    (spiral / "manifest.json").write_text(json.dumps(manifest | {"numpy": "1.0.0"}), "utf-8")
    before = content_of(spiral)
    with pytest.raises(declnet.ResumeError, match=rf"numpy.* 1\.0\.0.* {np.__version__}"):
        declnet.resume(spiral)
    assert content_of(spiral) == before
    result = declnet.resume(spiral, allow_changes=True)
    require_resumed(spiral, same_bits=False)
    assert result.metrics == json_of(spiral / "metrics.json")
    assert len(result.history) == 16
