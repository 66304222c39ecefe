"""Components in ONNX, compared with declnet, in the oldest and the newest opset."""

from __future__ import annotations

import pytest

from declnet_plugins.exchange import ExportError

from ..export.cases import exported, trials, trials_of_transform

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.exporter import OnnxExporter


@pytest.mark.parametrize(
    ("component", "opset"),
    [
        pytest.param(component, opset, id=f"{component.type}-{opset}")
        for component in exported("onnx")
        for opset in ((17, 21) if component.kind == "transform" else (17,))
    ],
)
def test_files_compute_what_components_do(component, opset, tmp_path):
    path, faults = tmp_path / "model.onnx", list[str]()
    exporter = OnnxExporter(opset=opset)
    for trial in (trials if opset == 17 else trials_of_transform)("onnx", component):
        if trial.name == "datetime" and opset < 20:
            with pytest.raises(ExportError, match="opset 20"):
                exporter.export(trial.model, path)
            continue
        exporter.export(trial.model, path)
        faults += trial.faults(exporter.predictor(path))
    assert not faults
