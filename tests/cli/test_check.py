"""`declnet check` and `declnet explain`."""

from __future__ import annotations

import json
import textwrap

import pytest

from declnet.codes.catalogue import catalogue

from .conftest import rows


@pytest.mark.parametrize(
    ("override", "code", "column"),
    [
        ("optimizer={type = 'sgd', momentun = 1}", "E010", 26),
        ("model.layers.2={type = 'dense', units = 2}", "E040", 41),
        ("seed=" + "9" * 5000, "E012", 6),
    ],
)
def test_an_override_error_has_its_place(refused, document, spec_file, override, code, column):
    said = refused("check", spec_file(document), "--set=training.log_every=1", "--set", override)
    assert said.startswith(f"error[{code}]: ")
    assert f"\n --> --set:2:{column}\n" in said


@pytest.fixture
def table(tmp_path, spec_file, document):
    """A spec of a table with a column of each role."""
    rows = "".join(f"{row / 7},{'red' if row % 2 else ''},{row},k{row % 3}\n" for row in range(30))
    (tmp_path / "table.csv").write_text("size,color,patient,kind\n" + rows)
    document["data"] = {
        "train": {"type": "csv", "path": "table.csv", "target": "kind"},
        "validation": 0.2,
        "split": {"method": "grouped", "column": "patient"},
        "prepare": ["impute", "standardize", "one_hot"],
    }
    return spec_file(document)


def test_columns_are_shown_when_the_preparation_fails_too(declnet_cli, table):
    done = declnet_cli("check", table, "--set", 'data.prepare=["impute"]')
    assert done.returncode == 2
    assert ["color", "text", "feature", "15", "1"] in rows(done.stdout)
    assert 'error[E035]: train data: row 1, column "color" is the text "red"' in done.stderr
    assert 'add "one_hot", "ordinal", "signed_one_hot" or "tokenize" to data.prepare' in done.stderr


def test_wide_tables_are_cut_short(declnet_cli, spec_file, document, tmp_path):
    names = ",".join(f"c{index}" for index in range(100))
    lines = "\n".join(",".join([str(row)] * 100) for row in range(6))
    (tmp_path / "wide.csv").write_text(f"{names},y\n" + lines.replace("\n", ",a\n") + ",b\n")
    document["data"] = {"train": {"type": "csv", "path": "wide.csv", "target": "y"}}
    document["model"]["layers"][2]["units"] = 2
    assert "… and 41 more" in declnet_cli.succeeds("check", spec_file(document))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("training.epochs=2", "a run uses NumPy, which takes about 0.000"),
        ("training.epochs=1000000", "a run uses compiled code, since NumPy would take about "),
        ("engine.kernels=numpy", 'a run uses NumPy: kernels = "numpy"\n'),
        ("engine.kernels=jit", 'a run uses compiled code: kernels = "jit"\n'),
    ],
)
def test_the_choice_of_kernels_is_explained(declnet_cli, document, spec_file, override, line):
    pytest.importorskip("numba", reason="the extra jit is not installed")
    assert line in declnet_cli.succeeds("check", spec_file(document), "--engine", "--set", override)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('data.split={method="grouped", column="Patient"}', 'did you mean "patient"?'),
        ("data.class_weights={k9=2.0}", "k0, k1, k2"),
        ('data.class_weights="balance"', '"balanced" or a table'),
        ("data.class_weights={k1=-1}", "must be a number of at least 0"),
        ('data.sample_weights="weight"', "there is no column"),
        ("data.test=0.9", "leaving no samples"),
    ],
)
def test_errors_about_a_table_are_reported_at_their_place(declnet_cli, table, change, message):
    done = declnet_cli("check", table, "--set", change)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--set:1" in done.stderr
    assert done.stderr.count("error[") == 1


def test_problems_as_data(declnet_cli, document, spec_file):
    document["training"]["epoch"] = 1
    changes = ("seed=-1", "model.layers.0.units=漢", "model.layers.1=linear")
    words = [word for change in changes for word in ("--set", change)]
    path = spec_file(document)
    done = declnet_cli("check", path, "--format", "json", *words)
    assert (done.returncode, done.stderr) == (2, "")
    first, *problems = json.loads(done.stdout)["problems"]
    column = path.read_text().index('"epoch"') + 1
    assert first == {
        "file": str(path),
        "line": 1,
        "column": column,
        "end_line": 1,
        "end_column": column + len('"epoch"'),
        "code": "E010",
        "severity": "error",
        "message": 'unknown key "epoch"',
        "hint": 'did you mean "epochs"?',
        "path": "training.epoch",
    }
    places = [(problem["file"], problem["line"], problem["column"]) for problem in problems[:2]]
    assert places == [("--set", 1, 6), ("--set", 2, 22)]
    assert '"units" must be an integer, not "漢"' in problems[1]["message"]
    del document["training"]["epoch"]
    done = declnet_cli("check", spec_file(document), "--format", "json", *words[4:])
    (warning,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, warning["code"], warning["severity"]) == (0, "W003", "warning")


@pytest.mark.parametrize("code", catalogue())
def test_a_code_is_reported_whole(declnet_cli, code):
    told, entry = declnet_cli.succeeds("explain", code.lower()), catalogue()[code]
    heading, text, rest = told.split("\n\n", 2)
    wrong, right = rest.removeprefix("Wrong:\n\n").split("\n\nRight:\n\n", 1)
    severity = "error" if code.startswith("E") else "warning"
    assert heading == f"{severity}[{code}]: {entry.title}"
    assert " ".join(text.split()) == entry.text
    assert textwrap.dedent(wrong) == entry.wrong
    assert textwrap.dedent(right) == entry.right + "\n"


@pytest.mark.parametrize(("columns", "widest"), [(50, 50), (300, 90)])
def test_prose_fits_the_terminal_and_is_never_too_wide(declnet_cli, monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = declnet_cli.succeeds("explain", "E051").split("\n\n")[1]
    assert widest - 15 < max(map(len, text.splitlines())) <= widest


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("w03", 'did you mean "W003"?'),
        ("", "`declnet explain` lists all"),
    ],
)
def test_an_unknown_code_is_refused_with_a_suggestion(refused, written, hint):
    assert f'there is no code "{written}" ({hint})' in refused("explain", written)
