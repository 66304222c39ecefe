"""`declnet predict` and `declnet evaluate`."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet.cli.display.result_tables import print_evaluation

from .conftest import rows

COLUMNS = ["prediction", "probability_aster", "probability_lily, tall", "probability_rose"]


def numbers(row):
    missing = ("", "NA")
    return {key: None if row[key] in missing else float(row[key]) for key in ("length", "width")}


def read(text):
    header, *cells = csv.reader(text.splitlines())
    return header, [row[0] for row in cells], np.array([row[1:] for row in cells], float)


def test_the_input_may_be_a_data_source(flowers, declnet_cli, refused, tmp_path):
    """It is written as in a spec and takes missing keys from the training data."""
    records = [{"plant": at, **row, **numbers(row)} for at, row in enumerate(flowers.rows)]
    lines = [json.dumps({**record, "color": record["color"] or None}) for record in records]
    (tmp_path / "lines").write_text("\n".join(lines), "utf-8")
    source = '{ type = "jsonl", path = "lines" }'
    from_csv = declnet_cli.succeeds("predict", flowers.run, flowers.table)
    for data in (source, f'{{ path = "{flowers.table}" }}'):
        assert declnet_cli.succeeds("predict", flowers.run, data) == from_csv
    passed = declnet_cli.succeeds("predict", flowers.run, source, "--id", "plant").splitlines()
    assert [line.split(",")[0] for line in passed] == ["plant", *map(str, range(120))]
    by_source = evaluated(declnet_cli, flowers.run, "--data", source)
    by_name = evaluated(declnet_cli, flowers.run, "--data", flowers.table)
    assert by_source.pop("data") == 'data source "jsonl"'
    assert by_name.pop("data") == str(flowers.table)
    assert by_source == by_name
    message = refused("predict", flowers.run, '{ type = "jsonl", path = "lines", tagret = "a" }')
    assert 'unknown key "tagret"' in message
    assert "--> INPUT:1:35" in message


def test_series_that_are_too_short_are_named_and_the_others_forecast(declnet_cli, tmp_path):
    days = np.arange("2024-01-01", "2024-03-03", dtype="datetime64[D]")
    lengths = {"north": 60, "south": 50, "new": 2}
    lines = [
        f"{day},{shop},{at % 7}"
        for at, day in enumerate(days[:60])
        for shop, count in lengths.items()
        if at < count
    ]
    (tmp_path / "sales.csv").write_text("\n".join(["day,shop,sales", *lines]), "utf-8")
    (tmp_path / "spec.toml").write_text(
        """
        declnet = 1
        loss = "mean_squared_error"
        optimizer = "adam"
        training = { epochs = 1 }
        [data]
        train = { type = "csv", path = "sales.csv", target = "sales" }
        validation = 0.2
        split = { method = "time", column = "day" }
        windows = { past = 7, horizon = 2, series = "shop", known = ["day"] }
        prepare = [{ type = "datetime", columns = ["day"], parts = ["weekday"] }]
        [model]
        layers = [
          { type = "flatten", inputs = ["input.past"] },
          { type = "flatten", inputs = ["input.future"] },
          { type = "concatenate", inputs = ["flatten_1", "flatten_2"] },
          { type = "dense", units = 2 },
        ]
        """,
        "utf-8",
    )
    assert "W008" in declnet_cli("run", "spec.toml", "--out", "run", "--quiet").stderr
    result = declnet_cli("predict", "run")
    assert result.returncode == 0
    assert result.stderr == (
        'warning: 1 of 3 series is left out, "new" with 2 rows: a forecast takes 7\n'
    )
    table = list(csv.DictReader(result.stdout.splitlines()))
    assert [(row["shop"], row["day"]) for row in table] == [
        *(("north", f"{day}") for day in days[60:62]),
        *(("south", f"{day}") for day in days[50:52]),
    ]


def test_a_note_says_what_is_unlike_the_training_data(flowers, declnet_cli, tmp_path):
    lines = ["length,width,color", *["1,0,red"] * 88, *["900,0,green"] * 10, ",0,blue", ",,violet"]
    (tmp_path / "new.csv").write_text("\n".join(lines))
    done = declnet_cli("predict", flowers.run, "new.csv")
    training = json.loads((flowers.run / "preparation.json").read_text())["preparation"]["training"]
    low, high = (f"{training['length'][end]:.6g}" for end in ("low", "high"))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 101)
    assert done.stderr == (
        "note: unlike the training data, in 100 rows: "
        f'"length" has 10 outside of {low} to {high}, "color" has 11 unseen\n'
    )
    (tmp_path / "one.csv").write_text("length,width,color\n,,red\n")
    done = declnet_cli("predict", flowers.run, "one.csv")
    assert '"length" is missing in 1, "width" is missing in 1' in done.stderr


NAMES = "length,width,color"
PREDICT = ("predict", "new.csv", "-o", "out.csv")
EVALUATE = ("evaluate", "--data", "new.csv")


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (PREDICT, "length,width,colour\n1,2,red\n", 'no column "color" (did you mean "colour"?'),
        (PREDICT, f"{NAMES}\n1,2,red\n1,wide,red\n", 'row 2, column "width": "wide" is not a'),
        (PREDICT, f"{NAMES}\n1,2,red\n1,inf,red\n", 'row 2, column "width" is infinite'),
        (PREDICT, f"{NAMES}\n1,2\n", "row 1 has 2 cells"),
        (PREDICT, f"{NAMES}\n", "has a header, but no rows"),
        (PREDICT, "", "is empty"),
        (EVALUATE, f"{NAMES}\n1,2,red\n", 'there is no column "kind"'),
        (EVALUATE, f"{NAMES},kind\n1,2,red,rose\n1,2,red,tulip\n", 'row 2: the target "kind" is'),
        (EVALUATE, f"{NAMES},kind\n1,2,red,rose\n1,2,red,\n", 'the target "kind" is missing'),
        (EVALUATE, "length,width,kind\n1,2,rose\n", 'there is no column "color"'),
    ],
)
def test_a_wrong_table_is_reported_at_its_row_and_column(
    arguments, text, message, flowers, refused, tmp_path
):
    (tmp_path / "new.csv").write_text(text)
    command, *options = arguments
    said = refused(command, flowers.run, *options)
    assert said.startswith("error: new.csv: ")
    assert message in said
    assert [file.name for file in tmp_path.iterdir()] == ["new.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-o none/out.csv", "none/out.csv: there is no folder none; make it first"),
        ("-o file", "file: unknown output format; the name must end in one of .csv, .jsonl"),
        ("--format npy", "npy cannot be written to standard output; name a file with -o"),
        ("-o out.npy --id color", "npy holds the predictions alone: leave out --id"),
        (f"-o {'n' * 300}.csv", "n.csv: cannot be written: File name too long"),
        ("-o /dev/null --format csv --force", "/dev/null: not a regular file"),
        ("--threshold nan", "not a finite number"),
        ("--threshold 0.5", "a threshold needs one unit for two classes, but this model has 3"),
    ],
)
def test_an_unusable_output_is_refused(arguments, message, flowers, refused, tmp_path):
    assert message in refused("predict", flowers.run, flowers.table, *arguments.split())
    assert not [*tmp_path.iterdir()]


def test_the_input_is_never_replaced(flowers, refused, tmp_path):
    rows = shutil.copy(flowers.table, tmp_path / "rows.csv")
    refusal = refused("predict", flowers.run, "rows.csv", "-o", rows, "--force")
    assert "rows.csv: is the input; name another file with -o" in refusal
    assert rows.read_bytes() == flowers.table.read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{'n' * 300}.csv", "n.csv: cannot be read: File name too long"),
        ("table.doc", "table.doc: no installed data source reads such files (its name must end"),
        ("absent.doc", "absent.doc: there is no such file"),
        ("absent/", "absent: there is no such file or folder"),
        ("x.npy", "x.npy: the model was trained on a table, so its columns are needed by name"),
    ],
)
def test_an_unusable_input_is_refused(name, message, flowers, refused, tmp_path):
    (tmp_path / "table.doc").touch()
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    assert message in refused("predict", flowers.run, name)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_path_that_is_not_a_run_is_refused(command, refused, flowers):
    input_file = ["x.csv"] if command == "predict" else []
    for path, message in (
        (".", "this is not a run's folder"),
        (flowers.folder / "flowers.json", "this is a spec, not a run's folder (train it with"),
        (flowers.table, "this is a file, not a run's folder"),
    ):
        assert f"error: {path}: {message}" in refused(command, path, *input_file)


@pytest.fixture
def stdin(monkeypatch):
    """Replace standard input by bytes."""

    def replace(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return replace


def test_standard_input_is_read_and_identifiers_are_passed_through(
    flowers, declnet_cli, refused, stdin, monkeypatch
):
    table = b"id,length,color,width\n007,1,red,2\n,2,blue,3\n=1+1,3,red,4\n"
    for form in ("csv", "jsonl"):
        stdin(table)
        out = declnet_cli.succeeds(
            "predict", flowers.run, "-", "--id", "id", "--id", "length", "--format", form
        )
        if form == "csv":
            header, *cells = csv.reader(out.splitlines())
            assert header == ["id", "length", *COLUMNS]
            assert [row[0] for row in cells] == ["007", "", "=1+1"]
        else:
            lines = [json.loads(line) for line in out.splitlines()]
            assert [line["id"] for line in lines] == ["007", None, "=1+1"]
            assert [line["length"] for line in lines] == [1, 2, 3]
    stdin(table)
    said = refused("predict", flowers.run, "-", "--id", "idd")
    assert said == 'error: standard input: there is no column "idd" (did you mean "id"?)\n'
    stdin(table.replace(b"id,", b"prediction,"))
    said = refused("predict", flowers.run, "-", "--id", "prediction")
    assert 'the identifier "prediction" has the name of a column of predictions' in said
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("predict", flowers.run, "-") == "error: standard input: is closed\n"


def test_a_prediction_that_is_not_finite_is_an_error_with_its_row(
    flowers, declnet_cli, refused, tmp_path
):
    lines = flowers.table.read_text("utf-8").splitlines()
    lines[5] = "1e300,red,2,rose"
    (tmp_path / "new.csv").write_text("\n".join(lines), "utf-8")
    for arguments, place in (
        (["predict", flowers.run, "new.csv", "-o", "out.csv"], "row 5"),
        (["evaluate", flowers.run, "--data", "new.csv"], "row 5"),
    ):
        assert refused(*arguments) == (
            f"error: new.csv: {place}: the model's prediction is NaN or infinite "
            "(a number in it is too large for the model's float32)\n"
        )
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("classes", ["text", "integers"])
def test_rows_that_cannot_be_predicted_are_empty_in_every_format(
    classes, flowers, declnet_cli, refused, tmp_path
):
    polars = pytest.importorskip("polars", reason="the extra data is not installed")
    run = flowers.run
    if classes == "integers":
        document = json.loads((flowers.run.parent / "flowers.json").read_text("utf-8"))
        table = {name: [row[name] for row in flowers.rows] for name in ("length", "color", "width")}
        kinds = {kind: at for at, kind in enumerate(sorted({row["kind"] for row in flowers.rows}))}
        table["kind"] = [kinds[row["kind"]] for row in flowers.rows]
        polars.DataFrame(table).write_csv(tmp_path / "numbered.csv")
        document["data"]["train"]["path"] = str(tmp_path / "numbered.csv")
        run = declnet.run(declnet.parse_spec(document), out=tmp_path / "run").directory
    lines = flowers.table.read_text("utf-8").splitlines()
    for at, line in {2: "abc,red,2,rose", 5: "1e300,red,2,rose", 9: "1,red,inf,rose"}.items():
        lines[at] = line
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n", "utf-8")
    assert 'row 2, column "length": "abc"' in refused("predict", run, "new.csv", "-o", "p.csv")
    assert not (tmp_path / "p.csv").exists()
    for name in ("p.csv", "p.jsonl", "p.npy", "p.parquet"):
        done = declnet_cli("predict", run, "new.csv", "--on-error", "empty", "-o", name)
        assert done.returncode == 0
        assert done.stdout.startswith(f"{name}: 120 predictions, ")
        warning = "warning: 3 of 120 rows could not be predicted (rows 2, 5, 9)\n"
        assert done.stderr == warning
    predictor = declnet.load_predictor(run)
    good = predictor.predict([row for at, row in enumerate(flowers.rows, 1) if at not in (2, 5, 9)])
    frame = polars.read_parquet(tmp_path / "p.parquet")
    names = list(good.columns())
    assert frame.columns == [*names, "error"]
    assert frame["prediction"].dtype == (polars.Int64 if classes == "integers" else polars.String)
    empty = frame.filter(polars.col("error").is_not_null())
    assert empty.select(names).null_count().row(0) == (3,) * len(names)
    assert [text.split(":")[0] for text in empty["error"]] == [
        'row 2, column "length"', "row 5", 'row 9, column "width" is infinite'
    ]  # fmt: skip
    rest = frame.filter(polars.col("error").is_null())
    assert rest["prediction"].to_list() == good.prediction.tolist()
    text = {"error": polars.String}
    same = polars.read_csv(tmp_path / "p.csv", schema_overrides=text)
    assert same.columns == frame.columns
    assert same.cast(frame.schema).equals(frame)
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text("utf-8").splitlines()]
    assert polars.DataFrame(lines, schema_overrides=text).cast(frame.schema).equals(frame)
    outputs = np.load(tmp_path / "p.npy")
    assert np.flatnonzero(np.isnan(outputs).all(axis=1)).tolist() == [1, 4, 8]
    assert np.allclose(np.delete(outputs, [1, 4, 8], axis=0), good.outputs, rtol=1e-6)


@pytest.fixture
def array_run(document, blobs, tmp_path):
    """A run on arrays without a preparation, and its model's outputs."""
    result = declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    return result.directory, result.model.predict(blobs[0])


