"""Profiles of a table's columns and target."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import declnet
from declnet import DataArgument, DataError, odd_cells
from declnet_plugins.new.profile import column_profile
from declnet_plugins.new.profiling import TableChoices, profile_of


@pytest.fixture
def profile(tmp_path):
    """Return a function that profiles a CSV file with the given text."""

    def describe(text):
        (tmp_path / "t.csv").write_text(text)
        registry = declnet.default_registry()
        choices = TableChoices(targets=("y",))
        return profile_of(DataArgument(tmp_path / "t.csv", registry), tmp_path, choices)

    return describe


def test_columns_are_described_by_their_values(profile):
    table = profile("row,x,word,y\n1,0.5,a,0\n2,inf,,1\n3,,a,0\n4,1.5,b,1\n")
    assert list(table.columns) == ["row", "x", "word", "y"]
    assert [column.name for column in table.features] == ["row", "x", "word"]
    row, x, word, y = table.columns.values()
    assert (row.type, row.counts_rows, row.whole, row.mean) == ("integer", True, True, 2.5)
    assert (x.type, x.missing, x.present, x.infinite, x.whole) == ("number", 1, 3, 1, False)
    assert (x.mean, x.std, x.distinct) == (1.0, 0.5, 3)
    assert (word.type, word.missing, word.distinct, word.mean) == ("text", 1, 2, 0.0)
    assert (y.counts_rows, y.rows) == (False, 4)
    assert (table.target, table.task, table.rows, table.unlabeled) == ("y", "binary", 4, 0)
    assert table.source == {"type": "csv", "path": "t.csv", "target": "y"}


def test_a_profile_says_how_values_are_distributed():
    text = column_profile("t", np.array(["b", "a", None, "a b", "b"], object))
    assert list(text.counts.items()) == [("b", 2), ("a", 1), ("a b", 1)]
    assert (text.words, text.most_words, text.distinct, text.missing) == (1.25, 2, 3, 1)
    whole = column_profile("w", np.array([3.0, 1.0, np.nan, 3.0]))
    assert (whole.counts, whole.smallest) == ({3.0: 2, 1.0: 1}, 1)
    assert column_profile("f", np.array([0.5, 1.0])).counts == {}
    amounts = np.exp(np.linspace(-3, 3, 200))
    prices = column_profile("p", amounts)
    expected = np.mean((amounts - amounts.mean()) ** 3) / amounts.std() ** 3
    assert prices.skewness == pytest.approx(expected)
    assert prices.log_skewness == pytest.approx(0, abs=1e-9)
    assert column_profile("n", amounts - 1).log_skewness is None
    for constant in (np.full(3, 0.1), np.array([]), np.array([np.inf])):
        assert column_profile("c", constant).skewness == 0
    assert np.isfinite(column_profile("h", np.array([1e300, 0, 0])).skewness)


def test_skewed_counts_are_numbers_and_codes_of_classes_are_not():
    rng = np.random.default_rng(0)

    def holds_counts(values):
        return column_profile("y", np.asarray(values)).holds_counts

    overdispersed = np.minimum(rng.poisson(np.exp(rng.normal(0, 0.6, 500))), 8)
    for counts in (rng.poisson(1.5, 300), 1 + rng.poisson(3, 300), overdispersed):
        assert holds_counts(counts)
    codes = {
        "uniform": rng.integers(0, 10, 500),
        "ratings": np.clip(rng.normal(7, 1.5, 500).round(), 1, 10).astype(int),
        "few": rng.poisson(0.3, 300),
        "two peaks": np.repeat(np.arange(1, 8), [300, 20, 9, 150, 40, 10, 3]),
        "a frequent last one": np.repeat(np.arange(6), [200, 150, 100, 70, 50, 40]),
        "booleans": rng.random(100) < 0.1,
    }
    assert [name for name, values in codes.items() if holds_counts(values)] == []
    assert not holds_counts(np.repeat([0, 1, 2, 3, 4, 10**9], [50, 20, 9, 5, 3, 1]))


def test_flags_with_gaps_are_text_and_a_copy_of_the_target_is_named(profile):
    numbers = np.random.default_rng(0).poisson(2.0, 200)
    rows = [
        f"{y + y % 3 / 100},{['true', 'False', ''][row % 3]},{y}" for row, y in enumerate(numbers)
    ]
    table = profile("\n".join(["near,flag,y", *rows]))
    assert (table.task, table.source["types"]) == ("values", {"flag": "text"})
    assert table.columns["flag"].counts == {"true": 67, "False": 67}
    assert list(table.revealing) == ["near"]
    assert table.revealing["near"].startswith('alone predicts the target "y": their correlation is')


def test_copies_are_noted_unless_rows_are_equal_by_chance_or_classes_too_small(profile):
    rng = np.random.default_rng(0)

    def has_copies(rows, y):
        lines = [f"{at},{row},{label}" for at, (row, label) in enumerate(zip(rows, y, strict=True))]
        return profile("\n".join(["id,a,b,y", *lines])).has_copies

    rows = [
        f"{a:.3f},{b}" for a, b in zip(rng.normal(size=90), rng.integers(0, 40, 90), strict=True)
    ]
    assert has_copies(rows + rows[:10], ["x", "y"] * 50)
    assert not has_copies(rows, ["x", "y"] * 45)
    assert not has_copies(rows + rows[:10], ["x"] * 93 + ["y"] * 7)
    chance = [f"{a},{b}" for a, b in rng.integers(0, 4, (100, 2))]
    assert not has_copies(chance, ["x", "y"] * 50)


def test_rows_without_a_target_are_left_out(profile):
    table = profile("x,y\n9,a\n1,\n2,b\n3,b\n4,a\n")
    assert (table.rows, table.unlabeled) == (4, 1)
    assert table.columns["x"].distinct == 4
    assert table.source["missing_target"] == "leave_out"


ODD = "is left out: row 1 is [1]: a column holds either numbers, or booleans, or text"


def test_columns_of_unsupported_values_are_left_out_with_a_note(tmp_path):
    registry = declnet.default_registry()
    rows = [{"size": row, "tags": [1], "kind": "ab"[row % 2]} for row in range(40)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    table = profile_of(DataArgument(path, registry), tmp_path, TableChoices(targets=("kind",)))
    assert (list(table.columns), table.excluded) == (["size", "kind"], ("tags",))
    assert {name: note.text for name, note in table.notes.items()} == {"tags": ODD}
    table = profile_of(
        DataArgument(path, registry), tmp_path, TableChoices(targets=("kind",), exclude=("tags",))
    )
    assert (table.excluded, table.notes) == (("tags",), {})
    for choices in (
        TableChoices(targets=("tags",)),
        TableChoices(targets=("kind",), features=("size,tags",)),
    ):
        with pytest.raises(DataError, match="^" + re.escape(f'column "tags" {ODD}')):
            profile_of(DataArgument(path, registry), tmp_path, choices)


@pytest.mark.parametrize(("numbers", "odd"), [(5, ["?"]), (4, [])])
def test_one_text_in_six_different_cells_is_odd_and_one_in_five_is_not(numbers, odd):
    assert odd_cells([*map(str, range(numbers)), "?"], ".") == odd
