"""Tests of columns that become sequences: inputs, lengths, and runs on them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from declnet import (
    CellFormat,
    DataError,
    InputInfo,
    Sequences,
    Table,
    Transform,
    load_predictor,
    parse_spec,
    run,
)
from declnet.contracts.returned import BrokenContractError
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.stored_preparation import restored, stored
from declnet.data.preparing.targets import LossTarget
from declnet.registry.discovery import default_registry
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.transforms.scaling import Standardize
from declnet_plugins.standard.transforms.text import Tokenize

SENTENCES = ["the sea is calm", "the sea", "a calm sea rises", "sea"]


class Steps(Transform):
    """A third party's transform: the numbers in a text such as `1.5 2 4`."""

    type = "steps"

    def suits(self, column):
        return column.dtype.kind == "O"

    def fit(self, x):
        return {"length": max(len(text.split()) for text in x)}

    def apply(self, x, state):
        values = np.zeros((len(x), state["length"]))
        lengths = np.zeros(len(x), int)
        for row, text in enumerate(x):
            numbers = [float(word) for word in text.split()][: state["length"]]
            values[row, : len(numbers)], lengths[row] = numbers, len(numbers)
        return Sequences(values, lengths)


def table():
    return Table(
        {
            "sentence": np.array(SENTENCES, object),
            "age": np.array([1.0, 2.0, 3.0, 6.0]),
            "kind": np.array(["a", "b", "a", "b"], object),
        },
        "kind",
    )


INPUTS = {"text": ("sentence",), "numbers": ("age",)}


USUAL = (Tokenize(), Standardize())


def fitted(transforms=USUAL, inputs=INPUTS, data=None):
    return fit_preparation(data or table(), transforms, [LossTarget("", "classes")], inputs=inputs)


def test_sequences_and_their_lengths_are_separate_inputs():
    preparation = fitted()
    x = preparation.apply(table())
    assert list(x) == ["text", "text_lengths", "numbers"]
    np.testing.assert_array_equal(x["text_lengths"], [4, 2, 4, 1])
    assert x["text"].shape == (4, 4)
    assert x["text"].dtype == x["text_lengths"].dtype == np.int64
    assert preparation.input_infos(x) == {
        "text": InputInfo((4,), "integer", vocabulary=5),  # sea, calm and the
        "text_lengths": InputInfo((), "integer", optional=True),
        "numbers": InputInfo((1,)),
    }


def test_weights_of_sequences_are_a_separate_input():
    preparation = fitted((Tokenize(weights="tf_idf"), Standardize()))
    x = preparation.apply(table())
    assert list(x) == ["text", "text_lengths", "text_weights", "numbers"]
    assert preparation.input_infos(x)["text_weights"] == InputInfo((3,), optional=True)
    inputs = {**INPUTS, "text_weights": ()}
    with pytest.raises(DataError, match='weights of the input "text" are the input "text_weights"'):
        fitted((Tokenize(weights="tf_idf"), Standardize()), inputs)


def test_a_third_party_can_make_sequences_of_numbers():
    only = Table(
        {
            "path": np.array(["1.5 2 4", "", "7"], object),
            "kind": np.array(["a", "b", "a"], object),
        },
        "kind",
        cells=CellFormat(missing=()),  # an empty text is an empty path
    )
    preparation = fitted((Steps(),), None, only)
    x = preparation.apply(only)
    np.testing.assert_array_equal(x[""], [[1.5, 2, 4], [0, 0, 0], [7, 0, 0]])
    assert preparation.input_infos(x)[""] == InputInfo((3,))


@pytest.mark.parametrize(
    "result",
    [
        Sequences(np.zeros(4, int), np.zeros(4, int)),
        Sequences(np.zeros((4, 2)), np.zeros(4)),
        Sequences(np.zeros((4, 2)), np.full(4, 3)),
        Sequences(np.zeros((4, 2)), np.zeros(3, int)),
        Sequences([[0.0]] * 4, np.zeros(4, int)),
        Sequences(np.zeros((4, 2)), np.zeros(4, int), np.zeros(4)),
        Sequences(np.zeros((4, 2)), np.zeros(4, int), np.zeros((4, 2), int)),
        Sequences(np.zeros((4, 2)), np.zeros(4, int), np.full((4, 2), np.inf)),
    ],
)
def test_invalid_sequences_break_the_contract_of_the_transform(result):
    class Broken(Steps):
        type = "broken"

        def apply(self, x, state):
            return result

    with pytest.raises(BrokenContractError, match="broken"):
        fitted((Broken(columns=("sentence",)), Standardize()))


def test_a_stored_preparation_gives_equal_results_and_a_damaged_one_is_refused():
    content, arrays = stored(fitted())
    again = restored(content, arrays, default_registry())
    for name, array in fitted().apply(table()).items():
        np.testing.assert_array_equal(again.apply(table())[name], array)
    document = json.loads(content)
    document["preparation"]["steps"][0]["states"]["sentence"]["length"] = "4"
    with pytest.raises(ValueError, match=r"steps\.0\.states\.sentence.*length of tokenize"):
        restored(json.dumps(document).encode(), arrays, default_registry())


FRAME = {"sentence": ["so good", "so bad", "very good", "very bad indeed"] * 8, "kind": [0, 1] * 16}


def spec(**changes):
    layers = [
        {"type": "embedding", "units": 3, "inputs": ["input.text"]},
        "flatten",
        {"type": "dense", "units": 2},
        "softmax",
    ]
    document = {
        "declnet": 1,
        "data": {"inputs": {"text": ["sentence"]}, "prepare": ["tokenize"]},
        "model": {"layers": layers},
        "loss": {"type": "categorical_crossentropy"},
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 30, "batch_size": 8, "metrics": ["accuracy"]},
    }
    return parse_spec({**document, **changes})


def test_a_frame_of_sentences_is_classified_whether_or_not_layers_read_lengths(tmp_path):
    reading = [
        {"type": "embedding", "units": 3, "inputs": ["input.text"]},
        {"type": "flatten", "name": "words"},
        {"type": "reshape", "name": "count", "shape": [1], "inputs": ["input.text_lengths"]},
        {"type": "concatenate", "inputs": ["words", "count"]},
        {"type": "dense", "units": 2},
        "softmax",
    ]
    for name, changes in {"without": {}, "with": {"model": {"layers": reading}}}.items():
        result = run(spec(**changes), data=(FRAME, "kind"), out=tmp_path / name)
        assert result.metrics["train"]["accuracy"] == 1
        predictions = load_predictor(tmp_path / name).predict({"sentence": ["so good", "very bad"]})
        assert predictions.prediction.tolist() == [0, 1]


@pytest.mark.parametrize("reads", [True, False])
def test_weights_of_unknown_data_are_an_input_if_a_layer_reads_them(reads, tmp_path):
    bag = {"type": "embedding_bag", "units": 2, "inputs": ["input.text", "input.text_weights"]}
    words = {"type": "embedding", "units": 2, "categories": 9, "inputs": ["input.text"]}
    data = {"train": {"type": "csv", "path": "none.csv", "target": "kind"}}
    inputs = {"data": {**data, "inputs": {"text": ["sentence"]}, "prepare": ["tokenize"]}}
    layers = [bag if reads else words, *([] if reads else ["flatten"]), "softmax"]
    partial = spec(**inputs, model={"layers": layers})
    (problem,) = check_spec(partial).problems
    assert "none.csv" in problem.message
