"""Random valid specs, trained for a few steps in two equivalent ways.

Compared are NumPy and the engine, whole and resumed runs, a spec and the stored one, a run and an
exported file, and a fold of a cross-validation and a run of only that fold.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from declnet import EpochFinished, open_run, parse_spec, resume, run
from declnet.spec.model import resolved_toml
from declnet_plugins.exchange import export

Document = dict[str, Any]

ROWS, EPOCHS = 36, 3
FILES = ("weights.safetensors", "history.jsonl", "metrics.json")

ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "softplus", "elu", "leaky_relu", "sigmoid")
BETWEEN = (
    *("batch_norm", "layer_norm", "rms_norm"),
    {"type": "dropout", "rate": 0.25},
    {"type": "dropout", "rate": {"type": "cosine", "initial_rate": 0.3}},
    {"type": "gaussian_noise", "std": 0.1},
)
RATES = (
    0.02,
    {"type": "cosine", "initial_rate": 0.02},
    {"type": "warmup", "steps": 3, "schedule": 0.02},
    {"type": "step", "initial_rate": 0.05, "every": 2},
)
OPTIMIZERS = (
    *({"type": "sgd", "momentum": 0.9}, {"type": "lion"}),
    *(
        {
            "type": name,
            "epsilon": 1e-3,
        }  # otherwise a gradient of only rounding error moves a weight
        for name in ("adam", "adamw", "rmsprop", "nadam", "adagrad")
    ),
)
CALLBACKS = (
    {"type": "best_epoch", "monitor": "loss"},
    {"type": "reduce_on_plateau", "monitor": "loss", "patience": 1, "factor": 0.5},
    "csv_log",
)
AVERAGES = ([], [{"type": "ema", "decay": 0.8}], [{"type": "swa", "from_epoch": 1}])
PREPARATIONS = (
    ["impute", "standardize", "one_hot"],
    [{"type": "impute", "strategy": "median"}, "min_max", "one_hot"],
    ["standardize", "missing_indicator", "impute", {"type": "one_hot", "columns": ["color"]}],
    [{"type": "group_rare", "min_count": 3}, "impute", "quantile", "one_hot"],
)
TASKS = {
    "kind": ("categorical_crossentropy", 3, ["softmax"], ["accuracy", "log_loss"]),
    "sold": ("binary_crossentropy", 1, ["sigmoid"], ["binary_accuracy", "roc_auc"]),
    "price": ("huber", 1, [], ["mean_absolute_error"]),
}


def write_table(path: Path) -> None:
    """Write a table of two numbers with missing values, a color, and three targets."""
    rng = np.random.default_rng(4)
    size, age = rng.normal(5, 2, ROWS).round(3), rng.integers(1, 90, ROWS)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["size", "age", "color", *TASKS])
        for row in range(ROWS):
            numbers = ["" if row == 5 else size[row], "NA" if row == 9 else age[row]]
            color = ("red", "blue", "green", "green")[rng.integers(4)]
            price = round(float(size[row] * 3 + rng.normal()), 2)
            rows.writerow([*numbers, color, f"kind {row % 3}", ("no", "yes")[row % 2], price])


@st.composite
def layers(draw: st.DrawFn, last: list[Any]) -> list[Any]:
    """Draw the layers of a perceptron with a block, normalization and noise."""
    chain: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        chain.append({"type": "dense", "units": draw(st.integers(2, 9))})
        chain += draw(st.lists(st.sampled_from(BETWEEN), max_size=1))
        chain.append(draw(st.sampled_from(ACTIVATIONS)))
    if chain and draw(st.booleans()):
        width = {"type": "dense", "units": 4}
        block = {"residual": True, "repeat": draw(st.integers(1, 2)), "layers": ["tanh", width]}
        chain += [width, block]
    return [*chain, *last]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a spec for `table.csv`."""
    target = draw(st.sampled_from(list(TASKS)))
    loss, units, end, metrics = TASKS[target]
    others = {"size", "age", "color"}
    training: Document = {"epochs": EPOCHS, "metrics": draw(st.permutations(metrics))}
    if draw(st.booleans()):
        training["batch_size"] = draw(st.integers(4, 12))
        training |= draw(st.sampled_from([{}, {"accumulate": 2}, {"drop_last": True}]))
    training |= draw(st.sampled_from([{}, {"clip_norm": 0.7}, {"log_every": 2}]))
    callbacks = draw(st.lists(st.sampled_from(CALLBACKS), max_size=2, unique_by=str))
    training["callbacks"] = [*draw(st.sampled_from(AVERAGES)), *callbacks]
    optimizer = {**draw(st.sampled_from(OPTIMIZERS)), "learning_rate": draw(st.sampled_from(RATES))}
    return {
        "declnet": 1,
        "seed": draw(st.integers(0, 99)),
        "data": {
            "train": {
                "type": "csv",
                "path": "table.csv",
                "target": target,
                "features": sorted(others),
            },
            "validation": draw(st.sampled_from([0.2, 0.3])),
            "prepare": draw(st.sampled_from(PREPARATIONS)),
        },
        "model": {
            "dtype": draw(st.sampled_from(["float32", "float64"])),
            "layers": draw(layers([{"type": "dense", "units": units}, *end])),
        },
        "loss": loss,
        "optimizer": optimizer,
        "training": training,
        "engine": {"kernels": "numpy"},
    }


