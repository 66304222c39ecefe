"""Large tables: the spec is based on a sample of all rows, and reads them in parts."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

import declnet
from declnet import DataArgument, check_spec, load_spec
from declnet_plugins.new import profiling
from declnet_plugins.new.command import new
from declnet_plugins.new.profiling import TableChoices, profile_of

ROWS, ODD, RARE = 3000, 2500, 1202


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A CSV file that counts as large, with an odd cell, a rare class and rows without a class."""
    monkeypatch.setattr(profiling, "LARGE", 1000)
    monkeypatch.setattr(profiling, "SAMPLED", 600)
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=ROWS), rng.normal(size=ROWS).round(3).astype(str)
    weights[ODD - 1] = "heavy"
    kinds = np.where(x > 0, "high", "low")
    kinds[RARE - 1] = "rare"
    kinds[::10] = ""
    lines = (
        f"{n},{a:.3f},{w},{kind}"
        for n, (a, w, kind) in enumerate(zip(x, weights, kinds, strict=True))
    )
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["id,x,weight,kind", *lines, ""]))
    return path


def profile(path, **choices):
    argument = DataArgument(path, declnet.default_registry())
    return profile_of(argument, path.parent, TableChoices(targets=("kind",), **choices))


def test_the_sample_represents_all_rows(large):
    pytest.importorskip("polars")
    table = profile(large)
    sample = table.sampling.table
    assert len(sample) == sum(row % 10 != 1 for row in sample.row_numbers) <= 600
    assert max(sample.row_numbers) > ROWS - 100
    assert np.median(sample.row_numbers) == pytest.approx(ROWS / 2, rel=0.2)
    assert table.rows == pytest.approx(0.9 * ROWS, rel=0.1)
    assert table.columns["id"].counts_rows
    assert table.notes["weight"].text.startswith(f'is read as text, because row {ODD} is "heavy"')
    assert table.columns["weight"].type == "text"
    classes = table.columns["kind"].counts
    assert sum(classes.values()) == 0.9 * ROWS
    assert (sorted(classes), classes["rare"]) == (["high", "low", "rare"], 1)
    assert (table.streams, table.folds) == (True, 1)
    assert not profile(large, folds=3).streams


def test_a_file_that_cannot_be_read_in_blocks_is_sampled_too(large):
    packed = large.with_name("t.csv.gz")
    packed.write_bytes(gzip.compress(large.read_bytes()))
    table = profile(packed)
    assert (table.sampling.rows, table.streams) == (ROWS, False)


def test_the_spec_reads_the_table_in_parts(large, monkeypatch, capsys):
    pytest.importorskip("polars")
    monkeypatch.chdir(large.parent)
    large.write_text(large.read_text().replace("rare", "high"))  # a split may hold it out
    options = ["s.toml", "--data", "t.csv", "--target", "kind", "--exclude", "weight"]
    new.main(options, standalone_mode=False)
    notes = capsys.readouterr().err
    assert "the table has 3,000 rows in 0 MB; " in notes
    assert re.search(r"training takes roughly \d+ (s|min) for \d+ epochs, .* and 0\.\d GB", notes)
    spec = load_spec("s.toml")
    assert spec.data.stream is not None
    assert check_spec(spec).errors == ()
    new.main([*options, "--folds", "2", "--force"], standalone_mode=False)
    assert "folds take all rows in memory" in capsys.readouterr().err
    assert load_spec("s.toml").data.stream is None
