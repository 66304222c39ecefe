"""Runs of all released versions, which still predict, resume and have reports."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if path.name[0].isdecimal())
WRITTEN_IN = "/tmp/declnet"
"""The folder of the data, in the specs of the runs."""


@pytest.fixture(params=VERSIONS)
def stored(request, tmp_path, renew_checksums):
    """Return a copy of the runs of a version, whose data moves with them."""
    folder = Path(shutil.copytree(FOLDER / request.param, tmp_path / "runs"))
    for name in ("finished", "interrupted"):
        spec = folder / name / "spec.toml"
        spec.write_text(spec.read_text("utf-8").replace(WRITTEN_IN, folder.as_posix()), "utf-8")
        manifest = json.loads((folder / name / "manifest.json").read_text("utf-8"))
        if manifest["status"] == "finished":
            renew_checksums(folder / name)
    return folder


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["finished", "folds"])
def test_the_models_predict_what_they_did(name, stored, declnet_cli):
    declnet_cli.succeeds("predict", stored / name, stored / "table.csv", "-o", "now.csv")
    then, now = rows_of(stored / f"{name}.csv"), rows_of(declnet_cli.folder / "now.csv")
    assert [row["prediction"] for row in then] == [row["prediction"] for row in now]
    for before, after in zip(then, now, strict=True):
        assert before.keys() == after.keys()
        for column in before.keys() - {"prediction"}:
            assert float(after[column]) == pytest.approx(float(before[column]), abs=1e-5)


def test_an_interrupted_run_ends_as_the_finished_one(stored, declnet_cli):
    done = declnet_cli("resume", stored / "interrupted", "--allow-changes")  # paths have changed
    assert done.returncode == 0, done.stderr
    assert "resuming at epoch 20" in done.stderr
    metrics = [
        json.loads((stored / name / "metrics.json").read_text("utf-8"))
        for name in ("finished", "interrupted")
    ]
    for part, values in metrics[0].items():
        assert metrics[1][part] == pytest.approx(values, abs=1e-4)


def test_commands_show_the_runs(stored, declnet_cli):
    listed = json.loads(declnet_cli.succeeds("runs", stored, "--format", "json"))
    assert {run["status"] for run in listed} >= {"finished"}
    assert "finished" in declnet_cli.succeeds("compare", stored / "finished", stored / "folds")
    evaluated = json.loads(declnet_cli.succeeds("evaluate", stored / "finished", "--format=json"))
    metrics = json.loads((stored / "finished" / "metrics.json").read_text("utf-8"))
    assert evaluated["metrics"]["accuracy"] in [part["accuracy"] for part in metrics.values()]


def test_the_report_shows_them(stored, declnet_cli):
    pytest.importorskip("vl_convert", reason="the extra report is not installed")
    declnet_cli.succeeds("report", stored / "finished", "-o", "page.html")
    assert "small" in (declnet_cli.folder / "page.html").read_text("utf-8")
