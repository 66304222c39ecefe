"""The fields of a spec: names and keys that exclude each other."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet.spec.model import fit_name


@given(text=st.text(max_size=150))
@example(text=". .x")
def test_a_fitted_name_fits(text):
    name = fit_name(text)
    assert fit_name(name) == name
    assert 0 < len(name.encode()) <= 100
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n")


@pytest.mark.parametrize(
    ("changes", "key", "code", "message"),
    [
        ({"fold": 1}, "fold", "E017", "a fold needs the number of folds"),
        ({"folds": 3, "fold": 4}, "fold", "E013", "only 3 folds"),
        ({"folds": 3, "fold": 0}, "fold", "E013", "at least 1"),
        ({"folds": 3, "validation": 0.2}, "validation", "E017", "remove this"),
        (
            {"folds": 3, "test": 0.2, "split": {"method": "column", "column": "site"}},
            "test",
            "E017",
            "test cannot be a fraction",
        ),
    ],
)
def test_keys_that_exclude_each_other(problems, document, changes, key, code, message):
    (problem,) = problems(document, {f"data.{name}": value for name, value in changes.items()})
    assert (problem.path, problem.code) == (("data", key), code)
    assert message in problem.message
