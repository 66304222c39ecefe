"""Each translation into ONNX against the component itself, in the oldest and the newest opset."""

from __future__ import annotations

import pytest

from declnet import ExportError

from ..export.cases import trials_of_components, trials_of_transforms

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.exporter import OnnxExporter


@pytest.mark.parametrize(
    ("trials", "opset"),
    [(trials_of_components, 17), (trials_of_transforms, 17), (trials_of_transforms, 21)],
)
def test_files_compute_what_components_do(trials, opset, tmp_path):
    path, faults = tmp_path / "model.onnx", list[str]()
    exporter = OnnxExporter(opset=opset)
    for trial in trials("onnx"):
        if trial.name == "datetime" and opset < 20:
            with pytest.raises(ExportError, match="opset 20"):
                exporter.export(trial.model, path)
            continue
        exporter.export(trial.model, path)
        faults += trial.faults(exporter.predictor(path))
    assert not faults
