"""Averages of parameters match their definitions, in uninterrupted and resumed runs."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Callback, Layer, Parameter, parse_spec, resume, run
from declnet.testing.examples import registry_with
from declnet.training.checks.check import check_spec
from declnet.training.trainer import Trainer

SEEN = []


def current(model):
    return model.from_vector(model.vector())


class Path(Callback):
    """Keeps the trained parameters after each update and each epoch."""

    type = "path"

    def start(self, run):
        SEEN.clear()
        return run

    def after_update(self, state, step):
        SEEN.append(("step", step))
        SEEN.append(("update", current(state.model)))

    def after_epoch(self, state, epoch):
        SEEN.append(("epoch", current(state.model)))


class Keeps(Layer):
    """y = x, with a parameter that is neither trained nor declared as a running statistic."""

    type = "keeps"

    def parameters(self, input_shape):
        return {"level": Parameter(input_shape, "zeros", trainable=False)}

    def forward(self, x, y, state):
        np.copyto(y, x)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


@pytest.fixture
def registry():
    return registry_with([Path, Keeps])


@pytest.fixture
def trained(document, registry):
    """Train with callbacks; return the result, and the parameters by update and by epoch."""

    def train(*callbacks, out=None, listener=None, **training):
        document["training"] |= {"epochs": 6, "batch_size": 7, "log_every": 4, **training}
        document["training"]["callbacks"] = [*callbacks, "path"]
        document["optimizer"] = {"type": "sgd", "learning_rate": 0.3, "momentum": 0.9}
        document["model"]["layers"].insert(1, "batch_norm")
        result = run(parse_spec(document, registry), registry=registry, out=out, listener=listener)
        document["model"]["layers"].pop(1)
        return result, *([value for kind, value in SEEN if kind == name] for name in KINDS)

    return train


KINDS = ("update", "epoch")


def require_mean(result, weights, seen):
    """Require a weighted mean of the trained parameters, and statistics computed with it."""
    total = sum(weights)
    for key, actual in result.model.parameters().items():
        expected = sum(w * value[key] for w, value in zip(weights, seen, strict=True)) / total
        if "running" in key:
            assert not np.isclose(actual, seen[-1][key]).any(), key
            continue
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14, err_msg=key)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_ema_is_the_moving_average_of_all_updates(trained, accumulate):
    result, updates, _ = trained({"type": "ema", "decay": 0.8}, accumulate=accumulate)
    count = 30 if accumulate == 1 else 18
    assert [value for kind, value in SEEN if kind == "step"] == list(range(1, count + 1))
    weights = [0.8 ** (count - 1)] + [0.2 * 0.8 ** (count - 1 - n) for n in range(1, count)]
    require_mean(result, weights, updates)
    assert not any("ema" in warning for warning in result.warnings)


def test_ema_of_one_update_is_that_update_and_a_warning(trained):
    result, updates, _ = trained({"type": "ema", "decay": 0.8}, epochs=1, max_steps=1)
    require_mean(result, [1], updates)
    (warning,) = (text for text in result.warnings if "ema" in text)
    assert "100% of the average still comes from the first update" in warning


def test_swa_is_the_mean_of_its_epochs(trained):
    result, _, epochs = trained({"type": "swa", "from_epoch": 1, "every": 2})
    chosen = [epochs[1], epochs[3], epochs[5]]
    require_mean(result, [1, 1, 1], chosen)


def test_parameters_neither_averaged_nor_recomputed_cause_a_warning(document, registry):
    document["model"]["layers"] += ["batch_norm", "keeps"]
    document["training"]["callbacks"] = [{"type": "swa", "from_epoch": 0}]
    (result,) = check_spec(parse_spec(document, registry), registry).problems
    assert (result.code, result.path) == ("W060", ("training", "callbacks", 0, "type"))
    assert result.message.startswith('"keeps_1" keeps its last level')


STOP = {"type": "early_stopping", "monitor": "loss", "patience": 1, "min_delta": 10.0}


@pytest.mark.parametrize("order", [1, -1])
def test_the_best_epoch_has_its_own_average_in_any_order_of_callbacks(trained, order):
    result, updates, epochs = trained(*[STOP, {"type": "ema", "decay": 0.5}][::order])
    assert (result.epochs, len(epochs)) == (2, 2)
    assert result.stopped
    assert result.restored.startswith("epoch 0,")
    require_mean(result, [0.5**4] + [0.5 * 0.5 ** (4 - n) for n in range(1, 5)], updates[:5])


def test_an_interrupted_end_is_repeated(trained, registry, tmp_path, monkeypatch):
    """The averaged parameters are loaded, then the evaluation is interrupted."""
    callbacks = [{"type": "ema", "decay": 0.9}, {"type": "checkpoint", "every_epochs": 2}]
    whole, *_ = trained(*callbacks)

    def interrupted(self):
        recompute(self)
        raise KeyboardInterrupt

    recompute = Trainer.recompute_statistics
    monkeypatch.setattr(Trainer, "recompute_statistics", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(*callbacks, out=tmp_path / "parts")
    monkeypatch.undo()
    result = resume(tmp_path / "parts", registry=registry)
    for key, array in result.model.parameters().items():
        np.testing.assert_array_equal(array, whole.model.parameters()[key])
