"""Components in exported NumPy code, compared with the components themselves."""

from __future__ import annotations

import pytest

from declnet_plugins.export.numpy_file.exporter import NumpyFile

from ..cases import exported, trials


@pytest.mark.parametrize("component", exported("numpy"), ids=lambda component: component.type)
def test_files_compute_what_components_do(component, tmp_path):
    path, faults = tmp_path / "model.py", list[str]()
    for trial in trials("numpy", component):
        NumpyFile().export(trial.model, path)
        faults += trial.faults(NumpyFile().predictor(path))
    assert not faults
