"""Samples with different weights in the loss."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, parse_spec, run


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


def table(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return {"type": "csv", "path": str(path), "target": "y"}


ROWS = "\n".join(f"{row % 7},{row / 3},{row % 4 == 0},{row % 3}" for row in range(40))


@pytest.fixture
def two_classes(document, tmp_path):
    document["data"] = {"train": table(tmp_path, "a,b,y,w\n" + ROWS + "\n")}
    document["model"]["layers"][2]["units"] = 2

    def weights(**data):
        from declnet.data.sets import prepared_sets

        document["data"] |= data
        return prepared_sets(parse_spec(document).data, "classes", 0).datasets

    return weights


def test_balanced_classes_count_alike(two_classes):
    train = two_classes(class_weights="balanced")["train"]
    sums = [train.weights[train.y == label].sum() for label in (0, 1)]
    assert sums == pytest.approx([20, 20])


def test_balance_is_that_of_the_training_data(two_classes):
    sets = two_classes(class_weights="balanced", validation=0.25)
    train, validation = sets["train"], sets["validation"]
    expected = {label: len(train.y) / (2 * (train.y == label).sum()) for label in (0, 1)}
    assert validation.weights.tolist() == [pytest.approx(expected[label]) for label in validation.y]


def test_classes_are_weighted_by_their_names(two_classes):
    train = two_classes(class_weights={"true": 5})["train"]
    assert set(train.weights[train.y == 1]) == {5.0}
    assert set(train.weights[train.y == 0]) == {1.0}


def test_a_column_of_weights_is_no_feature(two_classes):
    train = two_classes(sample_weights="w", class_weights={"true": 2})["train"]
    assert train.feature_names == ("a", "b")
    expected = [(row % 3) * (2 if row % 4 == 0 else 1) for row in range(40)]
    assert train.weights.tolist() == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"class_weights": {"yes": 2}}, 'no class "yes".*classes: false, true'),
        (
            {"class_weights": {"true": 0, "false": 0}},
            "all samples of the train data have the weight 0",
        ),
        ({"sample_weights": "weight"}, 'no column "weight"'),
    ],
)
def test_wrong_weights_are_told(two_classes, data, message):
    from declnet import DataError

    with pytest.raises(DataError, match=message):
        two_classes(**data)


def test_a_weight_below_zero_is_named(document, tmp_path):
    from declnet import SpecError

    rows = "a,b,y,w\n1,2,x,1\n3,4,z,-1\n"
    document["data"] = {"train": table(tmp_path, rows), "sample_weights": "w"}
    document["model"]["layers"][2]["units"] = 2
    with pytest.raises(SpecError, match='row 2, column "w" is -1'):
        run(parse_spec(document))
