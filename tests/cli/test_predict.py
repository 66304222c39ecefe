"""`declnet predict` on the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import declnet

COLUMNS = ["prediction", "probability_aster", "probability_lily, tall", "probability_rose"]


@pytest.fixture
def expected(flowers):
    """Return the model's predictions on the run's own table, computed in Python."""
    predictor = declnet.load_predictor(flowers.run)
    return predictor.predict([{"colour": row["colour"], **numbers(row)} for row in flowers.rows])


def numbers(row):
    missing = ("", "NA")
    return {key: None if row[key] in missing else float(row[key]) for key in ("length", "width")}


def read(text):
    rows = list(csv.reader(text.splitlines()))
    return rows[0], [row[0] for row in rows[1:]], np.array([row[1:] for row in rows[1:]], float)


def test_a_table_goes_in_and_classes_with_probabilities_come_out(flowers, declnet_cli, expected):
    header, said, probabilities = read(declnet_cli.succeeds("predict", flowers.run, flowers.table))
    assert header == COLUMNS
    assert said == expected.prediction.tolist()
    assert np.array_equal(probabilities.astype(np.float32), expected.probabilities)
    right = [row["kind"] for row in flowers.rows]
    assert np.mean(np.array(said) == right) > 0.8


def test_the_output_has_the_form_of_its_name(flowers, declnet_cli, tmp_path, expected):
    polars = pytest.importorskip("polars", reason="the extra data is not installed")
    for name in ("p.csv", "p.jsonl", "p.npy", "p.parquet"):
        out = declnet_cli.succeeds("predict", flowers.run, flowers.table, "-o", name)
        assert out.startswith(f"{name}: 120 predictions, ")
    said, probabilities = expected.prediction.tolist(), expected.probabilities
    outputs = np.load(tmp_path / "p.npy")
    assert outputs.dtype == np.float32
    assert np.array_equal(outputs, expected.outputs)
    frame = polars.read_parquet(tmp_path / "p.parquet")
    assert frame.columns == COLUMNS
    assert frame["prediction"].to_list() == said
    assert np.array_equal(frame.select(COLUMNS[1:]).to_numpy(), probabilities)
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text("utf-8").splitlines()]
    assert [list(line) for line in lines] == [COLUMNS] * 120
    assert [line["prediction"] for line in lines] == said
    found = np.array([[line[name] for name in COLUMNS[1:]] for line in lines])
    assert np.array_equal(found.astype(np.float32), probabilities)
    assert read((tmp_path / "p.csv").read_text("utf-8"))[1] == said


def test_parquet_goes_in(flowers, declnet_cli, tmp_path):
    polars = pytest.importorskip("polars", reason="the extra data is not installed")
    if "parquet" not in declnet.default_registry().types("data_source"):
        pytest.skip("no data source parquet is installed")
    frame = polars.read_csv(flowers.table, null_values=["NA", ""])
    frame.write_parquet(tmp_path / "flowers.parquet")
    from_csv = declnet_cli.succeeds("predict", flowers.run, flowers.table)
    assert declnet_cli.succeeds("predict", flowers.run, "flowers.parquet") == from_csv


def test_order_and_additional_columns_do_not_matter(flowers, declnet_cli, tmp_path):
    with (tmp_path / "new.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["comment", "width", "colour", "length"])
        writer.writerows(["?", r["width"], r["colour"], r["length"]] for r in flowers.rows)
    all_of_it = declnet_cli.succeeds("predict", flowers.run, flowers.table)
    assert declnet_cli.succeeds("predict", flowers.run, "new.csv") == all_of_it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("length,width\n1,2\n", 'there is no column "colour"'),
        ("length,width,color\n1,2,red\n", 'did you mean "color"?'),
        (
            "length,width,colour\n1,2,red\n1,wide,red\n",
            'new.csv: row 2, column "width": "wide" is no number',
        ),
        ("length,width,colour\n1,2,red\n1,inf,red\n", 'row 2, column "width" is infinite'),
        ("length,width,colour\n1,2\n", "row 1 has 2 cells"),
        ("length,width,colour\n", "has a header, but no rows"),
        ("", "is empty"),
    ],
)
def test_a_wrong_table_is_told_at_its_row_and_column(text, message, flowers, declnet_cli, tmp_path):
    (tmp_path / "new.csv").write_text(text)
    done = declnet_cli("predict", flowers.run, "new.csv", "-o", "out.csv")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: new.csv: ")
    assert message in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["new.csv"]


def test_the_stored_preparation_treats_gaps_and_unknown_categories(flowers, declnet_cli, tmp_path):
    """Gaps are filled as in training; an unseen color matches no known category."""
    (tmp_path / "new.csv").write_text("length,width,colour\n,NA,\n1,2,mauve\n")
    _, said, probabilities = read(declnet_cli.succeeds("predict", flowers.run, "new.csv"))
    predictor = declnet.load_predictor(flowers.run)
    x = predictor.preparation.apply(
        {
            "length": np.array([np.nan, 1.0]),
            "width": np.array([np.nan, 2.0]),
            "colour": np.array([None, "mauve"], object),
        }
    )
    assert predictor.preparation.feature_names[1:4] == (
        "colour=blue",
        'colour=dark "red", spotted',
        "colour=red",
    )
    assert np.array_equal(x[1, 1:4], [0, 0, 0])
    assert sum(x[0, 1:4]) == 1
    outputs = predictor.model.predict(x)
    assert np.array_equal(probabilities.astype(np.float32), outputs)
    assert len(said) == 2


def test_nothing_is_overwritten_unless_forced(flowers, declnet_cli, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    done = declnet_cli("predict", flowers.run, flowers.table, "-o", "out.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: out.csv: it exists already; nothing was written (--force overwrites it)\n"
    )
    assert (tmp_path / "out.csv").read_text() == "mine"
    declnet_cli.succeeds("predict", flowers.run, flowers.table, "-o", "out.csv", "--force")
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("prediction,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "none/out.csv"], "none/out.csv: there is no folder none; make it first"),
        (["-o", "folder"], "folder: in which form? Its name ends in none of .csv, .jsonl, .npy"),
        (["-o", "folder", "--format", "csv"], "folder: is a folder; name a file"),
        (["--format", "npy"], "npy cannot be written to standard output; name a file with -o"),
    ],
)
def test_an_output_that_cannot_be_is_refused(arguments, message, flowers, declnet_cli, tmp_path):
    (tmp_path / "folder").mkdir()
    done = declnet_cli("predict", flowers.run, flowers.table, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.csv", "none.csv: there is no such file"),
        (
            "table.xlsx",
            "table.xlsx: no installed data source reads such files (its name must end in .csv, "
            ".csv.gz, .npy, .npz, .parquet, .tsv, .tsv.gz)",
        ),
        ("x.npy", "x.npy: the model was trained on a table, so its columns are needed by name"),
    ],
)
def test_an_input_that_cannot_be_is_refused(name, message, flowers, declnet_cli, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    (tmp_path / "table.xlsx").touch()
    done = declnet_cli("predict", flowers.run, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_folder_that_is_no_run_is_refused(declnet_cli, tmp_path):
    done = declnet_cli("predict", ".", "x.csv")
    assert done.returncode == 2
    assert "this is not a run's folder" in done.stderr


@pytest.fixture
def array_run(document, blobs, tmp_path):
    """A run on arrays without a preparation, and its model's outputs."""
    result = declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    return result.directory, result.model.predict(blobs[0])


