"""Thousands of spoiled specs: each gives problems with right places, and never a traceback."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import SpecError, default_registry
from declnet.cli.diagnostics import as_data, rendered
from declnet.cli.reading import checked_spec
from declnet.spec.document import read_document

from .mutations import at, spoiled, spoiled_text, without_nothing

SPECS = Path(__file__).parent.parent.parent / "specs"
TEXTS = [
    path.read_text("utf-8")
    for path in sorted(SPECS.rglob("*.toml"))
    if "sklearn" not in path.read_text("utf-8")
]
DOCUMENTS = [tomllib.loads(text) for text in TEXTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def problems_of(path, overrides=()):
    """All problems; anything but these is a fault of ours."""
    try:
        return checked_spec(path, overrides, default_registry()).problems
    except SpecError as error:
        return error.problems


def require_right_places(path, problems):
    text = path.read_bytes().decode("utf-8-sig", "replace")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    for problem in problems:
        place = problem.place
        assert place is not None, problem
        assert place.file == str(path), problem
        assert 1 <= place.line <= len(lines), problem
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1, problem
        assert (place.line, place.column) <= (place.end_line, place.end_column), problem
        assert place.end_line <= len(lines), problem
        assert place.text in (lines[place.line - 1], ""), problem  # "": of the file as a whole
        require_right_text(path, problem)


def require_right_text(path, problem):
    """The text at a place is the key or the value that the problem's path leads to."""
    place = problem.place
    if not problem.path or place.line != place.end_line or not place.text:
        return
    text = place.text[place.column - 1 : place.end_column - 1]
    if problem.focus == "key":
        written = read_key(path, text)
        assert written == str(problem.path[-1]), problem
        return
    try:
        value = at(read_document(path).tables, problem.path)
    except (LookupError, TypeError):
        return  # a key that is missing
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        value = value["type"]
    if isinstance(value, str | bool | int) and not text.startswith("["):
        assert read_value(path, text) == value, problem


def read_key(path, text):
    if path.suffix == ".json":
        return json.loads(text)
    text = text.strip("[]")
    table = tomllib.loads(f"{text} = 1")
    while table != 1:
        ((key, table),) = table.items()
    return key


def read_value(path, text):
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(f"x = {text}")["x"]


def require_reports(problems):
    assert bool(rendered(problems)) == bool(problems)
    json.loads(json.dumps(as_data(problems), allow_nan=False))
    for problem in problems:
        assert "\n" not in problem.message
        assert len(problem.message) <= 500


@settings(max_examples=1200)
@given(document=spoiled(DOCUMENTS))
def test_spoiled_toml(folder, document):
    path = folder / "spec.toml"
    try:
        path.write_text(tomli_w.dumps(without_nothing(document)), "utf-8")
    except (UnicodeEncodeError, ValueError):  # a lone surrogate, or more digits than Python writes
        return
    problems = problems_of(path)
    require_right_places(path, problems)
    require_reports(problems)


@settings(max_examples=800)
@given(document=spoiled(DOCUMENTS), indent=st.sampled_from([None, 0, 2]))
def test_spoiled_json(folder, document, indent):
    path = folder / "spec.json"
    try:
        path.write_text(json.dumps(document, indent=indent), "utf-8")
    except ValueError:
        return
    problems = problems_of(path)
    require_right_places(path, problems)
    require_reports(problems)


@settings(max_examples=1200)
@given(content=spoiled_text(TEXTS))
def test_spoiled_bytes(folder, content):
    path = folder / "bytes.toml"
    path.write_bytes(content)
    problems = problems_of(path)
    require_right_places(path, problems)
    require_reports(problems)


@settings(max_examples=500)
@given(content=spoiled_text([json.dumps(document, indent=1) for document in DOCUMENTS]))
def test_spoiled_bytes_of_json(folder, content):
    path = folder / "bytes.json"
    path.write_bytes(content)
    problems = problems_of(path)
    require_right_places(path, problems)
    require_reports(problems)


@settings(max_examples=400)
@given(
    key=st.one_of(
        st.sampled_from(["training.epochs", "model.layers.0.units", "model.layers.1", "loss"]),
        st.text(max_size=12),
    ),
    value=st.one_of(st.text(max_size=12), st.sampled_from(["{type = 'sgd', x = 1}", "[1, 2", "9"])),
)
def test_spoiled_overrides(folder, key, value):
    path = folder / "right.toml"
    path.write_text(TEXTS[-1], "utf-8")
    problems = problems_of(path, (f"{key}={value}",))
    require_reports(problems)
    for problem in problems:
        assert problem.place.file in ("--set", str(path))


@pytest.mark.parametrize("suffix", ["toml", "json"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "{a=" * 100_000, "[[" * 50_000])
def test_deep_nesting_is_a_problem_like_others(tmp_path, suffix, text):
    path = tmp_path / f"spec.{suffix}"
    path.write_text(text if suffix == "json" else f"a = {text}")
    problems = problems_of(path)
    assert {problem.code for problem in problems} <= {"E002", "E004"}
    require_right_places(path, problems)