def test_a_model_of_arrays_takes_arrays(array_run, declnet_cli, tmp_path, blobs):
    directory, outputs = array_run
    np.save(tmp_path / "x.npy", blobs[0])
    np.savez_compressed(tmp_path / "new.npz", x=blobs[0])
    lines = ["a,b", *(f"{first!r},{second!r}" for first, second in blobs[0].tolist())]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    for name in ("x.npy", "new.npz", "x.csv"):
        header, said, probabilities = read(declnet_cli.succeeds("predict", directory, name))
        assert header == ["prediction", "probability_0", "probability_1", "probability_2"]
        assert said == [str(label) for label in outputs.argmax(axis=1)]
        assert np.array_equal(probabilities, outputs)


def test_an_array_of_another_shape_or_with_gaps_is_refused(array_run, refused, tmp_path):
    directory, _ = array_run
    np.save(tmp_path / "wide.npy", np.zeros((4, 3)))
    np.save(tmp_path / "gap.npy", np.array([[0, 0], [1, np.nan]]))
    (tmp_path / "wide.csv").write_text("a,b,c\n1,2,3\n")
    for name, message in (
        ("wide.npy", "the model takes samples of shape (2,)"),
        ("gap.npy", "sample 2 has a number that is NaN or infinite\n"),
        ("wide.csv", "the model was trained on arrays, samples of 2 numbers, but the table has"),
    ):
        assert refused("predict", directory, name).startswith(f"error: {name}: {message}")


