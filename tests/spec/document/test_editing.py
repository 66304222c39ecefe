"""A number set in a spec file: exactly that changes, whatever form the file has."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.spec.document.editing import with_number, written
from declnet.spec.document.source_map import Source

RATE = ("optimizer", "learning_rate")
PEAK = (*RATE, "max_rate")


def edited(text, path=RATE, number=0.05, syntax="toml"):
    return with_number(Source("spec", text, syntax), path, number)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (  # where it is
            RATE,
            '# é\n[optimizer]\ntype = "adam"\nlearning_rate  =  1e-1   # too high\n\n[loss]',
            '# é\n[optimizer]\ntype = "adam"\nlearning_rate  =  0.05   # too high\n\n[loss]',
        ),
        (RATE, "optimizer.learning_rate = 1\r\n", "optimizer.learning_rate = 0.05\r\n"),
        (
            PEAK,
            'optimizer = {type="adam", learning_rate = { type = "up", max_rate = 3 } }',
            'optimizer = {type="adam", learning_rate = { type = "up", max_rate = 0.05 } }',
        ),
        (  # its own table
            PEAK,
            '[optimizer.learning_rate]\ntype = "up"\nmax_rate = 1.0',
            '[optimizer.learning_rate]\ntype = "up"\nmax_rate = 0.05',
        ),
        (  # absent: below the header
            RATE,
            'a = 1\r\n[optimizer]  # the rule\r\ntype = "adam"\r\n',
            'a = 1\r\n[optimizer]  # the rule\r\nlearning_rate = 0.05\r\ntype = "adam"\r\n',
        ),
        (RATE, "[optimizer]", "[optimizer]\nlearning_rate = 0.05"),
        (  # in the inline table
            RATE,
            'optimizer = { type = "adam" } # é\n',
            'optimizer = { type = "adam", learning_rate = 0.05 } # é\n',
        ),
        (RATE, "optimizer = {}", "optimizer = { learning_rate = 0.05}"),
        (  # of a bare name
            RATE,
            "optimizer = 'adam'\n",
            "optimizer = { type = 'adam', learning_rate = 0.05 }\n",
        ),
        (
            PEAK,
            '[optimizer]\nlearning_rate = "up"\n',
            '[optimizer]\nlearning_rate = { type = "up", max_rate = 0.05 }\n',
        ),
        (  # after other dotted keys
            RATE,
            'seed = 1\noptimizer.type = "adam"\n[data]\n',
            'seed = 1\noptimizer.learning_rate = 0.05\noptimizer.type = "adam"\n[data]\n',
        ),
        (  # of a file that extends another
            RATE,
            'extends = "base.toml"\n[[model.layers]]\ntype = "relu"',
            'extends = "base.toml"\n[[model.layers]]\ntype = "relu"\n\n[optimizer]\n'
            "learning_rate = 0.05\n",
        ),
        (PEAK, "seed = 1\n", "seed = 1\n\n[optimizer.learning_rate]\nmax_rate = 0.05\n"),
        (PEAK, '[optimizer]\ntype = "a"', '[optimizer]\nlearning_rate.max_rate = 0.05\ntype = "a"'),
    ],
)
def test_toml(path, before, after):
    assert edited(before, path) == after


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            RATE,
            '{"optimizer": {"learning_rate":1E+2 , "type": "é"}}',
            '{"optimizer": {"learning_rate":0.05 , "type": "é"}}',
        ),
        (
            RATE,
            '{"optimizer": "adam"}',
            '{"optimizer": { "type": "adam", "learning_rate": 0.05 }}',
        ),
        (RATE, '{"optimizer": {}}', '{"optimizer": { "learning_rate": 0.05 }}'),
        (
            RATE,
            '{"optimizer": { "type": "adam" }}',
            '{"optimizer": { "type": "adam", "learning_rate": 0.05 }}',
        ),
        (
            RATE,
            '{\n  "optimizer": {\n    "type": "adam"\n  }\n}\n',
            '{\n  "optimizer": {\n    "type": "adam",\n    "learning_rate": 0.05\n  }\n}\n',
        ),
        (
            PEAK,
            '{\n  "extends": "base.json"\n}\n',
            '{\n  "extends": "base.json",\n'
            '  "optimizer": { "learning_rate": { "max_rate": 0.05 } }\n}\n',
        ),
    ],
)
def test_json(path, before, after):
    assert edited(before, path, syntax="json") == after


def test_a_form_that_cannot_be_edited_is_refused():
    with pytest.raises(ValueError, match=r"optimizer\.learning_rate is written in a form"):
        edited("a.b = 1\noptimizer = [1, 2]")


@given(st.floats(min_value=0, allow_infinity=False))
def test_a_number_is_read_back_as_it_was(number):
    text = written(number)
    assert json.loads(text) == tomllib.loads(f"x = {text}")["x"] == number
    assert isinstance(tomllib.loads(f"x = {text}")["x"], float)


@pytest.mark.parametrize(
    ("number", "text"), [(0.0123, "0.012"), (1.0, "1.0"), (1.26e-7, "1.3e-7"), (153.0, "150.0")]
)
def test_a_number_is_rounded(number, text):
    assert written(number, 2) == text
