"""Initial weights that do not fit the model."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def weights(tmp_path, document):
    """Write the document's initial weights."""
    document["model"]["initial_weights"] = str(tmp_path / "w.safetensors")

    def write(**shapes):
        arrays = {name.replace("__", "."): np.zeros(shape) for name, shape in shapes.items()}
        save_file(arrays, tmp_path / "w.safetensors")

    return write


def test_with_an_invalid_model_only_the_file_is_checked(check_wrong, document, weights):
    weights(other=(3,))
    document["model"]["layers"][0]["units"] = "many"
    assert [problem.code for problem in check_wrong(document).problems] == []
    document["model"]["initial_weights"] = "/absent.safetensors"
    assert [problem.code for problem in check_wrong(document).problems] == ["E050"]
