"""Repairs of wrong names, which let one pass report every mistake once, at its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import default_registry
from declnet.cli.reading import checked_spec

SPEC = """\
declnet = 1
seed = 0

[data]
train = { type = "nnfs_spiral", samples = 20, classes = 3 }
validation = 0.2

[model]
layers = [
  { type = "dense", units = 8, weight_initializer = { type = "normal", std = 0.1 } },
  { type = "relu" },
  { name = "block", repeat = 2, layers = [{ type = "dropout", rate = 0.1 }] },
  { type = "dense", name = "last", units = 3 },
  "softmax",
]

[loss]
type = "categorical_crossentropy"

[optimizer]
type = "adam"
learning_rate = 0.01

[training]
epochs = 5
batch_size = 4
metrics = ["accuracy"]
"""

NAMES = {  # wrong names by the right ones, misspelled or from other libraries
    "seed =": ("random_state", "sede"),
    "[data]": ("dataset", "Data"),
    "train =": ("source", "tran"),
    '"nnfs_spiral"': ("nnfs_spirall",),
    "samples": ("sampels",),
    "validation =": ("val_split", "validaton"),
    "[model]": ("network", "modell"),
    "layers = [\n": ("layres",),
    '"dense", units = 8': ("Linear", "fully_connected"),
    "units = 8": ("n_hidden", "outFeatures"),
    "weight_initializer": ("kernel_initializer",),
    '"normal"': ("gaussian", "RandomNormal"),
    "std": ("stddev", "Std"),
    '"relu"': ("ReLU", "rectified_linear"),
    "repeat": ("repaet",),
    '"dropout"': ("Dropout", "dropuot"),
    "rate = 0.1": ("p", "prob"),
    '"dense", name': ("Dense", "dens"),
    "units = 3": ("neurons", "unit"),
    '"softmax"': ("Softmax", "soft_max"),
    "[loss]": ("criterion", "Loss"),
    '"categorical_crossentropy"': ("CrossEntropyLoss", "sparse_categorical_crossentropy"),
    "[optimizer]": ("optim", "optimiser"),
    '"adam"': ("Adam", "adamm"),
    "learning_rate": ("lr", "learningRate"),
    "[training]": ("trainer", "trainig"),
    "epochs": ("num_epochs", "epoch"),
    "batch_size": ("batch", "batch-size"),
    "metrics": ("metric",),
    '"accuracy"': ("acc",),
}


def right_name(written):
    """Return the name at the beginning of a piece of the spec."""
    return written.strip('["').split('"')[0].split("]")[0].split(" ")[0]


@st.composite
def mistakes(draw):
    """Return one to four pieces of the spec, each with a wrong name."""
    pieces = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=4, unique=True))
    return {piece: draw(st.sampled_from(NAMES[piece])) for piece in pieces}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("repairs")


@given(wrong=mistakes())
def test_every_wrong_name_is_reported_once_with_the_right_one(folder, wrong):
    text, expected = SPEC, []
    for piece, name in sorted(wrong.items(), key=lambda pair: -len(pair[0])):  # some overlap
        at = SPEC.index(piece)
        expected.append((SPEC.count("\n", 0, at) + 1, f'did you mean "{right_name(piece)}"?'))
        text = text.replace(piece, piece.replace(right_name(piece), name, 1), 1)
    path = folder / "spec.toml"
    path.write_text(text, "utf-8")
    errors = checked_spec(path, (), default_registry()).errors
    assert sorted((error.place.line, error.help) for error in errors) == sorted(expected)
    assert [error.place.line for error in errors] == sorted(error.place.line for error in errors)
    lines = text.split("\n")
    for error in errors:
        marked = lines[error.place.line - 1][error.place.column - 1 : error.place.end_column - 1]
        assert marked.strip('"') in wrong.values()


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("place", ["[optimizer]\n", "[data]\n", "seed = 0\n"])
def test_a_misplaced_key_is_reported_where_it_is_and_not_missed_elsewhere(folder, name, place):
    line = next(line for line in SPEC.split("\n") if line.startswith(name))
    text = SPEC.replace(f"{line}\n", "").replace(place, f"{place}{line}\n")
    path = folder / "misplaced.toml"
    path.write_text(text, "utf-8")
    (error,) = checked_spec(path, (), default_registry()).errors
    assert (error.help, error.place.text) == ("it belongs in [training]", line)


def test_a_misspelled_key_takes_the_place_of_the_one_in_a_base(folder):
    (folder / "base.toml").write_text(SPEC, "utf-8")
    path = folder / "top.toml"
    layers = '[model]\nlayres = [{ type = "dense", unitss = 3 }, "softmax"]\n'
    path.write_text(f'extends = "base.toml"\n{layers}', "utf-8")
    errors = checked_spec(path, (), default_registry()).errors
    assert [(error.help, error.place.line) for error in errors] == [
        ('did you mean "layers"?', 3),
        ('did you mean "units"?', 3),
    ]
