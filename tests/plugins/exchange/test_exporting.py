"""Exports of runs: translations by exact class, checks of the written file, folds in one file."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import declnet
from declnet.testing.examples import registry_with
from declnet_plugins.exchange import (
    ExportedPredictions,
    Exporter,
    ExportError,
    ExportSummary,
    Translation,
    Untranslatable,
    export,
)
from declnet_plugins.exchange.comparing import TOLERANCE, compared_predictions
from declnet_plugins.standard.layers.dense import Dense

from ...testing.right.layers import Square


@pytest.mark.parametrize("task", ["classes", "binary", "flags"])
@pytest.mark.parametrize("most", [0.5, 20.0])
@pytest.mark.parametrize(("distance", "is_tie"), [(0.5, True), (2, False)])
def test_classes_may_differ_only_where_two_are_equally_likely(task, most, distance, is_tie):
    near = most - distance * TOLERANCE * max(1, most)
    row = {"classes": [most, near, 0], "binary": [near], "flags": [near, -90, 90]}[task]
    output = SimpleNamespace(task=task, threshold=most)
    outputs, valid = np.array([row, row, [np.nan] * len(row)]), np.array([True, True, False])
    expected = ExportedPredictions(np.array(["a"] * 3, object), outputs, valid=valid)
    predictions = ExportedPredictions(np.array(["a", "b", "c"], object), outputs)
    assert compared_predictions(output, predictions, expected) == (0, not is_tie)


class Cube(Square):
    """Also y = x * x, but another class."""

    type = "cube"


class OtherDense(Dense):
    """A subclass, which may compute something else."""

    type = "other_dense"


class Sorted(Square):
    """y = x, sorted."""

    type = "sorted"

    def forward(self, x, y, state):
        np.copyto(y, np.sort(x))


class Centered(Square):
    """y = x minus the mean of the batch."""

    type = "centered"

    def forward(self, x, y, state):
        np.subtract(x, x.mean(axis=0), out=y)


def square(x):
    return x * x


def wrong_square(x):
    return x * x * 1.01


class NumpySquare(Translation):
    type = "numpy_square"
    format = "numpy"
    function: ClassVar[Any] = staticmethod(square)
    replaces = (Square,)

    def translate(self, component, site):
        return (site.writer.call(self.function, site.name, *site.inputs),)


class Reluctant(NumpySquare):
    type = "reluctant"

    def translate(self, component, site):
        raise Untranslatable("not today")


def fails(x):
    return 1 / 0


class Failing(NumpySquare):
    type = "failing"
    function: ClassVar[Any] = staticmethod(fails)


class NumpySorted(NumpySquare):
    type = "numpy_sorted"
    function: ClassVar[Any] = staticmethod(np.sort)
    replaces = (Sorted,)


class WrongSquare(NumpySquare):
    type = "numpy_wrong_square"
    function: ClassVar[Any] = staticmethod(wrong_square)
    replaces = (Square,)


class Text(Exporter):
    """Another format with Python's suffix."""

    type = "text"
    suffixes = (".py",)

    def export(self, model, path):
        path.write_text(model.name)
        return ExportSummary(())


@pytest.fixture
def trained(document, changed, tmp_path):
    """Train a small model with a layer after its first one; return the run and the registry."""

    def train(*layers, classes=(Square,)):
        registry = registry_with(list(classes))
        first, last = ({"type": "dense", "units": units} for units in (4, 3))
        stack = [first, *layers, last, "softmax"]
        values = {"model.layers": stack, "optimizer.learning_rate": 1e-5}
        spec = declnet.parse_spec(changed(document, values), registry=registry)
        declnet.run(spec, registry=registry, out=tmp_path / "run")
        return declnet.open_run(tmp_path / "run", registry)

    return train


def in_new_process(path: Path, code: str) -> str:
    program = f"import sys; sys.path.insert(0, {str(path.parent)!r}); import {path.stem} as model\n"
    program += f"{code}\nassert not any(name.startswith('declnet') for name in sys.modules)"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    ).stdout


