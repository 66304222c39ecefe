"""Steps with sample weights, and with augmented data."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, SpecError, default_registry, parse_spec, run
from declnet.contracts.runs.callback import EpochLogged
from declnet.training import heartbeat
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer


@pytest.fixture
def trained(document, blobs):
    def train(weights=None, dataset=None, **changes):
        document["training"].update({"epochs": 4, "shuffle": False, **changes})
        data = dataset or Dataset(*blobs, weights)
        return run(parse_spec(document), data=data)

    return train


def parameters(result):
    return result.model.parameters()


def test_integer_weights_equal_copies_of_samples(trained, blobs):
    counts = np.arange(30) % 4
    counts[0] = 2
    copies = Dataset(np.repeat(blobs[0], counts, axis=0), np.repeat(blobs[1], counts))
    weighted, copied = trained(counts.astype(float)), trained(dataset=copies)
    for name, value in parameters(weighted).items():
        np.testing.assert_allclose(value, parameters(copied)[name], rtol=1e-8, atol=1e-12)
    for first, second in zip(weighted.history, copied.history, strict=True):
        assert first["loss"] == pytest.approx(second["loss"], rel=1e-9)
    metrics, expected = weighted.metrics["train"], copied.metrics["train"]
    assert metrics["loss"] == pytest.approx(expected["loss"], rel=1e-9)
    assert metrics["accuracy"] != expected["accuracy"]  # metrics count each sample once


RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(20, 2, 4, 4))
LABELS = np.arange(20) % 3


@pytest.fixture
def spec(document):
    def make(**changes):
        layers = [{"type": "flatten"}, {"type": "dense", "units": 3}, "softmax"]
        document["model"]["layers"] = layers
        augment = {"type": "augment", "flip": True, "shift": 1, "crop": 0.7}
        document["data"] = {"prepare": [augment]}
        document["training"] |= {"epochs": 4, "batch_size": 6}
        document.update(changes)
        return parse_spec(document)

    return make


def stored(result):
    return {name: value.tobytes() for name, value in result.model.parameters().items()}


def test_augmentation_changes_the_result_and_depends_only_on_the_seed(spec):
    data = Dataset(IMAGES, LABELS)
    first, again, other = (run(spec(seed=seed), data) for seed in (1, 1, 2))
    plain = run(spec(seed=1, data={}), data)
    assert stored(first) == stored(again)
    assert stored(first) != stored(plain)
    assert first.history[0] != plain.history[0]
    assert stored(first) != stored(other)


def test_augmentation_does_not_change_the_data(spec):
    images = IMAGES.copy()
    result = run(spec(), {"train": (images, LABELS), "test": (images, LABELS)})
    assert (images == IMAGES).all()
    assert result.metrics["train"] == result.metrics["test"]


def test_data_that_cannot_be_augmented_is_refused(spec, blobs):
    with pytest.raises(SpecError, match=r"mini-batches vary.*batch_size"):
        run(spec(training={"epochs": 1}), Dataset(IMAGES, LABELS))
    with pytest.raises(SpecError, match=r"augment does not suit samples of shape \(2,\)"):
        run(spec(model={"layers": [{"type": "dense", "units": 3}, "softmax"]}), blobs)


def test_augmentation_continues_from_any_state(spec, monkeypatch):
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)

    def new_trainer():
        prepared = prepare(spec(), default_registry(), {"train": Dataset(IMAGES, LABELS)})
        return Trainer(prepared)

    whole = new_trainer()
    history = [event.row() for event in whole.events() if isinstance(event, EpochLogged)]
    for stop in (0, 3, 6):
        first = new_trainer()
        events = first.events()
        before = [next(events) for _ in range(stop + 1)]
        second = new_trainer()
        second.restore(first.state())
        rest = [*before, *second.events()]
        assert [event.row() for event in rest if isinstance(event, EpochLogged)] == history
        for name, value in whole.state().parameters.items():
            assert (second.state().parameters[name] == value).all()
