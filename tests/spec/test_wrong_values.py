"""Values of a wrong type, out of range or not among the choices."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        ("training.epochs", "10", "E012", 'must be a whole number, not "10"'),
        ("training.epochs", True, "E012", "must be a whole number, not true"),
        ("training.epochs", None, "E012", "must be a whole number, not null"),
        ("training.epochs", 10.0, "E012", "must be a whole number, not 10.0"),
        ("training.epochs", 0, "E013", "must be at least 1, not 0"),
        ("training.log_every", 0, "E013", "must be at least 1, not 0"),
        ("training.batch_size", -1, "E013", "must be at least 1, not -1"),
        ("training.clip_norm", 0, "E013", "must be greater than 0, not 0"),
        ("training.shuffle", 1, "E012", "must be true or false, not 1"),
        ("training.metrics", "accuracy", "E012", 'must be a list, not "accuracy"'),
        ("training", 3, "E012", "must be a table, not 3"),
        ("seed", -1, "E013", "must be at least 0, not -1"),
        ("seed", 2**53 + 1, "E013", "must be at most 9007199254740992, not 9007199254740993"),
        ("name", "a/b", "E014", "must serve as a folder's name"),
        ("name", 3, "E012", "must be a string, not 3"),
        ("name", "", "E014", "must serve as a folder's name"),
        ("declnet", 2, "E007", "must be 1"),
        ("declnet", True, "E012", "must be a whole number, not true"),
        ("declnet", 1.0, "E012", "must be a whole number, not 1.0"),
        ("model.dtype", "float16", "E014", 'must be "float32" or "float64", not "float16"'),
        ("model.layers", [], "E018", "must have at least 1 item"),
        ("model.layers", {"type": "dense"}, "E012", "must be a list"),
        ("model.layers.0.units", 0, "E013", "must be at least 1, not 0"),
        ("model.layers.0.inputs", "input", "E012", 'must be a list, not "input"'),
        ("model.layers.0.inputs", [], "E018", "must have at least 1 item"),
        ("model.layers.0.name", "a.b", "E014", "must "),
        ("optimizer.learning_rate", "0.5", "E012", "must be a number"),
        ("optimizer.learning_rate", True, "E012", "must be a number, or a schedule"),
        ("optimizer.learning_rate", float("nan"), "E013", "must be at least 0 and finite, not nan"),
        ("optimizer.learning_rate", float("inf"), "E013", "must be at least 0 and finite, not inf"),
        ("optimizer.learning_rate", -0.1, "E013", "must be at least 0 and finite, not -0.1"),
        ("optimizer.decay", float("nan"), "E013", "must be finite"),
        ("optimizer.decay", "0.5", "E012", 'must be a number, not "0.5"'),
        ("optimizer.momentum", 1, "E013", "must be less than 1, not 1"),
        ("data.validation", 1.0, "E013", "must be greater than 0 and less than 1, not 1"),
        ("data.validation", 0, "E013", "must be greater than 0 and less than 1, not 0"),
        ("data.train.path", 3, "E012", "must be a path, not 3"),
    ],
)
def test_wrong_values_are_told_at_their_key_and_with_what_was_found(
    problems, document, key, value, code, expected
):
    (found,) = problems(document, {key: value})
    name = key.rpartition(".")[2]
    assert str(found).startswith(f'{key}: error[{code}]: "{name}" {expected}')
    assert found.focus == ("key" if isinstance(value, dict) else "value")
    assert "Input should" not in found.message
    assert "String should" not in found.message


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("training.epochs", "10", "remove the quotation marks"),
        ("training.shuffle", "true", "remove the quotation marks"),
        ("optimizer.decay", "5e-7", "remove the quotation marks"),
        ("optimizer.decay", "small", None),
        ("training.epochs", 10.0, "write 10"),
        ("training.epochs", 10.5, None),
        ("name", 3, "put it in quotation marks"),
        ("training.metrics", "accuracy", "put it in brackets: [ … ]"),
        ("model.layers", {"type": "dense"}, "put it in brackets: [ … ], or as a section: [[ … ]]"),
        (
            "training",
            [{"epochs": 5}],
            "remove a pair of brackets: it is one table, no list of them",
        ),
        ("model.layers", 3, None),
    ],
)
def test_what_to_do_is_said_where_the_value_tells_it(problems, document, key, value, hint):
    (found,) = problems(document, {key: value})
    assert found.help == hint


@pytest.mark.parametrize("key", ["optimizer.learning_rate", "seed", "training.epochs"])
@pytest.mark.parametrize("value", [10**400, -(2**63) - 5, 16**5000], ids=lambda value: "")
def test_a_number_of_more_than_64_bits_is_one_fault(problems, document, key, value):
    (found,) = problems(document, {key: value})
    assert found.code == "E013"
    assert ".".join(map(str, found.path)) == key
    assert found.message.startswith("whole numbers are at most 9223372036854775807")
