"""`IncrementalTraining`: one pass over each part of the data."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from declnet import DataError, Dataset, IncrementalTraining, SpecError, Table, parse_spec, run

LAYERS = [{"type": "dense", "units": 8}, "relu", {"type": "dense", "units": 3}, "softmax"]


@pytest.fixture
def document():
    return {
        "seed": 4,
        "data": {"prepare": ["standardize"]},
        "model": {"dtype": "float64", "layers": LAYERS},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 6, "batch_size": 16, "shuffle": False, "metrics": ["accuracy"]},
    }


def part(seed: int, rows: int = 64, classes: int = 3) -> Table:
    x = np.random.default_rng(seed).normal(size=(rows, 3))
    labels = np.array(["a", "b", "c"], object)[x[:, :classes].argmax(axis=1)]
    columns = {"u": x[:, 0], "v": x[:, 1], "w": x[:, 2], "kind": labels}
    return Table(columns, "kind", classes={"kind": ("a", "b", "c")})


def test_passes_over_the_same_data_equal_the_epochs_of_a_run(document):
    result = run(document, part(1))
    training = IncrementalTraining(document)
    losses = [training.train(part(1))["loss"] for _ in range(6)]
    ours, theirs = training.predictor.model.parameters(), result.model.parameters()
    assert all((ours[name] == theirs[name]).all() for name in ours | theirs)
    assert losses[-1] == result.metrics["train"]["loss"] < losses[0]
    assert (training.passes, training.updates) == (6, 24)


def test_a_schedule_stays_at_its_end(document):
    rate = {"type": "cosine", "initial_rate": 0.1}
    document["optimizer"] = {"type": "sgd", "learning_rate": rate}
    document["training"] |= {"epochs": 20, "batch_size": 64}
    training, moved, before = IncrementalTraining(document), [], None
    for seed in range(24):
        training.train(part(seed))
        after = training.predictor.model.parameters()["dense_1.weights"]
        moved.append(np.abs(after - before).max() if before is not None else np.inf)
        before = after
    assert 0 < max(moved[-5:]) < 0.02 * moved[1]


def test_classes_may_come_late_and_parts_may_be_small(document):
    training = IncrementalTraining(document)
    for number in range(40):
        training.train(part(number, 5 if number == 0 else 50, 2 if number < 3 else 3))
    test = part(99, 300)
    labels = training.predictor.predict(test).prediction
    assert (labels == test.columns["kind"]).mean() > 0.9
    training.train(part(3, 1))


def test_random_numbers_differ_between_passes_and_can_be_repeated(document):
    document["training"]["shuffle"] = True
    document["model"]["layers"] = [LAYERS[0], {"type": "dropout", "rate": 0.5}, *LAYERS[2:]]
    one, other = IncrementalTraining(document), IncrementalTraining(document)
    for _ in range(3):
        one.train(part(1))
        other = pickle.loads(pickle.dumps(other))
        other.train(part(1))
    ours, theirs = (stepwise.predictor.model.parameters() for stepwise in (one, other))
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_settings_that_need_held_out_data_are_left_out(document):
    document["data"] |= {"validation": 0.2, "test": 0.2, "class_weights": "balanced"}
    document["training"]["callbacks"] = [{"type": "early_stopping", "patience": 1}]
    document["calibration"] = {"steps": ["temperature"]}
    training = IncrementalTraining(document)
    training.train(part(1))
    training.train(part(2))
    assert training.updates == 8
    assert training.predictor.calibrations == {}


def test_weights_of_samples_count(document):
    document["data"] = {}
    x = np.random.default_rng(0).normal(size=(40, 3))
    y = x.argmax(axis=1)
    weights = np.arange(40) % 2
    document["training"].pop("batch_size")
    weighted, fewer = (IncrementalTraining(parse_spec(document)) for _ in range(2))
    for _ in range(2):
        weighted.train(Dataset(x, y, weights.astype(float)))
        fewer.train((x[1::2], y[1::2]))
    ours, theirs = (stepwise.predictor.model.parameters() for stepwise in (weighted, fewer))
    assert all(np.allclose(ours[name], theirs[name]) for name in ours)


def test_errors_say_what_is_wrong(document):
    training = IncrementalTraining(document)
    with pytest.raises(ValueError, match="until a first part"):
        training.predictor  # noqa: B018
    training.train(part(1))
    with pytest.raises(DataError, match='there is no column "w"'):
        training.train(({"u": [1.0], "v": [1.0], "kind": ["a"]}, "kind"))
    with pytest.raises(DataError, match='is "d", a class that the training data does not have'):
        training.train(({"u": [1.0], "v": [1.0], "w": [0.0], "kind": ["d"]}, "kind"))
    with pytest.raises(SpecError, match="4 classes"):
        IncrementalTraining(document).train((np.eye(4), np.arange(4)))