def evaluated(declnet_cli, *arguments):
    return json.loads(declnet_cli.succeeds("evaluate", *arguments, "--format", "json"))


def metrics_of(run):
    return json.loads((run / "metrics.json").read_text("utf-8"))


def test_the_runs_data_gives_the_runs_metrics(flowers, declnet_cli, refused, document, tmp_path):
    """By default, the test data if there is any."""
    for name in ("test", "validation", "train", None):
        evaluation = evaluated(declnet_cli, flowers.run, *(("--on", name) if name else ()))
        assert evaluation["data"] == (name or "test")
        assert evaluation["metrics"] == metrics_of(flowers.run)[name or "test"]
    declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    evaluation = evaluated(declnet_cli, "run")
    assert (evaluation["data"], evaluation["metrics"]) == (
        "train",
        metrics_of(tmp_path / "run")["train"],
    )
    both = ("--on", "test", "--data", flowers.table)
    assert "cannot be combined" in refused("evaluate", flowers.run, *both)


def test_data_that_has_changed_since_is_reported(
    flowers, declnet_cli, refused, tmp_path, renew_checksums
):
    shutil.copytree(flowers.folder, tmp_path / "copy")
    run = tmp_path / "copy" / "run"
    spec = (run / "spec.toml").read_text("utf-8")
    (run / "spec.toml").write_text(spec.replace(str(flowers.folder), str(tmp_path / "copy")))
    renew_checksums(run)
    table = tmp_path / "copy" / "flowers.csv"
    table.write_text(table.read_text("utf-8").replace("blue", "red"), "utf-8")
    done = declnet_cli("evaluate", run)
    assert (done.returncode, done.stderr) == (0, "")
    warning = "warning: the test data has changed since the run (it has another hash)"
    assert warning in done.stdout.splitlines()
    table.unlink()
    assert "flowers.csv: there is no such file" in refused("evaluate", run)


