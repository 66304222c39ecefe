"""Whole models in C99: compiled with all warnings as errors, and compared on real rows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from declnet import load_spec, open_group, open_run, run
from declnet.data.sets import split_sets
from declnet_plugins.exchange import export
from declnet_plugins.exchange.predictors import exported_model
from declnet_plugins.export.c99.compiled import CompiledProgram, compiler

from ..houses import CLASSES, PREPARE, trained

GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(compiler() is None or GCC is None, reason="gcc is not installed")

SPECS = Path(__file__).parents[4] / "specs"
STRICT = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-Wconversion",
    "-Wshadow",
    "-Wdouble-promotion",
    "-Wundef",
    "-Wstrict-prototypes",
)
LARGEST = 1e-5
"""The largest difference, as a share of the largest prediction."""


SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover")


def check_built(source: Path, options: Sequence[str] = ("-O2",)) -> str:
    """Compile a file strictly, run its self-test, and return what it prints."""
    program = source.with_suffix("")
    command = [GCC, *STRICT, *options, "-DDECLNET_SELF_TEST", source, "-o", program, "-lm"]
    subprocess.run(command, check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_table_becomes_labels_and_probabilities(tmp_path):
    exported = export(trained(tmp_path), tmp_path / "houses.c")
    assert [path.name for path in exported.files] == ["houses.c", "houses.h"]
    assert exported.samples == 24  # the validation data
    assert exported.difference < LARGEST
    for options in (("-O2",), SANITIZED):
        assert "houses: 8 rows as in declnet" in check_built(tmp_path / "houses.c", options)
    header = (tmp_path / "houses.h").read_text("ascii")
    for line in (
        "    double size_m2; /* houses_columns[0], number */",
        "    const char *city; /* houses_columns[2], text */",
        "    float probabilities[3]; /* in the order of houses_classes */",
        "int houses_predict(const houses_row *row, houses_output *out);",
    ):
        assert line in header


def test_calibrated_classes_of_embedded_categories(tmp_path):
    layers = [
        {"type": "embedding", "name": "places", "units": 3, "inputs": ["input.places"]},
        {"type": "flatten", "name": "flat"},
        {"type": "concatenate", "inputs": ["input.numbers", "flat"]},
        *CLASSES,
    ]
    prepare = (
        {"type": "impute", "columns": ["size (m²)", "age"], "strategy": "median"},
        {"type": "ordinal", "unknown": "index", "missing": "unknown"},
        {"type": "min_max", "columns": ["age"]},
    )
    data = {"inputs": {"numbers": ["size (m²)", "rooms", "age"], "places": ["city", "garden"]}}
    calibration = {"steps": ["temperature", {"type": "conformal", "coverage": 0.7}]}
    stored = trained(tmp_path, layers=layers, prepare=prepare, data=data, calibration=calibration)
    exported = export(stored, tmp_path / "m.c")
    assert exported.difference < LARGEST
    assert exported.labels_differ == 0
    check_built(tmp_path / "m.c", SANITIZED)
    sets = split_sets(stored.load_data(), stored.spec.data, stored.spec.seed)
    model = exported_model(stored.predictor(), data=sets["train"])
    predicted_sets = CompiledProgram.of(tmp_path / "m.c")(model.examples)[""].sets
    np.testing.assert_array_equal(predicted_sets, model.expected[""].sets)


def test_an_error_names_the_column_that_cannot_be_predicted(tmp_path):
    prepare = ("standardize", {"type": "one_hot", "unknown": "error", "missing": "zeros"})
    stored = trained(tmp_path, prepare=(PREPARE[1], *prepare))
    export(stored, tmp_path / "m.c")
    predict = CompiledProgram.of(tmp_path / "m.c")
    row = {"size (m²)": 70.0, "rooms": 3, "city": "Ulm", "garden": True, "age": np.nan}
    predict({name: [cell] for name, cell in row.items()})
    for name, value, error in (
        ("rooms", np.nan, ("MISSING", 1)),
        ("city", "Rom", ("UNKNOWN_CATEGORY", 2)),
        ("garden", 2, ("OUT_OF_RANGE", 3)),
        ("age", np.inf, ("OUT_OF_RANGE", 4)),
        ("size (m²)", 1e300, ("OUT_OF_RANGE", 0)),
        ("city", " Ulm\t ", ("OK", -1)),
    ):
        predicted = predict({key: [value if key == name else cell] for key, cell in row.items()})
        assert predict.errors == [error]
        assert predicted[""].valid.tolist() == [error[0] == "OK"]


def test_the_files_compile_for_a_microcontroller_and_as_cpp(tmp_path):
    export(trained(tmp_path), tmp_path / "m.c", options={"numbers": "float", "prefix": "houses"})
    small = ("-Os", "-ffreestanding", "-fstack-usage", "-c", "-o", tmp_path / "m.o")
    subprocess.run([GCC, *STRICT, *small, tmp_path / "m.c"], check=True)
    stack = [int(line.split()[1]) for line in (tmp_path / "m.su").read_text().splitlines()]
    assert max(stack) < 400
    source = (tmp_path / "m.c").read_text()
    assert "double" not in source.split("#if defined")[0]
    static = re.findall(r"^\s*static (?!const)(?!.*\()(.*)$", source, re.MULTILINE)
    assert static == ["houses_workspace memory;"]  # each thread may have a workspace
    symbols = subprocess.run(
        ["nm", "-u", tmp_path / "m.o"], capture_output=True, text=True, check=True
    )
    assert set(symbols.stdout.split()) <= {"U", "expf", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}
    if shutil.which("g++"):
        (tmp_path / "use.cpp").write_text(
            '#include "m.h"\nint use(const houses_row &row) { houses_output out; '
            "return houses_predict(&row, &out) == HOUSES_OK ? out.label : -1; }\n"
        )
        subprocess.run(
            ["g++", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", tmp_path / "use.cpp"],
            check=True, cwd=tmp_path,
        )  # fmt: skip


def test_weighted_members_with_dates_texts_and_gaps_are_one_file(tmp_path):
    """Members have separate inputs and preparation, as `declnet new` writes them."""
    rng = np.random.default_rng(0)
    words = np.array(["good", "Café", "café", "not", "don't", "bad", "?", "Ärger"])
    lines = ["note,sold,city,size,price"]
    for row in range(90):
        note, city = (
            " ".join(rng.choice(words, rng.integers(1, 9))),
            ["Ulm", "", "K\u00f6ln"][row % 3],
        )
        sold = (
            "" if row % 9 == 4 else f"{row % 28 + 1} {['Feb', 'March'][row % 2]} 20{10 + row % 9}"
        )
        size = "" if row % 7 == 3 else f"{rng.normal(80, 20):.2f}"
        lines.append(f"{note},{sold},{city},{size},{rng.normal(100, 30):.2f}")
    (tmp_path / "t.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    train = {"type": "csv", "path": str(tmp_path / "t.csv"), "target": "price"}
    others = [
        {"type": "datetime"},
        {"type": "one_hot", "columns": ["city"], "missing": "zeros"},
        {"type": "impute", "columns": ["sold", "size"]},
        {"type": "standardize", "columns": ["sold", "size"]},
    ]
    tokens = {"type": "tokenize", "columns": ["note"], "min_count": 1, "missing": "empty"}
    tokens |= {"ngrams": 2, "weights": "tf_idf", "length": 6}
    texts = {"type": "embedding_bag", "units": 3, "inputs": ["input.texts", "input.texts_weights"]}
    numbers = {"type": "concatenate", "inputs": ["input.rest", "embedding_bag_1"]}
    bag = {
        "name": "bag",
        "weight": 3.0,
        "data": {
            "inputs": {"texts": ["note"], "rest": ["sold", "city", "size"]},
            "prepare": [tokens, *others],
        },
        "model": {"layers": [texts, numbers, {"type": "dense", "units": 1}]},
    }
    plain = {
        "name": "plain",
        "data": {
            "train": {**train, "features": ["sold", "city", "size"]},
            "prepare": others,
        },
        "model": {"layers": [{"type": "dense", "units": 3}, "tanh", {"type": "dense", "units": 1}]},
    }
    base = {
        "data": {"train": train, "validation": 0.3},
        "loss": "mean_squared_error",
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 3},
        "engine": {"kernels": "numpy"},
    }
    run({"declnet": 1, **base, "members": [bag, plain]}, out=tmp_path / "run")
    group = open_group(tmp_path / "run")
    assert group.predictor().weights != (1.0, 1.0)
    exported = export(group, tmp_path / "m.c")
    assert exported.difference < LARGEST
    assert exported.odd_samples > 20
    check_built(tmp_path / "m.c", SANITIZED)
    program = (tmp_path / "m.c").read_text("ascii")
    assert program.count('read_date(x[i], "d-n-y"') == 1  # both members have the same dates


@pytest.mark.parametrize("name", ["digits_convolution", "two_heads"])
def test_shipped_specs_compile_without_a_warning(name, shipped_spec, tmp_path):
    spec = load_spec(shipped_spec(Path(f"{name}.toml")), {"training.epochs": 1})
    run(spec, out=tmp_path / "run")
    export(open_run(tmp_path / "run"), tmp_path / "m.c")
    check_built(tmp_path / "m.c")


def test_the_example_of_the_docs(tmp_path):
    run(load_spec(SPECS / "two_inputs.toml", {"training.epochs": 1}), out=tmp_path / "run")
    exported = export(open_run(tmp_path / "run"), tmp_path / "rents.c")
    page = (SPECS.parent / "docs" / "how_to" / "exporting.md").read_text("utf-8")
    for size in exported.notes[0].split(", "):
        assert size in page
    (example,) = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    (tmp_path / "example.c").write_text(example)
    command = [GCC, *STRICT, "-c", "example.c", "rents.c"]
    subprocess.run(command, check=True, cwd=tmp_path)
