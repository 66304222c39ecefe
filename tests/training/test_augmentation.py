"""Training data that varies from batch to batch."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, SpecError, default_registry, parse_spec, run
from declnet.contracts.callback import EpochLogged
from declnet.training import trainer as pace
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(20, 2, 4, 4))
LABELS = np.arange(20) % 3


@pytest.fixture
def spec(document):
    def make(**changes):
        layers = [{"type": "flatten"}, {"type": "dense", "units": 3}, "softmax"]
        document["model"]["layers"] = layers
        document["data"] = {"prepare": [{"type": "augment", "flip": True, "shift": 1}]}
        document["training"] |= {"epochs": 4, "batch_size": 6}
        document.update(changes)
        return parse_spec(document)

    return make


def parameters(result):
    return {name: value.tobytes() for name, value in result.model.parameters().items()}


def test_it_changes_what_is_learned_and_follows_from_the_seed(spec):
    data = Dataset(IMAGES, LABELS)
    first, again, other = (run(spec(seed=seed), data) for seed in (1, 1, 2))
    plain = run(spec(seed=1, data={}), data)
    assert parameters(first) == parameters(again)
    assert parameters(first) != parameters(plain)
    assert first.history[0] != plain.history[0]
    assert parameters(first) != parameters(other)


def test_the_data_itself_stays_as_it_is(spec):
    images = IMAGES.copy()
    result = run(spec(), {"train": (images, LABELS), "test": (images, LABELS)})
    assert (images == IMAGES).all()
    assert result.metrics["train"] == result.metrics["test"]


def test_nothing_is_stored_of_it(spec, tmp_path):
    run(spec(), Dataset(IMAGES, LABELS), out=tmp_path / "out")
    assert not (tmp_path / "out" / "preparation.json").exists()


def test_each_step_on_all_samples_is_refused(spec):
    with pytest.raises(SpecError, match=r"mini-batches vary.*batch_size"):
        run(spec(training={"epochs": 1}), Dataset(IMAGES, LABELS))


def test_samples_that_are_no_images_are_refused(spec, blobs):
    with pytest.raises(SpecError, match=r"augment does not suit samples of shape \(2,\)"):
        run(spec(model={"layers": [{"type": "dense", "units": 3}, "softmax"]}), blobs)


def test_it_goes_on_from_any_state(spec, monkeypatch):
    monkeypatch.setattr(pace, "SIGN_OF_LIFE", -1.0)
    monkeypatch.setattr(pace, "PART", 0.0)

    def made():
        prepared = prepare(spec(), default_registry(), {"train": Dataset(IMAGES, LABELS)})
        return Trainer(spec(), prepared.model, prepared.data["train"], None, default_registry())

    whole = made()
    history = [each.row() for each in whole.events() if isinstance(each, EpochLogged)]
    for stop in (0, 3, 6):
        first = made()
        events = first.events()
        before = [next(events) for _ in range(stop + 1)]
        second = made()
        second.restore(first.state())
        rest = [*before, *second.events()]
        assert [each.row() for each in rest if isinstance(each, EpochLogged)] == history
        for name, value in whole.state().parameters.items():
            assert (second.state().parameters[name] == value).all()
