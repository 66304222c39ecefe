"""Numbers set in spec files, which change nothing else, whatever the form of the file."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.spec.document.editing import number_literal, with_number
from declnet.spec.document.source_map import Source

RATE = ("optimizer", "learning_rate")
PEAK = (*RATE, "max_rate")


def edited(text, path=RATE, number=0.05, syntax="toml"):
    return with_number(Source("spec", text, syntax), path, number)


TOML = [  # where the number is: in a separate table
    (RATE, '# é\n[optimizer]\ntype = "adam"\nlearning_rate  =  ⟨1e-1|0.05⟩   # too high\n\n[loss]'),
    (RATE, "optimizer.learning_rate = ⟨1|0.05⟩\r\n"),
    (PEAK, 'optimizer = {type="adam", learning_rate = { type = "up", max_rate = ⟨3|0.05⟩ } }'),
    (PEAK, '[optimizer.learning_rate]\ntype = "up"\nmax_rate = ⟨1.0|0.05⟩'),
    # absent: below the header; in the inline table; with a bare name; before other dotted keys
    (RATE, 'a = 1\r\n[optimizer]  # it\r\n⟨|learning_rate = 0.05\r\n⟩type = "adam"\r\n'),
    (RATE, "[optimizer]⟨|\nlearning_rate = 0.05⟩"),
    (PEAK, '[optimizer]⟨|\nlearning_rate.max_rate = 0.05⟩\ntype = "a"'),
    (RATE, 'optimizer = { type = "adam"⟨|, learning_rate = 0.05⟩ } # é\n'),
    (RATE, "optimizer = {⟨| learning_rate = 0.05⟩}"),
    (RATE, "optimizer = ⟨|{ type = ⟩'adam'⟨|, learning_rate = 0.05 }⟩\n"),
    (PEAK, '[optimizer]\nlearning_rate = ⟨|{ type = ⟩"up"⟨|, max_rate = 0.05 }⟩\n'),
    (RATE, 'seed = 1\n⟨|optimizer.learning_rate = 0.05\n⟩optimizer.type = "adam"\n[data]\n'),
    # in a file that extends another
    (RATE, 'extends = "a.toml"\n[[b.c]]\ntype = "relu"⟨|\n\n[optimizer]\nlearning_rate = 0.05\n⟩'),
    (PEAK, "seed = 1\n⟨|\n[optimizer.learning_rate]\nmax_rate = 0.05\n⟩"),
]
JSON = [
    (RATE, '{"optimizer": {"learning_rate":⟨1E+2|0.05⟩ , "type": "é"}}'),
    (RATE, '{"optimizer": ⟨|{ "type": ⟩"adam"⟨|, "learning_rate": 0.05 }⟩}'),
    (RATE, '{"optimizer": {⟨| "learning_rate": 0.05 ⟩}}'),
    (RATE, '{"optimizer": { "type": "adam"⟨|, "learning_rate": 0.05⟩ }}'),
    (RATE, '{\n  "optimizer": { "type": "adam"⟨|, "learning_rate": 0.05⟩ }\n}\n'),
    (RATE, '{\n  "optimizer": {\n    "type": "adam"⟨|,\n    "learning_rate": 0.05⟩\n  }\n}\n'),
    (PEAK, '{\n  "a": "b"⟨|,\n  "optimizer": { "learning_rate": { "max_rate": 0.05 } }⟩\n}\n'),
]


@pytest.mark.parametrize(
    ("syntax", "path", "text"),
    [*(("toml", *case) for case in TOML), *(("json", *case) for case in JSON)],
)
def test_only_the_number_changes(syntax, path, text):
    """⟨before|after⟩ marks the change."""
    before, after = (
        re.sub("⟨(.*?)\\|(.*?)⟩", which, text, flags=re.DOTALL) for which in (r"\1", r"\2")
    )
    assert edited(before, path, syntax=syntax) == after


def test_a_form_that_cannot_be_edited_is_refused():
    with pytest.raises(ValueError, match=r"optimizer\.learning_rate is written in a form"):
        edited("a.b = 1\noptimizer = [1, 2]")


@given(st.floats(min_value=0, allow_infinity=False))
def test_a_number_is_read_back_as_it_was(number):
    text = number_literal(number)
    assert json.loads(text) == tomllib.loads(f"x = {text}")["x"] == number
    assert isinstance(tomllib.loads(f"x = {text}")["x"], float)


@pytest.mark.parametrize(
    ("number", "text"), [(0.0123, "0.012"), (1.0, "1.0"), (1.26e-7, "1.3e-7"), (153.0, "150.0")]
)
def test_a_number_is_rounded(number, text):
    assert number_literal(number, 2) == text
