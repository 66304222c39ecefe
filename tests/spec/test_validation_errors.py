"""Messages, codes and help for values that pydantic rejects."""

from __future__ import annotations

import pytest


def test_wrong_items_do_not_make_a_list_too_short(problems, document):
    document["model"]["layers"] = [{"type": "dense", "units": 0}]
    assert [problem.code for problem in problems(document)] == ["E013"]


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("optimizer.decay", "5e-7", "remove the quotation marks"),
        ("optimizer.decay", "small", None),
        ("training.shuffle", 1, "write true"),
        ("training.epochs", [3], "remove the brackets"),
        (
            "optimizer",
            [{"type": "adam"}],
            "remove one pair of brackets: it is a table, not a list of tables",
        ),
        ("training.metrics", "[accuracy]", 'put the items in quotation marks: ["…"]'),
        ("training.epochs", "$epochs", 'for the value of a variable write "${epochs}"'),
        ("optimizer.learning_rate", "{{lr}}", 'for the value of a variable write "${lr}"'),
    ],
)
def test_a_hint_follows_from_the_value(problems, document, key, value, hint):
    (problem,) = problems(document, {key: value})
    assert problem.help == hint


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"type": "dense", "unit": 4}, ["E010 unit"]),
        ({"type": "dense", "unit": 4, "x": 1}, ["E010 unit", "E010 x"]),
        ({"type": "dense", "zzz": 4}, ["E010 zzz"]),
        ({"type": "dense", "zzz": "4"}, ["E010 zzz", "E011 units"]),
    ],
)
def test_a_missing_key_that_is_only_misspelled_is_reported_once(
    problems, document, layer, expected
):
    changes = {"model.layers.0": layer, "model.layers.1": {"type": "dense"}}
    codes = sorted(f"{report.code} {report.path[-1]}" for report in problems(document, changes))
    assert codes == sorted([*expected, "E011 units"])