def test_data_passed_by_a_program_cannot_be_loaded_again(
    document, blobs, declnet_cli, refused, tmp_path
):
    del document["data"]
    declnet.run(declnet.parse_spec(document), data=blobs, out=tmp_path / "run")
    said = refused("evaluate", "run")
    assert said == "error: the run's data came from a program (name a file with --data)\n"
    np.savez(tmp_path / "again.npz", x=blobs[0], y=blobs[1])
    evaluation = evaluated(declnet_cli, "run", "--data", "again.npz")
    assert evaluation["metrics"] == metrics_of(tmp_path / "run")["train"]


def test_the_worst_pairs_of_many_classes_are_listed(capsys):
    counts = np.diag(np.full(35, 40))
    counts[3, 8], counts[20, 1] = 7, 9
    names = tuple(f"c{index}" for index in range(35))
    print_evaluation(declnet.Evaluation("test", 1416, {"loss": 1.0}, names, counts))
    written_rows = rows(capsys.readouterr().out)
    assert written_rows[-2:] == [["c20", "c1", "9"], ["c3", "c8", "7"]]
    assert ["Most often confused"] in written_rows


PEAK = """
import re, sys
import declnet_plugins.standard.data.csv_polars as csv_polars
csv_polars.PIECE = 1 << 20
from declnet.cli.main import command
command.main(["predict", *sys.argv[1:], "--force"], standalone_mode=False)
print(*re.findall(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read()))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read peaks from")
def test_memory_does_not_grow_with_the_file(flowers, tmp_path):
    """Both tables are many times larger than one chunk; the longer one has 45 MB more."""
    row = f"1.2345678901234567,red,2.345678901234567,{'a comment ' * 36}\n"
    peaks = []
    for count in (100_000, 200_000):
        with (tmp_path / "big.csv").open("w") as file:
            file.write("length,color,width,comment\n")
            file.writelines(row for _ in range(count))
        arguments = [flowers.run, tmp_path / "big.csv", "-o", tmp_path / "out.csv"]
        python = [sys.executable, "-c", PEAK, *map(str, arguments)]
        done = subprocess.run(python, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.splitlines()[-1]) // 1024)
        with (tmp_path / "out.csv").open() as file:
            assert sum(1 for _ in file) == count + 1
    assert peaks[1] - peaks[0] < 25
