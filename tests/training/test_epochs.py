"""Steps with weights, and on data that varies from batch to batch."""

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


def close(first, second):
    for one, other in zip(first.history, second.history, strict=True):
        assert one == pytest.approx(other, rel=1e-9)
    assert first.metrics["train"] == pytest.approx(second.metrics["train"], rel=1e-9)
    for name, value in parameters(first).items():
        np.testing.assert_allclose(value, parameters(second)[name], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_equal_weights_change_nothing(trained, batch_size, weight):
    batches = {} if batch_size is None else {"batch_size": batch_size}
    plain = trained(**batches)
    weighted = trained(np.full(30, weight), **batches)
    if batch_size is None:
        close(plain, weighted)
    for name, value in parameters(plain).items():
        np.testing.assert_allclose(value, parameters(weighted)[name], rtol=1e-8, atol=1e-12)


def test_a_whole_weight_is_as_many_copies(trained, blobs):
    counts = np.arange(30) % 4
    counts[0] = 2
    copies = Dataset(np.repeat(blobs[0], counts, axis=0), np.repeat(blobs[1], counts))
    weighted, copied = trained(counts.astype(float)), trained(dataset=copies)
    for name, value in parameters(weighted).items():
        np.testing.assert_allclose(value, parameters(copied)[name], rtol=1e-8, atol=1e-12)
    for first, second in zip(weighted.history, copied.history, strict=True):
        assert first["loss"] == pytest.approx(second["loss"], rel=1e-9)
    found, wanted = weighted.metrics["train"], copied.metrics["train"]
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-9)
    assert found["accuracy"] != wanted["accuracy"]  # metrics count each sample once


def test_a_loss_without_a_fusion_is_weighted_alike(document, blobs):
    document["loss"] = "mean_squared_error"
    document["model"]["layers"] = [{"type": "dense", "units": 1}]
    document["training"] = {"epochs": 3}
    y = blobs[0].sum(axis=1)
    counts = np.arange(30) % 3
    copies = Dataset(np.repeat(blobs[0], counts, axis=0), np.repeat(y, counts))
    spec = parse_spec(document)
    weighted, copied = run(spec, Dataset(blobs[0], y, counts.astype(float))), run(spec, copies)
    assert weighted.metrics["train"]["loss"] == pytest.approx(copied.metrics["train"]["loss"])


def test_a_batch_of_no_weight_teaches_nothing(trained, blobs):
    weights = np.r_[np.zeros(10), np.ones(20)]
    result = trained(weights, batch_size=10, epochs=1)
    rest = trained(dataset=Dataset(blobs[0][10:], blobs[1][10:]), batch_size=10, epochs=1)
    for name, value in parameters(result).items():
        np.testing.assert_allclose(value, parameters(rest)[name], rtol=1e-9)
    assert result.history[0]["loss"] == pytest.approx(rest.history[0]["loss"])


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


def stored(result):
    return {name: value.tobytes() for name, value in result.model.parameters().items()}


def test_it_changes_what_is_learned_and_follows_from_the_seed(spec):
    data = Dataset(IMAGES, LABELS)
    first, again, other = (run(spec(seed=seed), data) for seed in (1, 1, 2))
    plain = run(spec(seed=1, data={}), data)
    assert stored(first) == stored(again)
    assert stored(first) != stored(plain)
    assert first.history[0] != plain.history[0]
    assert stored(first) != stored(other)


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
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)

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


@pytest.mark.parametrize("drop_last", [False, True])
def test_losses_added_at_once_are_those_of_one_batch_after_another(document, drop_last):
    pytest.importorskip("numba")
    document["engine"] = {"kernels": "jit"}
    document["model"]["dtype"] = "float32"
    training = {"epochs": 5, "batch_size": 7, "log_every": 1, "drop_last": drop_last}
    histories = []
    for metrics in ([], ["accuracy"]):  # of which each batch's predictions are read
        document["training"] = training | {"metrics": metrics}
        histories.append(run(parse_spec(document)).history)
    for row, other in zip(*histories, strict=True):
        assert {name: other[name] for name in row} == row