def test_a_third_party_layer_is_written_by_its_translation(trained, tmp_path, blobs):
    run = trained("square", classes=(Square, NumpySquare))
    exported = export(run, tmp_path / "model.py")
    assert exported.samples == 30
    assert exported.difference < 1e-12
    by_name = {part.name: part for part in exported.parts}
    assert by_name['layer "square_1"'].translation == "numpy_square"
    assert by_name['layer "softmax_1"'].translation == "recorded"
    np.save(tmp_path / "x.npy", blobs[0])
    code = f"import numpy as np; p = model.predict(np.load({str(tmp_path / 'x.npy')!r}))\n"
    out = in_new_process(exported.path, f"{code}print(p['probabilities'].tolist())")
    expected = run.predictor().predict(blobs[0]).probabilities
    assert np.allclose(np.array(eval(out)), expected, atol=1e-12)


def test_components_without_a_translation_are_recorded(trained, tmp_path):
    run = trained("square", "cube", {"type": "other_dense", "units": 4},
                  classes=(Square, WrongSquare, Cube, OtherDense))  # fmt: skip
    result = export(run, tmp_path / "model.c")
    translations = {part.name: part.translation for part in result.parts}
    assert translations['layer "square_1"'] == translations['layer "cube_1"'] == "recorded"
    assert translations['layer "other_dense_1"'] == "recorded"
    assert result.difference < 1e-6


def test_a_translation_may_leave_a_component_to_the_recording(trained, tmp_path):
    run = trained("square", "sorted", classes=(Square, Reluctant, Sorted))
    parts = {part.name: part.translation for part in export(run, tmp_path / "model.py").parts}
    assert parts['layer "square_1"'] == "recorded"
    assert parts['layer "sorted_1"'] == "source"


def test_a_file_that_fails_is_removed(trained, tmp_path):
    run = trained("square", classes=(Square, Failing))
    with pytest.raises(ExportError, match="it fails on rows: ZeroDivisionError"):
        export(run, tmp_path / "model.py")
    assert not (tmp_path / "model.py").exists()


def test_all_components_that_cannot_be_written_are_reported(trained, tmp_path):
    run = trained("sorted", "centered", "sorted", classes=(Sorted, NumpySorted, Centered))
    with pytest.raises(ExportError) as error:
        export(run, tmp_path / "model.c")
    (message, hint), (other, other_hint) = error.value.reasons
    assert message.startswith('layer "sorted_1", layer "sorted_2": layer type "sorted" of ')
    assert "cannot be written: it calls np.sort, which has no form for a single sample " in message
    assert re.search(r"\(test_exporting.py, line \d+: np.copyto\(y, np.sort\(x\)\)\)$", message)
    assert hint.startswith("choose another format (numpy), or install a plugin with such")
    assert re.search(r"several samples together \(test_exporting.py, line \d+: .*mean", other)
    assert other_hint.startswith("install a plugin with such")
    assert 'format = "c" and replaces = (Centered,)' in other_hint
    assert not list(tmp_path.glob("*.c"))


def test_a_file_that_differs_is_not_written(trained, tmp_path):
    run = trained("square", classes=(Square, WrongSquare))
    (tmp_path / "model.py").write_text("kept")
    with pytest.raises(ExportError, match=r"nothing was written, .* up to 0.0"):
        export(run, tmp_path / "model.py", force=True)
    assert (tmp_path / "model.py").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"data.npz", "model.py", "run"}
    exported = export(run, tmp_path / "other.py", allow_difference=True)
    assert exported.difference > 1e-3


def test_formats_of_one_suffix_must_be_named(trained, tmp_path):
    run = trained(classes=(Square, Text))
    with pytest.raises(ExportError, match=r"several formats .*: numpy, text .*--format numpy"):
        export(run, tmp_path / "model.py")
    exported = export(run, tmp_path / "model.py", "text")
    assert exported.path.read_text() == "small"
    assert "not compared" in exported.notes[0]
    with pytest.raises(ExportError, match="no installed format has this suffix"):
        export(run, tmp_path / "model.xyz")
    with pytest.raises(ExportError, match=r"opset: unknown key .*numpy has no options"):
        export(run, tmp_path / "other.py", "numpy", {"opset": 17})


def test_a_file_is_compared_on_synthetic_rows_if_the_data_is_gone(trained, tmp_path):
    run = trained()
    (tmp_path / "data.npz").unlink()
    exported = export(run, tmp_path / "model.py")
    assert exported.samples == 16
    assert exported.difference < 1e-6
    (note,) = (note for note in exported.notes if "the run's data cannot be loaded" in note)
    assert note.endswith("; compared on synthetic rows")


