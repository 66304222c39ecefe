"""Windows of series, whose dates and categories are prepared in every row, in each format."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from declnet import open_run, run
from declnet_plugins.exchange import export
from declnet_plugins.export.c99.compiled import compiler


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A run of two series whose next days and offers are known."""
    folder = tmp_path_factory.mktemp("windows")
    rng = np.random.default_rng(0)
    days = np.datetime64("2023-01-01") + np.arange(60)
    lines = ["day,shop,offer,sold"]
    for shop in ("Ulm", "K\u00f6ln"):
        for day in days.tolist():
            offer, sold = ["none", "", "sale"][rng.integers(3)], rng.normal(50, 9)
            lines.append(f"{day:%d.%m.%Y},{shop},{offer},{sold:.2f}")
    (folder / "shops.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    train = {"type": "csv", "path": str(folder / "shops.csv"), "target": "sold"}
    flat = [
        {"type": "flatten", "name": name, "inputs": [f"input.{name}"]}
        for name in ("past", "future")
    ]
    data = {
        "train": {**train, "features": ["day", "offer"]},
        "validation": 0.25,
        "split": {"method": "time", "column": "day"},
        "windows": {"past": 6, "horizon": 3, "series": "shop", "known": ["day", "offer"]},
        "prepare": [
            {"type": "datetime", "columns": ["day"]},
            {"type": "group_rare", "columns": ["offer"], "min_count": 2},
            {"type": "one_hot", "columns": ["offer"], "missing": "zeros"},
            "standardize",
        ],
    }
    spec = {
        "data": data,
        "model": {
            "layers": [
                *flat,
                {"type": "concatenate", "inputs": ["past", "future"]},
                {"type": "dense", "units": 3},
            ]
        },
        "loss": "mean_squared_error",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "training": {"epochs": 2},
        "engine": {"kernels": "numpy"},
    }
    run(spec, out=folder / "run")
    return open_run(folder / "run")


@pytest.mark.parametrize("suffix", ["c", "py", "onnx"])
def test_windows_of_dates_and_categories(suffix, stored, tmp_path):
    if suffix == "onnx":
        pytest.importorskip("onnxruntime")
    if suffix == "c" and compiler() is None:
        pytest.skip("no C compiler")
    exported = export(stored, tmp_path / f"m.{suffix}")
    assert exported.samples > 4
    assert exported.difference < 1e-5


def test_windows_are_compared_on_synthetic_rows_if_the_data_is_gone(stored, tmp_path):
    files = tmp_path / "run"
    shutil.copytree(stored.path, files)
    table = stored.path.with_name("shops.csv")
    table.rename(tmp_path / "shops.csv")
    try:
        exported = export(open_run(files), tmp_path / "m.py")
    finally:
        (tmp_path / "shops.csv").rename(table)
    assert exported.samples == 1
    assert exported.difference < 1e-5
    assert any(note.endswith("; compared on synthetic rows") for note in exported.notes)
