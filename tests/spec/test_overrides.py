"""Overrides, applied to documents."""

from __future__ import annotations

import copy

import pytest

from declnet.spec.override import override_of, parse_override
from declnet.spec.overrides import override
from declnet.spec.source import Source
from declnet.spec.written import Origin, Written

DOCUMENT = {
    "model": {"layers": [{"type": "dense", "units": 4}, "relu"]},
    "loss": "mean_squared_error",
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
}


def applied(changes):
    numbered = enumerate(changes.items(), start=1)
    given = [override_of(key, value, number) for number, (key, value) in numbered]
    return override(Written(copy.deepcopy(DOCUMENT)), given)


def test_a_value_is_replaced_and_the_document_left_alone():
    source = Source("spec.toml", "", "toml")
    written = Written(copy.deepcopy(DOCUMENT), Origin(source))
    change = override_of("model.layers.0.units", 32)
    result = override(written, [change])
    assert result.document["model"]["layers"] == [{"type": "dense", "units": 32}, "relu"]
    assert result.writer_of(("model", "layers", 0, "units")) is change
    assert result.writer_of(("model", "layers", 0, "type")) is source
    assert written.document == DOCUMENT
    assert written.writer_of(("model", "layers", 0, "units")) is source


@pytest.mark.parametrize(
    ("key", "value", "path", "expected"),
    [
        ("seed", 7, ("seed",), 7),
        ("training.epochs", 5, ("training",), {"epochs": 5}),
        ("optimizer.decay", 0.5, ("optimizer", "decay"), 0.5),
        ("model.layers.1", "softmax", ("model", "layers", 1), "softmax"),
        ("model.layers.1.name", "r", ("model", "layers", 1), {"type": "relu", "name": "r"}),
        ("loss.weight", 2, ("loss",), {"type": "mean_squared_error", "weight": 2}),
        ("a.b.c", 1, ("a",), {"b": {"c": 1}}),
        ("data.0", 1, ("data",), {"0": 1}),
    ],
)
def test_keys_are_made_and_bare_names_become_tables(key, value, path, expected):
    result = applied({key: value})
    place = result.document
    for part in path:
        place = place[part]
    assert place == expected
    assert result.problems == []


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("model.layers.2.units", "model.layers has no item 2", "its items are 0 to 1"),
        ("model.layers.-1.units", "model.layers has no item -1", "its items are 0 to 1"),
        ("model.layers.first.units", "model.layers has no item first", "its items are 0 to 1"),
        ("optimizer.learning_rate.rate", "optimizer.learning_rate is 0.1, which has no keys", None),
    ],
)
def test_a_key_that_leads_nowhere_is_refused(key, message, hint):
    result = applied({"seed": 1, key: 1})
    (problem,) = result.problems
    assert (problem.code, problem.message, problem.help) == ("E005", message, hint)
    assert str(problem.place) == "--set:2:1"
    assert problem.place.end_column == len(key) + 1
    assert result.document == DOCUMENT | {"seed": 1}


def test_an_empty_list_has_no_items():
    (problem,) = override(Written({"a": []}), [override_of("a.0", 1)]).problems
    assert (problem.message, problem.help) == ("a has no item 0", "it is empty")


def test_a_number_of_very_many_digits_has_no_keys_either():
    (problem,) = override(Written({"a": 16**5000}), [override_of("a.b", 1)]).problems
    assert problem.message == "a is a number of very many digits, which has no keys"


def test_all_wrong_keys_are_reported_together():
    changes = {"model.layers.9": 1, "loss": "x", "optimizer.type.x": 1, "a": 1}
    assert len(applied(changes).problems) == 1  # a bare name becomes a table
    assert len(applied({"model.layers.9": 1, "optimizer.learning_rate.x": 1}).problems) == 2


def test_later_ones_win():
    result = applied({"optimizer": "adam", "optimizer.decay": 0.1, "seed": 1})
    assert result.document["optimizer"] == {"type": "adam", "decay": 0.1}
    assert override(result, [parse_override("seed=2")]).document["seed"] == 2


def test_problems_of_the_writing_stay():
    written = Written({}, problems=["told already"], incomplete=True)
    result = override(written, [override_of("a", 1)])
    assert result.problems == ["told already"]
    assert result.incomplete
