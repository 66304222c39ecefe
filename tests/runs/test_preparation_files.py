"""The preparation in a run's folder."""

from __future__ import annotations

import json

import numpy as np
import pytest

import declnet
from declnet import DataSource, OutputError, load_model, parse_spec, run
from declnet.runs.preparation_files import read_preparation

RNG = np.random.default_rng(0)


@pytest.fixture
def table(tmp_path):
    """Return penguin-like data: sizes with gaps, an island, and three species to predict."""
    rng = np.random.default_rng(3)
    lines = ["bill,mass,island,year,species"]
    for row in range(120):
        species = row % 3
        bill = "" if row % 17 == 0 else f"{rng.normal(38 + 5 * species, 1.5):.1f}"
        mass = "NA" if row % 23 == 0 else f"{rng.normal(3500 + 900 * (species == 1), 250):.0f}"
        island = ("Biscoe", "Dream", "Torgersen", "")[rng.integers(0, 4)]
        name = ("Adelie", "Chinstrap penguin", "Gentoo")[species]
        lines.append(f"{bill},{mass},{island},{2007 + row % 3},{name}")
    path = tmp_path / "penguins.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def trained(document, table, tmp_path):
    document["data"] = {
        "train": {"type": "csv", "path": str(table), "target": "species"},
        "validation": 0.2,
        "test": 0.2,
        "split": {"method": "stratified"},
        "prepare": ["impute", "standardize", "one_hot"],
    }
    document["training"] |= {"epochs": 60, "batch_size": 16}
    document["optimizer"] = {"type": "adam", "learning_rate": 0.01}
    out = tmp_path / "out"
    return run(parse_spec(document), out=out), out


def test_a_table_is_learned(trained):
    result, _ = trained
    assert result.metrics["test"]["accuracy"] > 0.9
    assert len(result.history) == 60


def test_other_data_goes_through_what_was_fitted(trained, table):
    result, out = trained
    preparation = read_preparation(out)
    assert preparation.class_names == ("Adelie", "Chinstrap penguin", "Gentoo")
    assert preparation.feature_names == (
        "bill",
        "mass",
        "island=Biscoe",
        "island=Dream",
        "island=Torgersen",
        "year",
    )
    model = load_model(out)
    source = DataSource.from_declaration({"type": "csv", "path": str(table)})
    hits = rows = 0
    for records in source.with_types(preparation.types).chunks(RNG, 17):
        labels = model.predict(preparation.apply(records)).argmax(axis=1)
        names = np.array(preparation.class_names)[labels]
        hits += int((names == records.columns["species"]).sum())
        rows += len(records)
    assert rows == 120
    shares = {"train": 72, "validation": 24, "test": 24}
    expected = sum(result.metrics[name]["accuracy"] * count for name, count in shares.items())
    assert hits == pytest.approx(expected)


def test_the_file_is_json_without_arrays(trained):
    _, out = trained
    document = json.loads((out / "preparation.json").read_text("utf-8"))
    assert document["form"] == 1
    assert [each["transform"]["type"] for each in document["steps"]] == [
        "impute",
        "standardize",
        "one_hot",
    ]
    assert not (out / "preparation.safetensors").exists()


def test_arrays_are_beside_it(document, blobs, tmp_path):
    document["data"] = {"prepare": ["standardize"]}
    result = run(parse_spec(document), data=blobs, out=tmp_path / "out")
    preparation = read_preparation(tmp_path / "out")
    assert (tmp_path / "out" / "preparation.safetensors").exists()
    x = preparation.apply(blobs[0])
    np.testing.assert_allclose(x, (blobs[0] - blobs[0].mean(axis=0)) / blobs[0].std(axis=0))
    accuracy = (result.model.predict(x).argmax(axis=1) == blobs[1]).mean()
    assert accuracy == pytest.approx(result.metrics["train"]["accuracy"])


def test_without_preparation_there_is_none(document, blobs, tmp_path):
    document["data"] = {}
    run(parse_spec(document), data=blobs, out=tmp_path / "out")
    assert read_preparation(tmp_path / "out") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"form": 2}', '{"form": 1}'])
def test_a_damaged_file_is_told(trained, content):
    _, out = trained
    (out / "preparation.json").write_text(content)
    with pytest.raises(OutputError, match=r"preparation\.json: cannot be read"):
        read_preparation(out)


def test_a_transform_that_is_not_installed_any_more_is_told(trained):
    _, out = trained
    registry = declnet.discover(disabled=["transforms"])
    with pytest.raises(OutputError, match="impute"):
        read_preparation(out, registry)


def test_the_same_seed_gives_the_same_bits(document, trained, tmp_path):
    result, _ = trained
    again = run(parse_spec(document))
    assert again.history == result.history


def test_the_spec_of_the_folder_trains_alike(trained):
    result, out = trained
    again = run(declnet.load_spec(out / "spec.toml"))
    assert again.history == result.history
