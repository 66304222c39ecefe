"""Files in third-party formats, from `declnet new` to `declnet evaluate`."""

import csv
import json

import numpy as np
import pytest

from ..distributions import write_distribution

SOURCES = """
from pathlib import Path
import numpy as np
from pydantic import Field
from declnet import DataError, DataInfo, Dataset, DataSource, TableSource, hookimpl

class TBL(TableSource):
    "Columns with a sign between them; the first line has their names."
    type = "tbl"
    suffixes = (".tbl", ".tbl.txt")
    path: Path = Field(description="the file")
    between: str = Field(default="|", description="cells")

    def read(self):
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror}") from None
        names, *rows = [line.split(self.between) for line in lines]
        columns = {}
        for name, cells in zip(names, zip(*rows, strict=True), strict=True):
            try:
                columns[name] = np.array(cells, float)
            except ValueError:
                columns[name] = [cell or None for cell in cells]
        yield columns

class Pile(DataSource):
    "A folder for each class, with a file for each sample: its numbers."
    type = "pile"
    reads_folders = True
    path: Path = Field(description="the folder")
    nameless: int = Field(default=0, description="files at the end that get no name")

    def describe(self):
        return DataInfo.of(*self._arrays()[:2])

    def load(self, rng):
        x, y, names = self._arrays()
        return Dataset(x, y, class_names=names)

    def input_chunks(self, rng, samples):
        yield self._arrays()[0]

    def sample_names(self):
        names = [each.relative_to(self.path).as_posix() for each in self._files()]
        return tuple(names[:len(names) - self.nameless])

    def _files(self):
        return sorted(self.path.rglob("*.txt"))

    def _arrays(self):
        files = self._files()
        names = tuple(sorted({each.parent.name for each in files}))
        x = np.stack([np.array(each.read_text("utf-8").split(), float) for each in files])
        return x, np.array([names.index(each.parent.name) for each in files]), names

class Sensor(TableSource):
    "Measurements that no file has, as from a service: warm days are in summer."
    type = "sensor"
    station: str = Field(description="where")
    days: int = Field(default=80, ge=1, description="how many")

    def read(self):
        if self.station == "moon":
            raise DataError('there is no station "moon"', path=("station",))
        days = np.arange(self.days)
        warm = 10 + 5.0 * (days % 2) + len(self.station)
        season = np.array(["winter", "summer"], object)[days % 2]
        yield {"warmth": warm, "season": season}

@hookimpl
def declnet_register(register):
    register(TBL)
    register(Pile)
    register(Sensor)
"""


