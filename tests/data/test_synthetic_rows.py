"""Synthetic rows: valid for a model of any data, and never a row of that data."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

import declnet
from declnet.runs.behavior import BEHAVIOR_FILE

N = 40
RNG = np.random.default_rng(7)
DENSE = [{"type": "dense", "units": 1}]
WORDS = ("good", "bad", "film", "plot", "actor", "music")


def table(**columns):
    return {"price": RNG.normal(50, 9, N), **columns}


def numbers():
    return RNG.normal(3, 2, N).round(2)


def with_gaps(column):
    gaps = column.astype(float if column.dtype.kind == "f" else object)
    gaps[::7] = None
    return gaps


def texts():
    return np.array([" ".join(RNG.choice(WORDS, 5)) for _ in range(N)], object)


def days():
    return np.array([f"{date(2024, 1, 9) + timedelta(at)}" for at in range(N)], object)


def times():
    return np.array([f"{at % 24:02}:{at % 60:02}" for at in range(N)], object)


COLORS = np.array(["red", "green", "blue", "red"] * (N // 4), object)

TABLES = {
    "numbers": (table(a=numbers(), b=numbers()), {"prepare": ["standardize"]}, DENSE),
    "unprepared": (table(a=numbers(), n=np.arange(N)), {}, DENSE),
    "gaps": (
        table(a=with_gaps(numbers()), b=with_gaps(COLORS), c=np.arange(N) % 2 == 0),
        {"prepare": ["missing_indicator", "impute", "one_hot"]},
        DENSE,
    ),
    "categories": (
        table(a=COLORS, n=np.arange(N) % 5),
        {"prepare": [{"type": "group_rare"}, "one_hot", {"type": "one_hot", "columns": ["n"]}]},
        DENSE,
    ),
    "dates": (table(day=days(), at=times(), a=numbers()), {"prepare": ["datetime"]}, DENSE),
    "texts": (
        table(text=texts()),
        {"prepare": ["tokenize"]},
        [{"type": "embedding", "units": 4}, "mean_over_time", *DENSE],
    ),
    "windows": (
        table(a=numbers(), day=days(), shop=np.array(["x", "y"] * (N // 2), object)),
        {
            "windows": {"past": 4, "horizon": 2, "series": "shop", "known": ["a"]},
            "split": {"method": "time", "column": "day"},
            "prepare": ["one_hot", "standardize"],
        },
        [
            {"type": "flatten", "name": "before", "inputs": ["input.past"]},
            {"type": "flatten", "name": "after", "inputs": ["input.future"]},
            {"type": "concatenate", "inputs": ["before", "after"]},
            {"type": "dense", "units": 2},
        ],
    ),
}

IMAGES = (255 * RNG.random((N, 1, 6, 6))).astype(np.uint8)
LABELS = np.arange(N) % 3
SOFTMAX = [{"type": "dense", "units": 3}, "softmax"]

ARRAYS = {
    "floats": (RNG.normal(0, 1, (N, 3)), LABELS, {}, SOFTMAX),
    "float32": (RNG.normal(0, 1, (N, 3)).astype(np.float32), LABELS, {}, SOFTMAX),
    "one-hot": (RNG.normal(0, 1, (N, 300)), np.eye(3)[LABELS], {}, SOFTMAX),
    "images": (IMAGES, LABELS, {"prepare": ["normalize"]}, ["flatten", *SOFTMAX]),
    "augmented": (
        IMAGES,
        LABELS,
        {"prepare": ["normalize", {"type": "augment", "shift": 1}]},
        ["flatten", *SOFTMAX],
    ),
    "sequences": (
        RNG.integers(0, 9, (N, 70)),
        LABELS,
        {},
        [{"type": "embedding", "units": 4, "categories": 9}, "mean_over_time", *SOFTMAX],
    ),
    "named": (
        {"a": RNG.normal(0, 1, (N, 2)), "b": RNG.normal(0, 1, (N, 3))},
        LABELS,
        {},
        [{"type": "concatenate", "inputs": ["input.a", "input.b"]}, *SOFTMAX],
    ),
}


def behavior_of(data, section, layers, loss, folder):
    """Train for an epoch with a checkpoint, stop, and return the stored behavior."""

    def interrupt(event):
        if isinstance(event, declnet.EpochLogged) and event.epoch == 1:
            raise KeyboardInterrupt

    spec = {
        "declnet": 1,
        "data": section,
        "model": {"layers": layers},
        "loss": loss,
        "optimizer": "adam",
        "training": {
            "epochs": 3,
            "batch_size": 8,
            "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
        },
    }
    with pytest.raises(KeyboardInterrupt):
        declnet.run(spec, data, folder / "run", listener=interrupt)
    behavior = BEHAVIOR_FILE.parse((folder / "run" / "behavior.json").read_bytes())
    for name in ("preparation", "predictions", "evaluation", "training"):
        assert behavior.aspects[name].incomplete is None, name
    assert len(behavior.aspects["training"].results) > 10
    assert (folder / "run" / "behavior.json").stat().st_size < 200_000
    stored = declnet.open_run(folder / "run")
    count = 1 if "windows" in section else len(next(iter(behavior.rows.columns.values())))
    assert len(stored.predictor().predict(stored.synthetic_rows)) == count
    return behavior


@pytest.mark.parametrize("kind", TABLES)
def test_rows_of_tables(kind, tmp_path):
    columns, section, layers = TABLES[kind]
    rows = behavior_of((columns, "price"), section, layers, "mean_squared_error", tmp_path).rows
    assert {*rows.columns} <= {*columns}
    for name, cells in rows.columns.items():
        present = [cell for cell in cells.tolist() if cell is not None]
        if columns[name].dtype.kind == "f":
            assert not {*map(float, present)} & {*columns[name].tolist()}
        elif kind == "texts" and name == "text":
            assert not {*present} & {*columns[name].tolist()}
            assert {word for text in present for word in text.split()} <= {*WORDS}


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y-%m-%d %H:%M"])
def test_series_and_times_that_are_features(form, tmp_path):
    """Times are written in the form of the data, and the series is a known category."""
    days = [f"{date(2024, 1, 9) + timedelta(at):{form}}" for at in range(N // 2)]
    columns = table(shop=np.repeat([3, 4], N // 2), day=np.array(days * 2, object))
    section = {
        "windows": {"past": 4, "horizon": 2, "series": "shop", "known": ["day", "shop"]},
        "split": {"method": "time", "column": "day"},
        "prepare": ["datetime", {"type": "one_hot", "columns": ["shop"], "unknown": "error"}],
    }
    layers = TABLES["windows"][2]
    behavior_of((columns, "price"), section, layers, "mean_squared_error", tmp_path)
    rows = declnet.open_run(tmp_path / "run").synthetic_rows
    assert len({*rows["day"]}) == 6
    assert {*rows["shop"].tolist()} < {3, 4}


@pytest.mark.parametrize("kind", ARRAYS)
def test_rows_of_arrays(kind, tmp_path):
    x, y, section, layers = ARRAYS[kind]
    behavior = behavior_of((x, y), section, layers, "categorical_crossentropy", tmp_path)
    data = behavior.rows.data(declnet.load_predictor(tmp_path / "run").preparation)
    inputs = x if isinstance(x, dict) else {"": x}
    assert data.inputs.keys() == inputs.keys()
    for name, drawn in data.inputs.items():
        train = inputs[name].reshape(N, -1)
        assert (drawn.dtype, drawn.shape[1:]) == (inputs[name].dtype, inputs[name].shape[1:])
        assert not (drawn.reshape(len(drawn), 1, -1) == train).all(axis=2).any()
        assert train.min() <= drawn.min() <= drawn.max() <= train.max()
