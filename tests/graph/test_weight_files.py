"""Reading of weights files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import WeightsError
from declnet.graph.weight_files import read_weight_shapes, read_weights


def test_arrays_and_their_shapes_are_read(tmp_path):
    arrays = {"a.weights": np.arange(6.0).reshape(2, 3), "a.biases": np.ones(3, np.float32)}
    save_file(arrays, tmp_path / "w.safetensors")
    assert read_weight_shapes(tmp_path / "w.safetensors") == {"a.weights": (2, 3), "a.biases": (3,)}
    read = read_weights(tmp_path / "w.safetensors")
    assert (read["a.weights"] == arrays["a.weights"]).all()
    assert read["a.biases"].dtype == np.float32


@pytest.mark.parametrize("read", [read_weights, read_weight_shapes])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 100, b"\x08\0\0\0"])
def test_other_files_are_refused_with_their_name(tmp_path, read, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.safetensors: not a safetensors file"):
        read(path)


@pytest.mark.parametrize("read", [read_weights, read_weight_shapes])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "no such file"),
        (".", "is a folder; name the weights file in it"),
        ("unreadable", "cannot be read: File name too long"),
    ],
)
def test_errors_distinguish_a_missing_file_and_a_folder(tmp_path, read, name, message):
    (tmp_path / "unreadable").symlink_to("n" * 300)  # fails even for root
    with pytest.raises(WeightsError, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize("package", ["json", "ml_dtypes"])  # ml_dtypes adds the type to NumPy
def test_a_type_that_numpy_lacks_is_named(tmp_path, package):
    pytest.importorskip(package)
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(WeightsError, match="bfloat16"):
        read_weights(path)
