"""Thousands of corrupted specs, which give problems with correct places, never a traceback."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import SpecError, default_registry
from declnet.cli.display.diagnostics import as_data
from declnet.cli.reading import checked_spec
from declnet.display.excerpts import rendered
from declnet.spec.document.document import read_document

SPECS = Path(__file__).parent.parent.parent / "specs"
TEXTS = [
    path.read_text("utf-8")
    for path in sorted(SPECS.rglob("*.toml"))
    if "sklearn" not in path.read_text("utf-8")
]
DOCUMENTS = [tomllib.loads(text) for text in TEXTS]

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**30), 10**4000, 2**53 + 1]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
    st.sampled_from(["dense", "relu", "adam", "nope", "input", "ünïcödé 🦆", "\u202e", "a\nb", ""]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.just({"type": "dense", "units": 3}),
    st.just({"type": "nope"}),
    st.just({"type": 3}),
    st.just([{"type": "relu"}, "softmax", 3]),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values of a document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    all_paths = [path] if path else []
    for key, item in items:
        all_paths += paths(item, (*path, key))
    return all_paths


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


@st.composite
def spoiled(draw: st.DrawFn, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a document with one to four values dropped, renamed, retyped, doubled or moved."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 4))):
        places = paths(document)
        if not places:
            break
        path = draw(st.sampled_from(places))
        table, key = at(document, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["drop", "rename", "retype", "move", "wrap", "add"]))
        if kind == "drop":
            del table[key]
        elif kind == "rename" and isinstance(table, dict):
            name = draw(st.one_of(st.text(min_size=1, max_size=8), st.just(f"{key}s")))
            table[name] = table.pop(key)
        elif kind == "move":
            value = table.pop(key)
            target = at(document, draw(st.sampled_from([*paths(document), ()])))
            if isinstance(target, dict):
                target[str(key)] = value
            elif isinstance(target, list):
                target.insert(draw(st.integers(0, len(target))), value)
        elif kind == "wrap":
            table[key] = draw(st.sampled_from([[table[key]], {"type": table[key]}]))
        elif kind == "add" and isinstance(table, dict):
            table[draw(st.text(max_size=6))] = copy.deepcopy(draw(ODD_VALUES))
        else:
            table[key] = copy.deepcopy(draw(ODD_VALUES))
    return document


@st.composite
def spoiled_text(draw: st.DrawFn, texts: list[str]) -> bytes:
    """Return a text with bytes flipped, cut, doubled or put in; sometimes with CRLF or a BOM."""
    text = draw(st.sampled_from(texts))
    content = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double", "delete"]))
        if kind == "flip" and content:
            content[position] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[position:]
        elif kind == "delete":
            del content[position : position + draw(st.integers(1, 20))]
        elif kind == "double":
            piece = content[position : position + draw(st.integers(1, 60))]
            content[position:position] = piece
        else:
            odd = [*"\"'[]{}=,\n#\t\0ü🦆", "\\u0000"]
            content[position:position] = draw(st.sampled_from(odd)).encode()
    result = bytes(content)
    if draw(st.booleans()):
        result = result.replace(b"\n", b"\r\n")
    return b"\xef\xbb\xbf" + result if draw(st.booleans()) else result


def without_nothing(value: Any) -> Any:
    """Return a document that TOML can represent: no None, and only valid text."""
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nothing(item) for item in value if item is not None]
    return value


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def problems_of(path, overrides=()):
    """Return all problems; any other exception is a bug."""
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
        assert place.text in (lines[place.line - 1], ""), problem  # "" is the whole file
        require_right_text(path, problem)


def require_right_text(path, problem):
    """Require the text at a place to be the key or value that the problem's path leads to."""
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


def require_reports(problems, path=None):
    assert bool(rendered(problems)) == bool(problems)
    json.loads(json.dumps(as_data(problems), allow_nan=False))
    for problem in problems:
        assert "\n" not in problem.message
        assert len(problem.message) <= 500
        assert not re.search(r"(Input|String|Value|List) (should|error)", problem.message)
    if path is not None:
        require_right_places(path, problems)


@settings(max_examples=5 * settings().max_examples)
@given(
    suffix=st.sampled_from(["toml", "json"]),
    document=spoiled(DOCUMENTS),
    indent=st.sampled_from([None, 0, 2]),
)
def test_spoiled_documents(folder, suffix, document, indent):
    path = folder / f"spec.{suffix}"
    try:
        if suffix == "toml":
            path.write_text(tomli_w.dumps(without_nothing(document)), "utf-8")
        else:
            path.write_text(json.dumps(document, indent=indent), "utf-8")
    except ValueError:  # a lone surrogate, or more digits than Python writes
        return
    require_reports(problems_of(path), path)


@pytest.mark.parametrize("suffix", ["toml", "json"])
@settings(max_examples=3 * settings().max_examples)
@given(data=st.data())
def test_spoiled_bytes(folder, suffix, data):
    path = folder / f"bytes.{suffix}"
    texts = TEXTS if suffix == "toml" else [json.dumps(tables, indent=1) for tables in DOCUMENTS]
    path.write_bytes(data.draw(spoiled_text(texts)))
    require_reports(problems_of(path), path)


@settings(max_examples=2 * settings().max_examples)
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
