"""Each translation into NumPy against the component itself."""

from __future__ import annotations

import pytest

from declnet_plugins.export.numpy_file.exporter import NumpyFile

from ..cases import trials_of_components, trials_of_transforms


@pytest.mark.parametrize("trials", [trials_of_components, trials_of_transforms])
def test_files_compute_what_components_do(trials, tmp_path):
    path, faults = tmp_path / "model.py", list[str]()
    for trial in trials("numpy"):
        NumpyFile().export(trial.model, path)
        faults += trial.faults(NumpyFile().predictor(path))
    assert not faults
