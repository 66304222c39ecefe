from __future__ import annotations

import json

import numpy as np
import pytest

from declnet import DivergenceError, build_model, parse_spec, run
from declnet.training.divergence import first_non_finite


@pytest.fixture
def diverging(document):
    """A network whose weights overflow float32 within a few epochs."""
    document["model"] |= {"dtype": "float32"}
    document["model"]["layers"][2] |= {"name": "logits"}
    document["optimizer"] = {"type": "sgd", "learning_rate": 1e30}
    document["training"] |= {"epochs": 50}
    return document


@pytest.mark.parametrize("log_every", [1, 50])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_the_error_names_the_epoch_and_the_first_layer_at_fault(diverging, log_every, batch_size):
    diverging["training"]["log_every"] = log_every
    if batch_size:
        diverging["training"]["batch_size"] = batch_size
    with pytest.raises(DivergenceError) as caught:
        run(parse_spec(diverging))
    error = caught.value
    assert error.layer in ("dense_1", "logits", "softmax_1")
    assert f"epoch {error.epoch}: the loss is" in str(error)
    assert f'"{error.layer}"' in str(error)
    assert "learning_rate" in str(error)


def test_the_folder_says_failed_and_keeps_the_history(diverging, tmp_path, history_of):
    with pytest.raises(DivergenceError) as caught:
        run(parse_spec(diverging), out=tmp_path / "out")
    rows = history_of(tmp_path / "out")
    assert [row["epoch"] for row in rows] == list(range(caught.value.epoch))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert str(caught.value) in manifest["error"]
    assert not (tmp_path / "out" / "metrics.json").exists()


@pytest.mark.parametrize("validation", [False, True])
def test_an_update_that_spoils_the_finished_model_fails_the_run(
    diverging, tmp_path, history_of, validation
):
    diverging["training"]["epochs"] = 1
    diverging["optimizer"]["learning_rate"] = 1e38
    diverging["model"]["layers"].insert(2, {"type": "dense", "units": 4})
    if validation:
        diverging["data"]["validation"] = 0.5
    with pytest.raises(DivergenceError, match="epoch 0: the loss is"):
        run(parse_spec(diverging), out=tmp_path / "out")
    assert len(history_of(tmp_path / "out") if not validation else []) == (not validation)
    assert '"failed"' in (tmp_path / "out" / "manifest.json").read_text()


def test_weights_that_start_infinite_are_found_in_epoch_zero(document):
    document["model"]["layers"][0]["weight_initializer"] = {"type": "constant", "value": 1e308}
    document["model"]["layers"][0]["bias_initializer"] = {"type": "constant", "value": 1e308}
    with pytest.raises(DivergenceError) as caught:
        run(parse_spec(document))
    assert (caught.value.epoch, caught.value.layer) == (0, "dense_1")


X = np.ones((2, 2))


@pytest.fixture
def model(document):
    return build_model(parse_spec(document).model, (2,))


def test_a_finite_model_has_no_fault(model):
    assert first_non_finite(model, X) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["dense_1.biases", "dense_2.weights"])
def test_the_parameter_at_fault_is_named(model, key, value):
    model.store.arrays[key].flat[0] = value
    assert first_non_finite(model, X) == tuple(key.split("."))


def test_the_output_at_fault_is_named(model):
    model.store.arrays["dense_1.weights"][...] = 1e300
    model.store.arrays["dense_2.weights"][...] = 1e300
    with np.errstate(all="ignore"):
        assert first_non_finite(model, X) == ("dense_2", "output")
