"""Tables on the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def spec(tmp_path, spec_file, document):
    rows = "".join(f"{row / 7},{'red' if row % 2 else ''},{row},k{row % 3}\n" for row in range(30))
    (tmp_path / "table.csv").write_text("size,colour,patient,kind\n" + rows)
    document["data"] = {
        "train": {"type": "csv", "path": "table.csv", "target": "kind"},
        "validation": 0.2,
        "split": {"method": "grouped", "column": "patient"},
        "prepare": ["impute", "standardize", "one_hot"],
    }
    return spec_file(document)


def test_check_shows_the_columns(declnet_cli, spec):
    out = declnet_cli.succeeds("check", spec)
    lines = [line.split() for line in out.splitlines()]
    assert ["column", "type", "serves", "as", "missing", "distinct"] in lines
    assert ["size", "number", "feature", "0", "30"] in lines
    assert ["colour", "text", "feature", "15", "1"] in lines
    assert ["patient", "integer", "split", "or", "weight", "0", "30"] in lines
    assert ["kind", "text", "target", "0", "3"] in lines
    assert ["input", "(n,", "2)"] in lines


def test_check_shows_them_when_the_preparation_fails_too(declnet_cli, spec):
    done = declnet_cli("check", spec, "--set", 'data.prepare=["impute"]')
    assert done.returncode == 2
    assert "colour" in done.stdout
    assert 'error[E035]: train data: row 1, column "colour" is the text "red"' in done.stderr
    assert 'add "one_hot" or "ordinal" to data.prepare' in done.stderr


def test_wide_tables_are_cut_short(declnet_cli, spec_file, document, tmp_path):
    names = ",".join(f"c{index}" for index in range(100))
    rows = "\n".join(",".join([str(row)] * 100) for row in range(6))
    (tmp_path / "wide.csv").write_text(f"{names},y\n" + rows.replace("\n", ",a\n") + ",b\n")
    document["data"] = {"train": {"type": "csv", "path": "wide.csv", "target": "y"}}
    document["model"]["layers"][2]["units"] = 2
    out = declnet_cli.succeeds("check", spec_file(document))
    assert "… and 41 more" in out


def test_run_trains_on_it(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "out")
    assert (tmp_path / "out" / "preparation.json").is_file()


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        ('data.train.target="kinds"', "kinds", 'did you mean "kind"?'),
        ('data.split={method="grouped"}', "", "which column"),
        ('data.split={method="grouped", column="Patient"}', "", 'did you mean "patient"?'),
        ('data.prepare=["one_hott"]', "", 'did you mean "one_hot"?'),
        ("data.class_weights={k9=2.0}", "", "k0, k1, k2"),
        ('data.class_weights="balance"', "", '"balanced" or a table'),
        ("data.class_weights={k1=-1}", "", "must be a number of at least 0"),
        ('data.sample_weights="weight"', "", "there is no column"),
        ("data.test=0.9", "", "all of it"),
    ],
)
def test_faults_are_told_at_their_place(declnet_cli, spec, change, where, message):
    done = declnet_cli("check", spec, "--set", change)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--set:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error[") == 1
