"""`StepwiseTraining`: the steps of a run, restarted, continued, and on other samples."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import DivergenceError, StepwiseTraining


@pytest.fixture
def spec(document, changed):
    dropout = ["relu", {"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 3}, "softmax"]
    layers = [{"type": "dense", "units": 8, "weight_initializer": "lsuv"}, *dropout]
    values = {"model.layers": layers, "training.batch_size": 7, "training.epochs": 4}
    values["optimizer"] = {"type": "adam", "learning_rate": 0.05}
    return declnet.parse_spec(changed(document, values))


def assert_same(first, second):
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key], err_msg=key)


def test_steps_interleaved_with_another_training_equal_a_run(spec):
    training = StepwiseTraining(spec)
    training.advance(3)
    state = training.state()
    optimizer = spec.optimizer.model_copy(update={"learning_rate": 0.5})
    training.restart(spec.model_copy(update={"optimizer": optimizer}))
    training.advance(5)
    training.restart(spec, adapt=False)
    training.restore(state)
    assert (training.step, training.made) == (3, 8)
    training.advance(training.steps)
    result = declnet.run(spec)
    assert_same(training.model.parameters(), result.model.parameters())
    loss = training.evaluate("train")["loss"]
    assert loss == result.metrics["train"]["loss"]


def test_a_training_on_all_samples_of_the_next_batch_makes_its_step(spec):
    training = StepwiseTraining(spec)
    training.advance(2)
    positions, batch = training.next_batch()
    assert (len(batch), training.count()) == (len(positions), 30)
    other = training.with_samples(batch, by_components=True)
    assert (other.step, other.epoch_steps) == (2, 1)
    loss = other.advance()
    assert loss == pytest.approx(training.advance(), rel=1e-12)
    after = training.model.parameters()
    for key, array in other.model.parameters().items():
        np.testing.assert_allclose(array, after[key], rtol=1e-9, atol=1e-12)


def test_an_error_names_its_component_unless_disabled(spec):
    training = StepwiseTraining(spec)
    training.learning_rate_scale = 1e300
    with pytest.raises(DivergenceError) as caught:
        training.advance(9, explain=False)
    assert "made" not in str(caught.value)
    training.restart()
    assert training.learning_rate_scale == 1.0
    training.learning_rate_scale = 1e300
    with pytest.raises(DivergenceError) as caught:
        training.advance(9)
    assert "made" in str(caught.value)
