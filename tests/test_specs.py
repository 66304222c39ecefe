"""Each shipped spec passes its checks, runs, and is exported to each format."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from declnet import load_spec, open_run, run
from declnet.training.checks.check import check_spec
from declnet_plugins.exchange import export

SPECS = Path(__file__).parent.parent / "specs"
EPOCHS = os.environ.get("DECLNET_TEST_EPOCHS", "4001")
"""Epochs of the main run, enough for most of its accuracy; `.ci/long` trains all 10,001."""

FILES = sorted(
    path.relative_to(SPECS)
    for path in SPECS.rglob("*")
    if path.suffix in (".toml", ".json") and not path.name.endswith(".schema.json")
)


NEED_EXTRAS = [
    file
    for file in FILES
    if re.search(r'"(sklearn|image_folder)"', (SPECS / file).read_text("utf-8"))
]


@pytest.mark.parametrize("file", [file for file in FILES if file not in NEED_EXTRAS], ids=str)
def test_spec_checks_and_runs(file, shipped_spec, tmp_path):
    path, alone = shipped_spec(file), {"model.initial_weights": None}  # from another spec's run
    assert check_spec(load_spec(path, alone)).problems == ()
    result = run(load_spec(path, {**alone, "training.epochs": 2}), out=tmp_path / "out")
    assert [row["epoch"] for row in result.history] == [0, 1]
    assert set(result.metrics) >= {"train"}


@pytest.mark.parametrize("file", NEED_EXTRAS, ids=str)
def test_spec_with_an_extra_checks_and_runs(file, shipped_spec, tmp_path):
    test_spec_checks_and_runs(file, shipped_spec, tmp_path)


FORMATS = {".onnx": 5e-6, ".c": 1e-5, ".py": 5e-6}
"""Largest allowed difference, relative to the largest prediction, by suffix."""

LIGHT = {
    ".onnx": ("two_heads.toml", "messages.toml", "two_inputs.toml", "demand.toml"),
    ".c": ("vertical_sgd.json", "two_heads.toml", "messages.toml"),
    ".py": ("two_heads.toml", "two_inputs.toml", "messages.toml", "demand.toml"),
}
"""Specs with different components whose runs take a second."""


def exported(*suffixes):
    """Return the specs that are exported to formats, each with the suffix of the format."""
    every_spec = os.environ.get("DECLNET_TEST_EXPORTS") == "all"
    return [
        (file, suffix)
        for suffix in suffixes
        for file in FILES
        if every_spec or str(file) in LIGHT[suffix]
    ]


@pytest.mark.parametrize(("file", "suffix"), exported(".onnx"), ids=str)
def test_a_spec_in_onnx_predicts_the_same(file, suffix, shipped_spec, tmp_path):
    pytest.importorskip("onnxruntime")
    test_an_exported_spec_predicts_the_same(file, suffix, shipped_spec, tmp_path)


@pytest.mark.parametrize(("file", "suffix"), exported(".c", ".py"), ids=str)
def test_an_exported_spec_predicts_the_same(file, suffix, shipped_spec, tmp_path):
    if suffix == ".c" and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler is installed")
    few_steps = {
        "model.initial_weights": None,
        "training.epochs": None,
        "training.max_steps": 5,
        "training.callbacks": [],
        "engine.kernels": "numpy",
    }
    run(load_spec(shipped_spec(file), few_steps), out=tmp_path / "run")
    stored, path = open_run(tmp_path / "run"), tmp_path / f"model{suffix}"
    result = export(stored, path)
    sys.stderr.write(f"{file} {suffix}: {result.difference:.2g} on {result.samples} rows\n")
    assert result.samples >= 10
    assert result.difference < FORMATS[suffix]
    assert result.labels_differ == 0


@pytest.mark.parametrize("name", ["rents", "messages", "demand"])
def test_synthetic_data_is_the_output_of_its_script(name):
    script = runpy.run_path(str(SPECS / "data" / f"make_{name}.py"))
    assert (SPECS / "data" / f"{name}.csv").read_text("utf-8").splitlines() == script["rows"]()


def test_the_strokes_are_the_output_of_their_script():
    script = runpy.run_path(str(SPECS / "data" / "make_strokes.py"))
    with np.load(SPECS / "data" / "strokes.npz") as arrays:
        for name, array in script["arrays"]().items():  # sin may be rounded differently
            np.testing.assert_allclose(arrays[name], array, atol=1)


def test_the_main_run_reaches_the_accuracy_of_the_reference(declnet_cli, tmp_path):
    spec = SPECS / "spiral_adam.toml"
    changes = ("--set", f"training.epochs={EPOCHS}")
    done = declnet_cli("run", spec, *changes, "--quiet", "--out", "out")
    assert done.returncode == 0, done.stderr  # stderr may report compiled kernels
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 0.82 <= metrics["test"]["accuracy"] <= 0.90
