"""Steps through the API of a training step give the results of a run."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import (
    Dataset,
    TrainingStep,
    build_model,
    load_model,
    parse_spec,
    run,
)

SPEC = {
    "seed": 5,
    "loss": "mean_squared_error",
    "optimizer": {"type": "adam", "learning_rate": 0.1},
    "model": {
        "dtype": "float64",
        "layers": [
            {"type": "dense", "units": 3, "weight_regularizer": {"type": "l2", "strength": 0.1}},
            "tanh",
            {"type": "dense", "units": 1},
        ],
    },
    "training": {"epochs": 3},
}
X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = np.sin(X.sum(axis=1, keepdims=True))


def model_and_loss():
    spec = parse_spec(SPEC)
    model = build_model(spec.model, (3,), seed=spec.seed)
    return model, spec.loss, spec.optimizer


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 9)])
def test_the_steps_of_a_run_by_hand(tmp_path, weights):
    run(SPEC, Dataset(X, Y, weights=weights), tmp_path / "run")
    model, loss, optimizer = model_and_loss()
    step = TrainingStep(model, loss, len(X), optimizer=optimizer, total=3)
    for number in (1, 2, 3):
        step.begin({"": X}, Y, weights, number)
        y_pred, losses = step.forward()
        np.testing.assert_allclose(losses, ((y_pred - Y) ** 2).mean(axis=1))
        assert step.mean_loss() == pytest.approx(np.average(losses, weights=weights))
        gradients = step.backward()
        assert gradients.keys() == step.parameters.keys()
        flat = np.concatenate([gradient.ravel() for gradient in gradients.values()])
        np.testing.assert_array_equal(np.sort(flat), np.sort(step.gradient))
        step.update(number)
    trained = load_model(tmp_path / "run").parameters()
    for name, array in step.parameters.items():
        np.testing.assert_allclose(array, trained[name], rtol=1e-9, atol=1e-12)