def test_arrays_go_in_for_a_model_of_arrays(array_run, declnet_cli, tmp_path, blobs):
    directory, outputs = array_run
    np.save(tmp_path / "x.npy", blobs[0])
    np.savez_compressed(tmp_path / "new.npz", x=blobs[0])
    for name in ("x.npy", "new.npz"):
        header, said, probabilities = read(declnet_cli.succeeds("predict", directory, name))
        assert header == ["prediction", "probability_0", "probability_1", "probability_2"]
        assert said == [str(each) for each in outputs.argmax(axis=1)]
        assert np.array_equal(probabilities, outputs)


def test_a_table_of_as_many_numbers_serves_for_a_model_of_arrays(
    array_run, declnet_cli, tmp_path, blobs
):
    directory, outputs = array_run
    lines = ["a,b", *(f"{first!r},{second!r}" for first, second in blobs[0].tolist())]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    assert np.array_equal(read(declnet_cli.succeeds("predict", directory, "x.csv"))[2], outputs)
    (tmp_path / "x.csv").write_text("a,b,c\n1,2,3\n")
    done = declnet_cli("predict", directory, "x.csv")
    assert done.returncode == 2
    assert "samples of 2 numbers, but the table has 3 columns" in done.stderr


def test_an_array_of_another_shape_or_with_gaps_is_refused(array_run, declnet_cli, tmp_path):
    directory, _ = array_run
    np.save(tmp_path / "x.npy", np.zeros((4, 3)))
    done = declnet_cli("predict", directory, "x.npy")
    assert "x.npy: the model takes samples of shape (2,)" in done.stderr
    np.save(tmp_path / "x.npy", np.array([[0, 0], [1, np.nan]]))
    done = declnet_cli("predict", directory, "x.npy")
    assert done.stderr == "error: x.npy: sample 2 has a number that is NaN or infinite\n"
    assert done.returncode == 2


PEAK = """
import re, sys
import declnet_standard.data.csv_polars as csv_polars
csv_polars.PIECE = 1 << 20
from declnet.cli.main import command
command.main(["predict", *sys.argv[1:], "--force"], standalone_mode=False)
print(*re.findall(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read()))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read peaks from")
def test_memory_does_not_grow_with_the_file(flowers, tmp_path):
    """Both tables exceed one read; the longer one by 80 MB.

    What is read at once is made small here, so that these tables may be small, too.
    """
    row = f"1.2345678901234567,red,2.345678901234567,{'a comment ' * 36}\n"
    peaks = []
    for count in (100_000, 300_000):
        with (tmp_path / "big.csv").open("w") as file:
            file.write("length,colour,width,comment\n")
            file.writelines(row for _ in range(count))
        arguments = [flowers.run, tmp_path / "big.csv", "-o", tmp_path / "out.csv"]
        python = [sys.executable, "-c", PEAK, *map(str, arguments)]
        done = subprocess.run(python, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.splitlines()[-1]) // 1024)
        with (tmp_path / "out.csv").open() as file:
            assert sum(1 for _ in file) == count + 1
    assert peaks[1] - peaks[0] < 50
