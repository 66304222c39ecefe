"""`declnet evaluate` on the command line."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

import declnet


def evaluated(declnet_cli, *arguments):
    return json.loads(declnet_cli.succeeds("evaluate", *arguments, "--format", "json"))


def metrics_of(run):
    return json.loads((run / "metrics.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["test", "validation", "train"])
def test_the_runs_own_data_gives_the_runs_own_figures(name, flowers, declnet_cli):
    found = evaluated(declnet_cli, flowers.run, "--on", name)
    assert found["data"] == name
    assert found["figures"] == metrics_of(flowers.run)[name]


def test_the_test_data_comes_first(flowers, declnet_cli, document, tmp_path):
    assert evaluated(declnet_cli, flowers.run)["data"] == "test"
    declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    found = evaluated(declnet_cli, "run")
    assert (found["data"], found["figures"]) == ("train", metrics_of(tmp_path / "run")["train"])


def test_classes_are_counted_by_their_names(flowers, declnet_cli):
    found = evaluated(declnet_cli, flowers.run, "--data", flowers.table)
    assert found["data"] == str(flowers.table)
    assert found["samples"] == 120
    assert found["class_names"] == ["aster", "lily, tall", "rose"]
    said = list(
        csv.reader(declnet_cli.succeeds("predict", flowers.run, flowers.table).splitlines())
    )
    pairs = [(row["kind"], cells[0]) for row, cells in zip(flowers.rows, said[1:], strict=True)]
    names = found["class_names"]
    counts = np.array([[pairs.count((true, other)) for other in names] for true in names])
    assert found["confusion_matrix"] == counts.tolist()
    assert found["figures"]["accuracy"] == pytest.approx(counts.trace() / 120)
    for index, row in enumerate(found["by_class"]):
        assert row["class"] == names[index]
        assert row["support"] == counts[index].sum() == 40
        assert row["recall"] == pytest.approx(counts[index, index] / 40)
        assert row["precision"] == pytest.approx(counts[index, index] / counts[:, index].sum())
    f1 = np.mean([row["f1"] for row in found["by_class"]])
    assert found["figures"]["f1"] == pytest.approx(f1)


def test_text_has_the_tables(flowers, declnet_cli):
    out = declnet_cli.succeeds("evaluate", flowers.run)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "test: 30 samples"
    accuracy = metrics_of(flowers.run)["test"]["accuracy"]
    assert f"accuracy {accuracy:.4f}" in lines
    assert "class precision recall f1 support" in lines
    assert "true class as aster as lily, tall as rose" in lines
    counts = evaluated(declnet_cli, flowers.run)["confusion_matrix"]
    assert f"rose {' '.join(map(str, counts[2]))}" in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("length,width,colour\n1,2,red\n", 'there is no column "kind"'),
        ("length,width,colour,kind\n1,2,red,rose\n1,2,red,tulip\n", 'row 2: the target "kind" is'),
        ("length,width,colour,kind\n1,2,red,rose\n1,2,red,\n", 'the target "kind" is missing'),
        ("length,width,kind\n1,2,rose\n", 'there is no column "colour"'),
    ],
)
def test_a_table_that_does_not_fit_is_refused(text, message, flowers, declnet_cli, tmp_path):
    (tmp_path / "new.csv").write_text(text)
    done = declnet_cli("evaluate", flowers.run, "--data", "new.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: new.csv: ")
    assert message in done.stderr


def test_data_that_has_changed_since_is_told(flowers, declnet_cli, tmp_path):
    shutil.copytree(flowers.folder, tmp_path / "copy")
    run = tmp_path / "copy" / "run"
    spec = (run / "spec.toml").read_text("utf-8")
    (run / "spec.toml").write_text(spec.replace(str(flowers.folder), str(tmp_path / "copy")))
    table = tmp_path / "copy" / "flowers.csv"
    table.write_text(table.read_text("utf-8").replace("blue", "red"), "utf-8")
    done = declnet_cli("evaluate", run)
    assert done.returncode == 0
    assert done.stderr == "warning: the test data is not what the run saw (another hash)\n"
    table.unlink()
    done = declnet_cli("evaluate", run)
    assert done.returncode == 2
    assert "flowers.csv: there is no such file" in done.stderr


def test_values_have_errors(document, changed, declnet_cli, tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 2))
    y = x @ [3.0, -2.0] + rng.normal(0, 0.1, 50)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    layers = [{"type": "dense", "units": 1}]
    changes = {
        "model.layers": layers,
        "loss": "mean_squared_error",
        "training.metrics": ["r2"],
        "training.epochs": 30,
    }
    result = declnet.run(declnet.parse_spec(changed(document, changes)), out=tmp_path / "run")
    np.savez(tmp_path / "new.npz", x=x[:20], y=y[:20])
    found = evaluated(declnet_cli, "run", "--data", "new.npz")
    errors = result.model.predict(x[:20])[:, 0] - y[:20]
    r2 = 1 - np.square(errors).sum() / np.square(y[:20] - y[:20].mean()).sum()
    assert found["figures"]["r2"] == pytest.approx(r2)
    assert found["errors"] == pytest.approx(
        {
            "r2": r2,
            "mean_absolute_error": np.abs(errors).mean(),
            "root_mean_squared_error": np.sqrt(np.square(errors).mean()),
        }
    )
    assert "by_class" not in found
    words = declnet_cli.succeeds("evaluate", "run", "--data", "new.npz").split()
    assert words.count("r2") == 1
    assert "root_mean_squared_error" in words


def test_yes_or_no_has_two_classes(document, changed, declnet_cli, tmp_path, blobs):
    x, y = blobs[0], (blobs[1] == 1).astype(int)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    changes = {
        "model.layers": [{"type": "dense", "units": 1}, "sigmoid"],
        "loss": "binary_crossentropy",
        "training.metrics": ["binary_accuracy"],
        "training.epochs": 40,
    }
    declnet.run(declnet.parse_spec(changed(document, changes)), out=tmp_path / "run")
    found = evaluated(declnet_cli, "run")
    counts = np.array(found["confusion_matrix"])
    assert found["class_names"] == ["0", "1"]
    assert counts.sum(axis=1).tolist() == [20, 10]
    assert counts.trace() / 30 == pytest.approx(found["figures"]["binary_accuracy"])


def test_the_runs_data_and_another_file_exclude_each_other(flowers, declnet_cli):
    done = declnet_cli("evaluate", flowers.run, "--on", "test", "--data", flowers.table)
    assert done.returncode == 2
    assert "give one" in done.stderr


def test_data_that_a_program_handed_over_cannot_be_loaded_again(
    document, blobs, declnet_cli, tmp_path
):
    del document["data"]
    declnet.run(declnet.parse_spec(document), data=blobs, out=tmp_path / "run")
    done = declnet_cli("evaluate", "run")
    assert done.returncode == 2
    assert done.stderr == "error: a program handed the run's data over (name a file with --data)\n"
    np.savez(tmp_path / "again.npz", x=blobs[0], y=blobs[1])
    found = evaluated(declnet_cli, "run", "--data", "again.npz")
    assert found["figures"] == metrics_of(tmp_path / "run")["train"]
