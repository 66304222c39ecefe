from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet import SpecError, parse_spec
from declnet.spec.name import fit_name


@given(text=st.text(max_size=150))
@example(text=". .x")
def test_a_fitted_name_fits(text):
    name = fit_name(text)
    assert fit_name(name) == name
    assert 0 < len(name.encode()) <= 100
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n")


@pytest.mark.parametrize("name", ["spiral_adam", "Läufe 2", "a-b.c", "漢" * 33])
def test_plain_names_stay_as_they_are(name, document):
    assert fit_name(name) == name
    assert parse_spec({**document, "name": name}).name == name


@pytest.mark.parametrize("name", ["a/b", "a\\b", ".hidden", "", " a", "a\n", "漢" * 34, "x" * 101])
def test_what_cannot_be_a_folders_name_is_refused(name, document):
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "name": name})
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == (("name",), "E014")
    assert "must serve as a folder's name" in problem.message
