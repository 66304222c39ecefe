"""Warnings of leakage: cases that are reported and cases that are not."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.contracts.data.table import Table
from declnet.training.checks.check import check_spec
from tests.documents import spec_document

N = 400


def warnings_of(columns, target="y", loss="mean_squared_error", units=1, **data):
    layers = [{"type": "dense", "units": units}, *(["softmax"] if units > 1 else [])]
    spec = declnet.parse_spec(
        spec_document(layers, loss, data={"prepare": ["standardize", "ordinal"], **data})
    )
    checked = check_spec(spec, None, {"train": Table(columns, target)})
    assert not checked.errors, checked.errors
    codes = ("W010", "W011", "W012")
    return [
        (warning.code, warning.message) for warning in checked.warnings if warning.code in codes
    ]


def normal(seed=0, rows=N):
    return np.random.default_rng(seed).normal(size=rows)


def text(numbers):
    return np.array([f"v{number}" for number in numbers], object)


CLASSES = {"loss": "categorical_crossentropy", "units": 3}
ordered = np.arange(N) // (N // 3 + 1)
TELLING = {
    "a copy": (normal(1), normal(1), {}),
    "another unit": (-2.54 * normal(1) + 3, normal(1), {}),
    "a near copy": (normal(1), normal(1) + 0.08 * normal(3), {}),
    "a bijection of text": (text(ordered), normal(1, 3)[ordered], {}),
    "a step of two": (np.abs(normal(1)), np.abs(normal(1)) > 1.5, {"units": 2}),
    "intervals of classes": (normal(1), np.digitize(np.sin(normal(1) * 2), [-0.3, 0.3]), CLASSES),
    "codes of classes": (text(ordered), ordered, CLASSES),
}


@pytest.mark.parametrize(("x", "y", "more"), TELLING.values(), ids=TELLING)
def test_a_feature_that_reveals_the_target_is_reported(x, y, more):
    y = text(y) if more else y
    more = {**({"loss": "categorical_crossentropy"} if more else {}), **more}
    warnings = warnings_of({"x": x, "other": normal(2), "y": y}, **more)
    assert [code for code, _ in warnings] == ["W011"]
    assert warnings[0][1].startswith('column "x" alone predicts the target "y": ')


noise = normal(3)
SILENT = {
    "a strong feature": (normal(1), normal(1) + 0.15 * noise, {}),
    "rare classes": (noise, text((noise > 2.8).astype(int)), {**CLASSES, "units": 2}),
    "overlapping classes": (normal(1), text((normal(1) + 0.2 * noise > 0).astype(int)), CLASSES),
    "unrelated": (noise, normal(1), {}),
    "an identifier of the target's order": (text(np.argsort(noise) % 300), normal(1), {}),
}


@pytest.mark.parametrize(("x", "y", "more"), SILENT.values(), ids=SILENT)
def test_columns_that_do_not_leak_are_not_reported(x, y, more):
    more = {**more, "units": len(set(y))} if more else more
    assert warnings_of({"x": x, "other": normal(2), "y": y}, **more) == []


def test_rows_of_several_data_sets_are_counted_and_named():
    half = {name: normal(seed, N // 2) for seed, name in enumerate("ab")}
    columns = {name: np.tile(column, 2) for name, column in half.items()}
    columns |= {"c": np.tile(text(np.arange(N // 2) % 7), 2), "y": normal(5)}
    warnings = warnings_of(columns, test=0.25)
    assert [code for code, _ in warnings] == ["W010"]
    assert "of 100 test rows are in the training data too" in warnings[0][1]
    words = warnings[0][1].split()
    first, second = int(words[words.index("e.g.") + 2]), int(words[-1])
    assert abs(first - second) == N // 2
    for together in ({"test": 0.25}, {"folds": 4}, {"test": 0.25, "folds": 3}):
        split = {"equal_rows_together": True}
        assert warnings_of(columns, **together, split=split) == []
    changed = {**columns, "b": columns["b"] + np.repeat([0, 1e-9], N // 2)}
    assert warnings_of(changed, test=0.25) == []


def test_gaps_are_equal_and_zeros_have_no_sign():
    a = np.tile(np.where(normal(1, N // 2) > 0, np.nan, normal(1, N // 2)), 2)
    b = np.concatenate([np.zeros(N // 2), -np.zeros(N // 2)])
    c = np.tile(normal(4, N // 2), 2)
    columns = {"a": a, "b": b, "c": c, "y": normal(5)}
    warnings = warnings_of(columns, test=0.25, prepare=["impute", "standardize"])
    assert [code for code, _ in warnings] == ["W010"]


def test_rows_that_are_equal_by_chance_are_not_duplicates():
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 3, N) for name in "abc"} | {"y": normal(5)}
    assert warnings_of(columns, test=0.25) == []
    more = {**columns, "d": np.round(normal(6), 2)}  # as are a few equal rows among many
    assert warnings_of(more, test=0.25) == []


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (np.random.default_rng(0).permutation(N) + 1000, "numbers the rows, from 1000 to 1399"),
        (text(range(N)), "has a different text in each row"),
        (np.arange(N) // 2, None),
        (np.array([f"word {number}" for number in range(N)], object), None),
        (np.array([f"2024-01-01T{n // 60:02}:{n % 60:02}" for n in range(N)], object), None),
        (np.arange(N) * 1.0, None),
    ],
)
def test_identifiers_are_reported(column, what):
    prepare = ["datetime", "standardize", "ordinal"]
    warnings = warnings_of({"id": column, "a": normal(1), "y": normal(2)}, prepare=prepare)
    expected = [] if what is None else [f'column "id" {what}, so it says nothing about other rows']
    assert [message for code, message in warnings if code == "W012"] == expected