@pytest.fixture(scope="module")
def formats(command_in, tmp_path_factory):
    site = tmp_path_factory.mktemp("formats")
    write_distribution(site, "declnet-formats", SOURCES, version="1.4")
    return command_in(tmp_path_factory.mktemp("work"), site)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return the path of a table with a useless column, and its kinds."""
    rng = np.random.default_rng(3)
    kinds = np.arange(90) % 3
    length, width = kinds + rng.normal(0, 0.2, 90), rng.normal(0, 5, 90) - 9 * kinds
    words = ["rose", "lily", "aster"]
    rows = [
        f"{length[at]:.3f}|{width[at]:.2f}|{['red', 'blue'][at % 2]}|{words[kinds[at]]}"
        for at in range(90)
    ]
    path = tmp_path_factory.mktemp("table") / "flowers.tbl"
    path.write_text("\n".join(["length|width|color|kind", *rows]) + "\n", encoding="utf-8")
    return path, [words[kind] for kind in kinds]


@pytest.fixture(scope="module")
def table_run(formats, table, tmp_path_factory):
    """The run of the spec that `declnet new` wrote for the table."""
    folder = tmp_path_factory.mktemp("tbl")
    spec, run = folder / "spec.toml", folder / "run"
    formats.succeeds("new", spec, "--data", table[0], "--target", "kind", "--folds", "1")
    formats.succeeds("run", spec, "--quiet", "--set", "training.epochs=60", "--out", run)
    return spec, run


def test_new_writes_a_spec_for_the_table(table, table_run):
    text = table_run[0].read_text(encoding="utf-8")
    assert 'type = "tbl"' in text
    assert 'target = "kind"' in text


def test_predict_and_evaluate_read_the_table_and_others(formats, table, table_run, tmp_path):
    path, kinds = table
    rows = list(csv.DictReader(formats.succeeds("predict", table_run[1], path).splitlines()))
    assert np.mean([row["prediction"] == kind for row, kind in zip(rows, kinds, strict=True)]) > 0.9
    lines = path.read_text(encoding="utf-8").splitlines()
    inputs = tmp_path / "inputs.TBL.txt"
    inputs.write_text("\n".join(line.rpartition("|")[0] for line in lines), encoding="utf-8")
    as_csv = tmp_path / "flowers.csv"
    as_csv.write_text(path.read_text(encoding="utf-8").replace("|", ","), encoding="utf-8")
    for file in (inputs, as_csv):
        again = formats.succeeds("predict", table_run[1], file).splitlines()
        assert list(csv.DictReader(again)) == rows
    evaluated = ("evaluate", table_run[1], "--data", path, "--format", "json")
    evaluation = json.loads(formats.succeeds(*evaluated))
    assert (evaluation["samples"], evaluation["class_names"]) == (90, ["aster", "lily", "rose"])
    assert evaluation["metrics"]["accuracy"] > 0.9


def test_a_folder_is_read_and_its_samples_keep_their_names(formats, tmp_path):
    rng = np.random.default_rng(5)
    for name, mean in (("high", 5), ("low", -5)):
        (tmp_path / "pile" / name).mkdir(parents=True)
        for number in range(20):
            text = " ".join(map(str, rng.normal(mean, 1, 3)))
            (tmp_path / "pile" / name / f"{number:02}.txt").write_text(text, "utf-8")
    document = {
        "declnet": 1,
        "data": {"train": {"type": "pile", "path": "pile"}, "positive_class": "high"},
        "model": {"layers": [{"type": "dense", "units": 1}, "sigmoid"]},
        "loss": "binary_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.1},
        "training": {"epochs": 50, "metrics": ["binary_accuracy"]},
    }
    (tmp_path / "spec.json").write_text(json.dumps(document), encoding="utf-8")
    run = tmp_path / "run"
    formats.succeeds("run", tmp_path / "spec.json", "--quiet", "--out", run)
    (tmp_path / "pile" / "low").rename(tmp_path / "low")  # "high" alone would have the label 0
    rows = list(csv.DictReader(formats.succeeds("predict", run, tmp_path / "pile").splitlines()))
    assert [row["file"] for row in rows] == [f"high/{number:02}.txt" for number in range(20)]
    assert {row["prediction"] for row in rows} == {"high"}
    evaluation = formats.succeeds("evaluate", run, "--data", tmp_path / "pile", "--format", "json")
    assert json.loads(evaluation)["metrics"]["binary_accuracy"] == 1
    document["data"]["train"]["nameless"] = 1
    (tmp_path / "spec.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "low").rename(tmp_path / "pile" / "low")
    formats.succeeds("run", tmp_path / "spec.json", "--quiet", "--out", tmp_path / "wrong")
    said = formats("predict", tmp_path / "wrong", tmp_path / "pile").stderr
    assert "sample_names() returned 39 names, but there are more samples" in said


def test_a_source_without_files_serves_every_command(formats, tmp_path):
    spec, run = tmp_path / "s.toml", tmp_path / "run"
    here = '{ type = "sensor", station = "Ulm" }'
    formats.succeeds("new", spec, "--data", here, "--target", "season", "--folds", "1")
    assert 'station = "Ulm"' in spec.read_text(encoding="utf-8")
    formats.succeeds("run", spec, "--quiet", "--set", "training.epochs=60", "--out", run)
    said = formats.succeeds("predict", run, "{ days = 3 }").splitlines()[1:]
    assert [line.split(",")[0] for line in said] == ["winter", "summer", "winter"]
    evaluation = json.loads(
        formats.succeeds("evaluate", run, "--data", "{ days = 9 }", "--format", "json")
    )
    assert (evaluation["samples"], evaluation["metrics"]["binary_accuracy"]) == (9, 1)
    done = formats("evaluate", run, "--data", '{ station = "moon" }')
    assert done.stderr == 'error: data source "sensor": there is no station "moon"\n'
    done = formats("new", spec, "--force", "--data", '{ type = "sensor" }', "--target", "season")
    assert 'error[E011]: "station" is missing' in done.stderr
