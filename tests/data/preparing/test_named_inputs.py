"""Tests of columns divided among named inputs, and of their preparation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from declnet import DataError, Dataset, InputInfo, Table
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.stored_preparation import restored, stored
from declnet.data.preparing.targets import LossTarget
from declnet.data.sources.loading import fingerprint
from declnet.registry.discovery import default_registry
from declnet_plugins.standard.transforms.categories import Ordinal
from declnet_plugins.standard.transforms.scaling import Standardize

INPUTS = {"numbers": ("age", "income"), "categories": ("job", "city", "member")}


def table(**more):
    columns = {
        "city": np.array(["Bonn", "Rome", "Bonn", "Oslo"], object),
        "age": np.array([30.0, 40.0, 50.0, 60.0]),
        "member": np.array([True, False, True, True]),
        "income": np.array([1, 2, 3, 6]),
        "job": np.array(["nurse", "cook", "cook", "nurse"], object),
        "price": np.array([1.0, 2.0, 3.0, 4.0]),
    }
    return Table({**columns, **more}, "price")


USUAL = (Standardize(), Ordinal())


def fitted(transforms=USUAL, inputs=INPUTS, data=None, **options):
    return fit_preparation(
        data or table(), transforms, [LossTarget("", "values")], inputs=inputs, **options
    )


def test_each_input_has_its_columns_in_its_order_and_its_own_type():
    x = fitted().apply(table())
    assert list(x) == ["numbers", "categories"]
    assert x["numbers"].dtype == float
    np.testing.assert_allclose(x["numbers"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(x["categories"], [[1, 0, 1], [0, 2, 0], [0, 0, 1], [1, 1, 1]])
    assert x["categories"].dtype == int


def test_named_inputs_hold_the_values_of_the_single_unnamed_input():
    plain = fitted(inputs=None)
    (whole,), x = plain.apply(table()).values(), fitted().apply(table())
    names = list(plain.feature_names)
    for name, columns in INPUTS.items():
        positions = [names.index(column) for column in columns]
        np.testing.assert_array_equal(x[name], whole[:, positions])
    assert fitted().feature_names == ("age", "income", "job", "city", "member")


def test_each_column_has_its_number_of_levels():
    preparation = fitted()
    infos = preparation.input_infos(preparation.apply(table()))
    assert infos == {
        "numbers": InputInfo((2,)),
        "categories": InputInfo((3,), "integer", (2, 3, 2)),
    }
    unknown = fitted((Standardize(), Ordinal(unknown="index")))
    assert unknown.input_infos(unknown.apply(table()))["categories"].levels == (3, 4, 2)


def test_a_stored_preparation_keeps_the_inputs():
    preparation = fitted()
    content, arrays = stored(preparation)
    again = restored(content, arrays, default_registry())
    assert again.inputs == INPUTS
    for name, x in preparation.apply(table()).items():
        np.testing.assert_array_equal(again.apply(table())[name], x)
    document = json.loads(content)
    document["preparation"]["inputs"]["numbers"] = ["shoe size"]
    with pytest.raises(ValueError, match='the input "numbers" refers to "shoe size"'):
        restored(json.dumps(document).encode(), arrays, default_registry())


def test_each_named_array_is_prepared_by_its_own_transforms():
    x = {"sound": np.arange(12.0).reshape(4, 3), "word": np.array([3, 1, 3, 2])}
    dataset = Dataset(x, np.zeros(4))
    steps = (Standardize(columns=("sound",)), Ordinal(columns=("word",)))
    preparation = fit_preparation(dataset, steps, [LossTarget("", "values")])
    prepared = preparation.apply_to_set(dataset)
    np.testing.assert_allclose(prepared.x["sound"].std(axis=0), 1)
    np.testing.assert_array_equal(prepared.x["word"], [2, 0, 2, 1])
    assert preparation.input_infos(prepared.x)["word"] == InputInfo((), "integer", (3,))
    again = restored(*stored(preparation), default_registry())
    np.testing.assert_array_equal(again.apply(dataset.records)["sound"], prepared.x["sound"])
    with pytest.raises(DataError, match="has the inputs sound, word, but x has sound"):
        again.apply(Table({"sound": x["sound"]}))


def test_fingerprints_depend_on_names_and_are_stable_for_single_arrays():
    a, b = np.arange(4.0), np.arange(4.0) + 1
    prints = [
        fingerprint(Dataset(x, a))
        for x in (a, {"a": a}, {"b": a}, {"a": a, "b": b}, {"a": b, "b": a})
    ]
    assert len(set(prints)) == 5
    assert prints[0] == "sha256:b93b9fde03c2ab986608e260e7c08ed445adcea122c64c926b370719336208d9"
