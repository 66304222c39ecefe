"""The core names no component, so it treats third-party components like its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from declnet import default_registry

CORE = Path(__file__).parent.parent / "declnet"

ORDINARY = frozenset(
    {
        "add",
        "best",
        "binary",
        "c",
        "checkpoint",
        "classification",
        "constant",
        "flatten",
        "groups",
        "images",
        "linear",
        "log",
        "members",
        "multiply",
        "normal",
        "numpy",
        "ones",
        "regression",
        "reshape",
        "safetensors",
        "step",
        "table",
        "threshold",
        "uniform",
        "zeros",
        "grid",
        "random",
    }
)
"""Types that are also English words, names in NumPy or Vega, or libraries: they count only in
`names_one`."""

ALLOWED = {
    "inspection/plugins/templates/kernel.py.template": "a new kernel replaces a loss",
    "inspection/plugins/templates/preset.py.template": "a new preset writes a network",
    "codes/catalogue.toml": "its examples are documentation, as specs that readers know",
    "runs/inference/prediction_files.py": "csv, npy, parquet: formats of predictions",
    "runs/storage/folder.py": "history.jsonl is the name of a file",
    "runs/many/journal.py": "journal.jsonl is the name of a file",
    "runs/display/group_tables.py": "importance is the title of a column",
    "spec/other_keys.py": "precision is what other libraries call a number's type",
    "cli/options.py": "an executor, in the help of --on",
    "spec/document/key_positions.py": "a table is a node of the syntax tree of TOML",
    "cli/predict.py": "the same formats, as the choices of --format",
    "runs/inference/evaluation.py": "precision, recall, f1, r2, errors: keys of an evaluation",
    "runs/inference/scores.py": "the same",
    "runs/inference/reliability.py": "log_loss and expected_calibration_error are the same",
    "sklearn/__init__.py": "sklearn is a package and the extra with it",
    "sklearn/from_estimator.py": "the importer of that package's estimators",
    "runs/display/result_tables.py": "the same, as columns of tables",
}
"""Files that may name types, each with the reason; a file without names must be removed here."""

LOOKUPS = frozenset({"entry", "find", "offering", "types", "from_declaration", "lazily"})
"""Methods that take kinds and types."""


def names_of_types():
    return {
        entry.type
        for entry in default_registry().entries()
        if entry.plugin.distribution == "declnet"
    }


def literals(node: ast.AST, user: ast.AST | None = None) -> Iterator[tuple[ast.Constant, ast.AST]]:
    """Yield each string of a module that is not a docstring, with the node that uses it.

    A string in a tuple, list or set is used by the node that uses the collection.
    """
    is_list = isinstance(node, ast.Tuple | ast.List | ast.Set) and user is not None
    user = user if is_list else node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            if not isinstance(node, ast.Expr):
                yield child, user
        else:
            yield from literals(child, user)


def names_one(literal: ast.Constant, user: ast.AST) -> bool:
    """Return whether a literal is a component's type that is looked up, compared or declared."""
    if isinstance(user, ast.Call):
        return looks_up(user)
    if isinstance(user, ast.Compare):
        sides = [user.left, *user.comparators]
        return any(looks_up(side) or getattr(side, "attr", None) == "type" for side in sides)
    if isinstance(user, ast.Dict):
        keys = {id(value): key for key, value in zip(user.keys, user.values, strict=True)}
        key = keys.get(id(literal))
        return isinstance(key, ast.Constant) and key.value == "type"
    return isinstance(user, ast.keyword) and user.arg == "type"


def looks_up(node: ast.AST) -> bool:
    """Return whether an expression looks up components by kind or type."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOOKUPS
    )


def hits_in_python(text: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each type that a module names."""
    for literal, user in literals(ast.parse(text)):
        words = set(re.findall(r"[a-z0-9_]+", literal.value)) & names
        for word in sorted(words):
            if word not in ORDINARY or (word == literal.value and names_one(literal, user)):
                yield literal.lineno, word


def hits_in_text(text: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each type in a file that is not Python."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in sorted(set(re.findall(r"[a-z0-9_]+", line)) & (names - ORDINARY)):
            yield number, word


def names_by_file(names: set[str]) -> dict[str, list[str]]:
    """Return the lines that name a type, by file of the core."""
    by_file = {}
    for path in sorted(CORE.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        search = hits_in_python if path.suffix == ".py" else hits_in_text
        hits = [f"line {line}: {name}" for line, name in search(path.read_text("utf-8"), names)]
        if hits:
            by_file[path.relative_to(CORE).as_posix()] = hits
    return by_file


def test_the_core_names_components_only_in_allowed_files():
    hits = names_by_file(names_of_types())
    assert {file: hits_of_file for file, hits_of_file in hits.items() if file not in ALLOWED} == {}
    assert sorted(ALLOWED) == sorted(ALLOWED.keys() & hits)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('registry.find("layer", "dense")', ["dense"]),
        ('f"take {a} such as softmax"', ["softmax"]),
        ('"""softmax"""', []),
        ('def f():\n    """softmax"""\n    x = 1\n    """Of softmax."""', []),
        ('"categories"\nx = "ones and zeros"', []),
        ('registry.find("schedule", "constant")', ["constant"]),
        ('if "constant" == schedule.type: ...', ["constant"]),
        ('if schedule.type in ("constant", "step"): ...', ["constant", "step"]),
        ('if strategy in ("constant", "step"): ...', []),
        ('x = {"type": "constant", "value": 3}', ["constant"]),
        ('x = dict(type="linear")', ["linear"]),
        ('has = "step" in registry.types("schedule")', ["step"]),
    ],
)
def test_the_search_finds_only_names_of_types(code, words):
    names = {"dense", "softmax", "constant", "ones", "zeros", "linear", "step"}
    assert [name for _, name in hits_in_python(code, names)] == words


def test_the_search_reads_words_in_other_files():
    assert list(hits_in_text("a\nb.dense { }\nconstant", {"dense", "constant"})) == [(2, "dense")]
