"""`declnet import` on files with only weights, which need no optional dependency."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import build_model, load_spec

MAPPING = """
input = [4]
ignore = ["*.num_batches"]
layers = [
  { type = "dense", units = 3, parameters = { weights = WEIGHTS, biases = "fc1.bias" } },
  "relu",
  { type = "dense", units = 2, parameters = { weights = "fc2.weight", biases = "fc2.bias" } },
  "softmax",
]
""".replace("WEIGHTS", '{ array = "fc1.weight", axes = [1, 0] }')


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    shapes = {"fc1.weight": (3, 4), "fc1.bias": (3,), "fc2.weight": (3, 2), "fc2.bias": (2,)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["bn.num_batches"] = np.zeros(1, np.float32)
    save_file(arrays, tmp_path / "net.safetensors")
    (tmp_path / "map.toml").write_text(MAPPING)
    return arrays


def test_weights_with_a_mapping_become_a_spec(arrays, declnet_cli, tmp_path):
    done = declnet_cli("import", "net.safetensors", "--mapping", "map.toml", "-o", "net")
    assert done.returncode == 0, done.stderr
    assert "dense_1    fc1.weight, fc1.bias" in done.stdout
    assert "left out: bn.num_batches" in done.stdout
    assert "23 parameters" in done.stdout
    spec = load_spec(tmp_path / "net" / "spec.toml")
    assert spec.loss.type == "categorical_crossentropy"
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    hidden = np.maximum(x @ arrays["fc1.weight"].T + arrays["fc1.bias"], 0)
    logits = hidden @ arrays["fc2.weight"] + arrays["fc2.bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(build_model(spec.model, (4,)).predict(x), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('ignore = ["*.num_batches"]', ""), "bn.num_batches (1,)"),
        (('"fc1.bias"', '"fc1.biases"'), 'has no array "fc1.biases"'),
        (("axes = [1, 0]", "axes = [0]"), "axes [0] do not fit"),
        (("input = [4]", ""), "either input or inputs"),
        (("units = 3", "units = 5"), "shape"),
        (('"relu"', '"rely"'), "rely"),
        (("input = [4]", "inputs = ["), "not a valid mapping"),
        (("ignore", "ignored"), 'unknown key "ignored"'),
    ],
)
def test_a_wrong_mapping_is_an_error(change, message, arrays, declnet_cli, tmp_path):
    (tmp_path / "map.toml").write_text(MAPPING.replace(*change))
    done = declnet_cli("import", "net.safetensors", "--mapping", "map.toml", "-o", "net")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "net").exists()


def test_a_missing_mapping_is_an_error(arrays, declnet_cli, tmp_path):
    done = declnet_cli("import", "net.safetensors", "-o", "net")
    assert done.returncode == 2
    assert "mapping: is missing" in done.stderr
    assert "options of safetensors: mapping, the TOML file" in done.stderr


def test_existing_files_are_not_overwritten_without_force(arrays, declnet_cli, tmp_path):
    (tmp_path / "net.toml").write_text("kept")
    arguments = ("import", "net.safetensors", "--mapping", "map.toml", "-o", "net.toml")
    refused = declnet_cli(*arguments)
    assert refused.returncode == 2
    assert (tmp_path / "net.toml").read_text() == "kept"
    forced = declnet_cli(*arguments, "--force")
    assert forced.returncode == 2  # it would overwrite the weights it reads
