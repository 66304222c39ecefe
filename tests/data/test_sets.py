"""Held-out data sets, classes, and sample weights."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydantic import ValidationError

from declnet import DataError, Dataset, Table, parse_spec
from declnet.data.preparing.targets import LossTarget
from declnet.data.sets import prepare_sets, split_and_prepared, split_sets
from declnet.data.streaming.fitting import prepared_sets
from declnet.spec.data_section import DataSpec, SplitSpec


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
        document["data"] |= data
        return prepared_sets(parse_spec(document).data, [LossTarget("", "classes")], 0).datasets

    return weights


def test_balanced_classes_have_equal_weight(two_classes):
    train = two_classes(class_weights="balanced")["train"]
    sums = [train.weights[train.y == label].sum() for label in (0, 1)]
    assert sums == pytest.approx([20, 20])


def test_balanced_weights_come_from_the_training_data(two_classes):
    sets = two_classes(class_weights="balanced", validation=0.25)
    train, validation = sets["train"], sets["validation"]
    expected = {label: len(train.y) / (2 * (train.y == label).sum()) for label in (0, 1)}
    assert validation.weights.tolist() == [pytest.approx(expected[label]) for label in validation.y]


def test_a_column_of_weights_is_not_a_feature(two_classes):
    train = two_classes(sample_weights="w", class_weights={"True": 2})["train"]
    assert train.feature_names == ("a", "b")
    expected = [(row % 3) * (2 if row % 4 == 0 else 1) for row in range(40)]
    assert train.weights.tolist() == expected


def test_the_positive_class_has_the_label_1(two_classes):
    default = two_classes()["train"]
    named = two_classes(positive_class="False")["train"]
    assert (default.class_names, named.class_names) == (("False", "True"), ("True", "False"))
    assert named.y.tolist() == (1 - default.y).tolist()


def test_a_positive_class_needs_names():
    spec = DataSpec(positive_class="yes")
    sets = {"train": Dataset(np.zeros((4, 2)), np.arange(4) % 2)}
    with pytest.raises(DataError, match="have no names") as caught:
        prepare_sets(sets, spec, [LossTarget("", "classes")])
    assert (caught.value.path, caught.value.code) == (("data", "positive_class"), "E036")


NAMED = Dataset(np.zeros((4, 2)), np.array([0, 1, 1, 0]), class_names=("no", "yes"))


def test_labels_of_arrays_are_mapped_by_class_name():
    other = Dataset(np.zeros((3, 2)), np.array([0, 1, 0]), class_names=("yes", "no"))
    one = Dataset(np.zeros((2, 2)), np.array([0, 0]), class_names=("yes",))
    unnamed = Dataset(np.zeros((2, 2)), np.array([0, 1]))
    sets = {"train": NAMED, "validation": other, "test": one}
    prepared = prepare_sets(sets, DataSpec(), [LossTarget("", "classes")])
    labels = {name: dataset.y.tolist() for name, dataset in prepared.datasets.items()}
    assert labels == {"train": [0, 1, 1, 0], "validation": [1, 0, 1], "test": [1, 1]}
    assert prepared.datasets["train"].x is NAMED.x  # nothing is copied
    assert prepared.preparation.class_names == ("no", "yes")
    assert prepared.preparation.apply_to_set(unnamed).y is unnamed.y
    positive = prepare_sets(
        {"train": NAMED}, DataSpec(positive_class="no"), [LossTarget("", "binary")]
    )
    assert positive.datasets["train"].y.tolist() == [1, 0, 0, 1]
    assert positive.preparation.class_names == ("yes", "no")


def test_a_class_that_the_training_data_lacks_is_refused():
    other = Dataset(np.zeros((1, 2)), np.array([0]), class_names=("maybe",))
    with pytest.raises(DataError, match='a class "maybe", which the training data does not have'):
        prepare_sets({"train": NAMED, "test": other}, DataSpec(), [LossTarget("", "classes")])
    with pytest.raises(DataError, match='has only one class, "maybe"'):
        prepare_sets({"train": other}, DataSpec(), [LossTarget("", "classes")])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 2, 1], "sample 2 has the label 2, but the classes with names are 0 to 1"),
        ([0, 1, -1], "sample 3 has the label -1"),
        ([0.0, 1.0, 0.5], "y holds numbers, but its classes have names"),
    ],
)
def test_labels_without_a_name_are_refused(y, message):
    other = Dataset(np.zeros((3, 2)), np.array(y), class_names=("yes", "no"))
    with pytest.raises(DataError, match=message):
        prepare_sets({"train": NAMED, "test": other}, DataSpec(), [LossTarget("", "classes")])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"positive_class": "Tru"}, 'no class "Tru".*did you mean "True"'),
        (
            {"positive_class": "3", "train": {"target": "w"}},
            'one of two, but the target "w" has 3 classes',
        ),
        ({"class_weights": {"yes": 2}}, 'no class "yes".*classes: False, True'),
        (
            {"class_weights": {"True": 0, "False": 0}},
            "all samples of the train data have the weight 0",
        ),
        ({"sample_weights": "weight"}, 'no column "weight"'),
    ],
)
def test_wrong_weights_and_classes_are_reported(two_classes, document, data, message):
    train = document["data"]["train"] | data.pop("train", {})
    with pytest.raises(DataError, match=message):
        two_classes(train=train, **data)


def test_all_folds_hold_out_the_same_test_data():
    data = Dataset(np.arange(50.0)[:, None], np.arange(50))
    seen, tests = [], set()
    for fold in (1, 2, 3, 4):
        spec = DataSpec(test=0.2, folds=4, fold=fold)
        parts = split_sets({"train": data}, spec, seed=3)
        assert sorted(np.concatenate([part.y for part in parts.values()])) == list(range(50))
        seen += parts["validation"].y.tolist()
        tests.add(tuple(parts["test"].y))
    assert len(tests) == 1
    assert sorted([*seen, *tests.pop()]) == list(range(50))


def several(cells):
    """Return a table of 30 rows with a numeric target and further targets of these cells."""
    columns = {"x": np.arange(30.0), "n": np.arange(30.0)}
    for name, values in cells.items():
        columns[name] = np.array([values[row % len(values)] for row in range(30)], object)
    return Table(columns, targets=("n", *cells))


WANTED = [LossTarget("n", "values"), LossTarget("size", "classes", ordered=True)]


def test_each_of_several_targets_has_its_class_order_and_positive_class():
    data = several({"size": ["large", "small", "medium"], "sold": ["no", "yes"]})
    loss_targets = [*WANTED, LossTarget("sold", "binary")]

    def labels(**keys):
        sets = prepare_sets({"train": data}, DataSpec.model_validate(keys), loss_targets)
        return {name: target.class_names for name, target in sets.preparation.targets.items()}

    order = ["small", "medium", "large"]
    named = {"class_order": {"size": order}, "positive_class": {"sold": "no"}}
    assert labels(**named) == {"n": None, "size": tuple(order), "sold": ("yes", "no")}
    with pytest.raises(DataError, match='no target "sied"') as unknown:
        labels(class_order={"sied": order})
    assert unknown.value.path == ("data", "class_order", "sied")
    with pytest.raises(DataError, match='no class "maybe"') as no_class:
        labels(positive_class={"sold": "maybe"}, class_order={"size": order})
    assert no_class.value.path == ("data", "positive_class", "sold")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"class_order": ["a"]}, "must be a list of two classes or more"),
        ({"class_order": {"y": ["a", "b", "a"]}}, 'duplicate class "a"'),
        ({"positive_class": {"y": True}}, "must be the name of a class, a string"),
        ({"positive_class": "a", "class_order": {"y": ["a", "b"]}}, "exclude each other"),
    ],
)
def test_wrong_orders_and_positive_classes_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        DataSpec.model_validate(keys)


def test_a_class_missing_from_a_folds_training_data_is_an_error():
    data = several({"size": ["s"] * 14 + ["l"] * 15 + ["xl"]})
    split = SplitSpec(method="stratified", column="size")

    def check(spec):
        return split_and_prepared({"train": data}, spec, WANTED, 0)

    order = {"size": ("s", "l", "xl")}
    with pytest.raises(DataError) as error:
        check(DataSpec(folds=3, split=split, class_order=order))
    assert re.fullmatch(
        r'fold [123] validates on the class "xl" of the target "size" \(row 30\), but has no row '
        "of it to train on",
        error.value.message,
    )
    assert error.value.path == ("data", "folds")
    assert "train a single model" in str(error.value.hint)
    check(DataSpec(validation=0.3, split=split, class_order=order))
    rare = several({"size": ["s"] * 28 + ["xl"] * 2})
    classes = [WANTED[0], LossTarget("size", "classes")]

    def hint(seed):
        try:
            split_and_prepared({"train": rare}, DataSpec(folds=2), classes, seed)
        except DataError as error:
            return error.hint
        return None

    stratify = 'spread the classes: split = { method = "stratified", column = "size" }'
    assert {hint(seed) for seed in range(20)} == {
        stratify,
        None,
    }  # depends on whether both rows are in one fold