@contextmanager
def in_folder(document: Document) -> Iterator[Path]:
    """Create a folder with the table, and set the table's path in the document."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "table.csv")
        document["data"]["train"]["path"] = str(folder / "table.csv")
        yield folder


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@given(document=documents())
def test_the_stored_spec_equals_the_spec(document: Document) -> None:
    with in_folder(document):
        spec = parse_spec(document)
        again = parse_spec(tomllib.loads(resolved_toml(spec)))
        assert again == spec
        assert resolved_toml(again) == resolved_toml(spec)


@pytest.mark.skipif(find_spec("numba") is None, reason="the extra jit is not installed")
@settings(max_examples=15)
@given(document=documents())
def test_the_engine_agrees_with_numpy(document: Document) -> None:
    assume(document["optimizer"]["type"] != "lion")  # it moves by the sign of rounding errors
    with in_folder(document) as folder:
        run(parse_spec(document), out=folder / "numpy")
        run(parse_spec({**document, "engine": {"kernels": "jit"}}), out=folder / "jit")
        one, other = (load_file(folder / name / FILES[0]) for name in ("numpy", "jit"))
        tolerance = 2e-3 if document["model"]["dtype"] == "float32" else 1e-8
        assert one.keys() == other.keys()
        for name, array in one.items():
            scale = max(1.0, float(np.abs(array).max(initial=0)))
            np.testing.assert_allclose(other[name], array, rtol=0, atol=tolerance * scale)


class Stop(Exception):
    """An interruption of a run."""


@settings(max_examples=15)
@given(document=documents(), epoch=st.integers(0, EPOCHS - 1))
def test_an_interrupted_run_ends_with_the_same_bits(document: Document, epoch: int) -> None:
    training = document["training"] | {"log_every": 1}
    training["callbacks"] = [*training["callbacks"], {"type": "checkpoint", "every_epochs": 1}]
    document["training"] = training

    def stop(event: object) -> None:
        if isinstance(event, EpochFinished) and event.epoch == epoch:
            raise Stop

    with in_folder(document) as folder:
        spec = parse_spec(document)
        run(spec, out=folder / "whole")
        with pytest.raises(Stop):
            run(spec, out=folder / "stopped", listener=stop)
        resume(folder / "stopped")
        assert contents(folder / "stopped") == contents(folder / "whole")


@settings(max_examples=12)
@given(document=documents(), suffix=st.sampled_from([".py", ".c", ".onnx"]))
def test_an_exported_file_predicts_what_the_run_predicts(document: Document, suffix: str) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    if suffix == ".c" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    document["data"]["test"] = 0.2
    with in_folder(document) as folder:
        run(parse_spec(document), out=folder / "run")
        result = export(open_run(folder / "run"), folder / f"model{suffix}")
        assert result.samples is not None
        assert result.labels_differ == 0


@settings(max_examples=8)
@given(document=documents())
def test_a_fold_equals_a_run_of_only_that_fold(document: Document) -> None:
    del document["data"]["validation"]
    document["data"] |= {"folds": 3, "split": {"method": "random"}}
    with in_folder(document) as folder:
        run(parse_spec(document), jobs=1, out=folder / "folds")
        document["data"]["fold"] = 2
        run(parse_spec(document), out=folder / "alone")
        assert contents(folder / "folds" / "fold-2") == contents(folder / "alone")
