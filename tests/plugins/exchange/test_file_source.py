"""Exported files, compared with the run that they were written from."""

from __future__ import annotations

import shutil

import pytest

import declnet
from declnet import PredictionSource, verified
from declnet.runs.inference.differences import compared_predictions
from declnet.runs.inference.opened_model import open_model
from declnet_plugins.exchange import export

REGISTRY = declnet.default_registry()


@pytest.fixture(scope="module", params=["py", "onnx", "c"])
def exported(request, flowers, tmp_path_factory):
    if request.param == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    if request.param == "c" and shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    path = tmp_path_factory.mktemp("exported") / f"flowers.{request.param}"
    export(declnet.open_run(flowers.run), path)
    return path


def test_a_file_predicts_as_its_run_and_refuses_the_same_rows(exported, flowers, tmp_path):
    lines = flowers.table.read_text("utf-8").splitlines()
    lines[3], lines[9], lines[20] = "long,red,2,rose", "1e300,red,2,rose", ' 1 , red,"NA",rose'
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join(lines), "utf-8")
    run, file = (open_model(str(name), REGISTRY, print) for name in (flowers.run, exported))
    result = compared_predictions(run, file, rows)
    assert result.are_equal
    assert result.neither.rows == (3, 9)
    outputs = [output.output for output in result.outputs]
    classes = ["aster", "lily, tall", "rose"]
    assert outputs == ["prediction", *(f"probability_{name}" for name in classes)]
    assert all(output.relative < 1e-5 for output in result.outputs)
    assert compared_predictions(file, file, rows, rtol=0, atol=0).are_equal


def test_a_model_of_arrays(exported, tmp_path):
    import numpy as np

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 2, 3)), rng.normal(size=40)
    np.savez(tmp_path / "arrays.npz", x=x, y=y)
    spec = {
        "declnet": 1,
        "data": {"train": {"type": "npz", "path": str(tmp_path / "arrays.npz")}},
        "model": {"layers": ["flatten", {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "adam",
        "training": {"epochs": 1},
    }
    run = declnet.run(declnet.parse_spec(spec), out=tmp_path / "run").directory
    path = tmp_path / f"arrays{exported.suffix}"
    export(declnet.open_run(run), path)
    models = [open_model(str(name), REGISTRY, print) for name in (run, path)]
    result = compared_predictions(*models, tmp_path / "arrays.npz")
    assert (result.compared, result.are_equal) == (40, True)


def test_a_file_that_no_format_wrote_is_refused(exported, tmp_path):
    other = tmp_path / f"other{exported.suffix}"
    other.write_text("x = 1\n", "utf-8")
    with pytest.raises(declnet.OutputError, match="other"):
        open_model(str(other), REGISTRY, print)


def test_only_suffixes_of_exporters_are_opened():
    source = PredictionSource.from_declaration("exported_file", {"registry": REGISTRY})
    for name, opens in (("a.PY", True), ("a.csv", False), ("http://host/a.py", False)):
        assert verified(PredictionSource.opens, source, name, REGISTRY) is opens