def test_a_wrong_file_differs_on_synthetic_rows_too(trained, tmp_path):
    run = trained("square", classes=(Square, WrongSquare))
    (tmp_path / "data.npz").unlink()
    with pytest.raises(ExportError, match="the predictions of the file differ from declnet's"):
        export(run, tmp_path / "model.py")


def test_a_table_of_a_program_is_compared_on_synthetic_rows(flowers, tmp_path):
    """The rows have the column types, gaps and categories of the training data."""
    rows = {name: [row[name] for row in flowers.rows] for name in flowers.rows[0]}
    for name in ("length", "width"):
        rows[name] = [float(cell) if cell not in ("", "NA") else None for cell in rows[name]]
    table = declnet.as_table(rows, "kind")
    spec = json.loads(flowers.table.with_name("flowers.json").read_text("utf-8"))
    del spec["data"]["train"]
    result = declnet.run(spec, table, tmp_path / "run")
    exported = export(declnet.open_run(result.directory), tmp_path / "model.py")
    assert exported.samples == 16
    assert exported.odd_samples > 0
    assert exported.difference < 1e-6


def test_a_predictor_is_compared_on_rows_of_the_caller(trained, tmp_path):
    predictor = trained("square", classes=(Square, WrongSquare)).predictor()
    x = np.random.default_rng(0).normal(size=(30, *predictor.model.input_shape))
    with pytest.raises(ExportError, match="the predictions of the file differ from declnet's"):
        export(predictor, tmp_path / "model.py", data=x)
    exported = export(predictor, tmp_path / "model.py")
    assert exported.difference is None
    assert "the run's data is not available" in exported.notes[-1]


def test_a_predictor_of_an_ensemble_is_compared_on_a_table_of_the_caller(flowers, tmp_path):
    member = declnet.load_predictor(flowers.run).member
    rows = [row | {"length": row["length"] or None} for row in flowers.rows]
    exported = export(declnet.Predictor([member, member]), tmp_path / "model.py", data=rows)
    assert (exported.samples, exported.difference < 1e-6) == (120, True)
    with pytest.raises(declnet.DataError, match="width"):
        export(
            declnet.Predictor([member]), tmp_path / "no.py", data=[{"length": 1, "color": "red"}]
        )


def test_the_file_predicts_csv_on_the_command_line(tmp_path, document, changed):
    """The table has gaps and text; probabilities are calibrated, and classes come in sets."""
    rows = (
        f"{n % 3 + n % 7 / 9 if n % 9 else ''},{('red', '')[n % 2]},{'abc'[n % 3]}\n"
        for n in range(120)
    )
    (tmp_path / "rows.csv").write_text("size,color,kind\n" + "".join(rows))
    source = {"type": "csv", "path": str(tmp_path / "rows.csv"), "target": "kind"}
    prepare = ["impute", "standardize", {"type": "one_hot", "missing": "zeros"}]
    data = {"train": source, "validation": 0.4, "prepare": prepare}
    steps = {"steps": ["temperature", {"type": "conformal", "coverage": 0.8}]}
    spec = declnet.parse_spec(changed(document, {"data": data, "calibration": steps}))
    declnet.run(spec, out=tmp_path / "run")
    run = declnet.open_run(tmp_path / "run")
    assert export(run, tmp_path / "model.py").difference < 1e-12
    (tmp_path / "new.csv").write_text("color,size\nred,0.5\n,\nblue,2\n")
    command = [sys.executable, tmp_path / "model.py", tmp_path / "new.csv"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    printed_rows = list(csv.DictReader(io.StringIO(printed)))
    expected = run.predictor().predict({"size": [0.5, None, 2.0], "color": ["red", None, "blue"]})
    assert [row["prediction"] for row in printed_rows] == expected.prediction.tolist()
    probabilities = [[float(row[f"probability_{kind}"]) for kind in "abc"] for row in printed_rows]
    np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-12)
    sets = [[row[f"sets_{kind}"] == "True" for kind in "abc"] for row in printed_rows]
    assert sets == expected.sets.tolist()
