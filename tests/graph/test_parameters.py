"""Tests of parameters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import Parameter, WeightsError
from declnet.graph.parameters import fans, read_weight_shapes, read_weights
from declnet_standard.layers import Dense, ReLU


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Parameter((4, 5), "zeros"), (4, 5)),
        (Parameter((5,), "zeros"), (5, 5)),
        (Parameter((8, 3, 5, 5), "zeros"), (75, 200)),
        (Parameter((8, 3, 5, 5), "zeros", fan_in=9), (9, 200)),
        (Parameter((4, 5), "zeros", fan_out=7), (4, 7)),
        (Parameter((), "zeros"), (1, 1)),
    ],
)
def test_fans_follow_from_the_shape_unless_they_are_stated(parameter, expected):
    assert fans(parameter) == expected


def test_trainable_parameters_are_views_of_one_vector(make_model):
    model = make_model((Dense(units=2), ReLU(), Dense(units=1)))
    store = model.store
    assert [slot.key for slot in store.slots] == [
        "dense_1.weights",
        "dense_1.biases",
        "dense_2.weights",
        "dense_2.biases",
    ]
    store.vector[:] = np.arange(len(store.vector))
    assert store.arrays["dense_1.weights"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert store.arrays["dense_2.biases"].tolist() == [10]


def test_each_layer_is_initialized_from_a_stream_of_its_own(make_model):
    short = make_model((Dense(units=3), Dense(units=3))).parameters()
    again = make_model((Dense(units=3), Dense(units=3))).parameters()
    other = make_model((Dense(units=3), Dense(units=3)), seed=1).parameters()
    assert (short["dense_1.weights"] == again["dense_1.weights"]).all()
    assert (short["dense_1.weights"] != short["dense_2.weights"]).all()
    assert (short["dense_1.weights"] != other["dense_1.weights"]).all()


def test_weights_that_do_not_fit_change_nothing_and_every_difference_is_told(make_model):
    model = make_model((Dense(units=2), Dense(units=1)))
    before = model.parameters()
    saved = dict(before)
    saved["dense_1.weights"] = np.zeros((2, 2))
    saved["dense_9.weights"] = saved.pop("dense_2.weights")
    with pytest.raises(WeightsError) as caught:
        model.load_parameters(saved, "file")
    message = str(caught.value)
    assert message.startswith("file: ")
    assert "dense_2.weights is missing" in message
    assert "dense_9.weights is not in the model" in message
    assert "dense_1.weights has shape (2, 2), the model's has (3, 2)" in message
    assert all((model.parameters()[key] == array).all() for key, array in before.items())


def test_arrays_and_their_shapes_are_read(tmp_path):
    arrays = {"a.weights": np.arange(6.0).reshape(2, 3), "a.biases": np.ones(3, np.float32)}
    save_file(arrays, tmp_path / "w.safetensors")
    assert read_weight_shapes(tmp_path / "w.safetensors") == {"a.weights": (2, 3), "a.biases": (3,)}
    found = read_weights(tmp_path / "w.safetensors")
    assert (found["a.weights"] == arrays["a.weights"]).all()
    assert found["a.biases"].dtype == np.float32


@pytest.mark.parametrize("read", [read_weights, read_weight_shapes])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 100, b"\x08\0\0\0"])
def test_another_file_is_refused_with_its_name(tmp_path, read, content):
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
def test_a_missing_file_and_a_folder_are_called_so(tmp_path, read, name, message):
    (tmp_path / "unreadable").symlink_to("n" * 300)  # fails for root too
    with pytest.raises(WeightsError, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize("package", ["json", "ml_dtypes"])  # the second adds the type to NumPy
def test_a_type_that_numpy_lacks_is_named(tmp_path, package):
    pytest.importorskip(package)
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(WeightsError, match="bfloat16"):
        read_weights(path)
