"""The preset that searches: its spec for several tables, its space, and what it leaves alone."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet.training.checks.check import check_spec
from declnet.training.checks.tuning import study_problems

from ..profiles import spec_text, table_profile

ROWS, RNG = 120, np.random.default_rng(5)
X = RNG.normal(size=(ROWS, 2)).round(3)
TARGETS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "rare": np.where(X[:, 0] > np.sort(X[:, 0])[-13], "yes", "no"),
    "classes": np.array(["low", "mid", "top"])[np.digitize(X[:, 0], (-0.5, 0.5))],
    "values": X.sum(axis=1).round(3),
}
WORDS = np.array([f"word{number}" for number in range(12)])[np.arange(ROWS) % 12]


@pytest.fixture
def profile_of(tmp_path):
    """Write a table with numbers, few and many categories; return its profile."""

    def write(*targets, rows=ROWS, features=("a", "b", "color", "word"), **changes):
        colors = np.array(["red", "green", "blue", ""])[np.arange(ROWS) % 4]
        columns = {"a": X[:, 0], "b": X[:, 1], "color": colors, "word": WORDS}
        table = {**{name: columns[name] for name in features}, **{t: TARGETS[t] for t in targets}}
        rows_of = zip(*table.values(), strict=True)
        lines = [",".join(table), *(",".join(map(str, row)) for row in rows_of)]
        (tmp_path / "table.csv").write_text("\n".join(lines[: rows + 1]) + "\n", "utf-8")
        return replace(table_profile(tmp_path, *targets), **changes)

    return write


def loaded(profile, folder):
    return declnet.parse_spec(tomllib.loads(spec_text("best", profile)), folder=folder)


@pytest.mark.parametrize(
    ("targets", "features", "absent"),
    [
        (("binary",), ("a", "b", "color", "word"), set()),
        (("values", "rare"), ("a", "color"), {"embedding", "label_smoothing"}),
        (("classes",), ("color", "word"), {"deviation", "frequencies", "embedded_numbers"}),
    ],
)
def test_each_end_of_the_space_is_a_valid_spec(targets, features, absent, profile_of, tmp_path):
    spec = loaded(profile_of(*targets, features=features, minutes=7.0), tmp_path)
    assert check_spec(spec).problems == ()
    assert [*study_problems(spec, declnet.default_registry())] == []
    keys = spec.tuning.keys
    assert (keys.minutes, keys.weights, keys.search.type) == (7, "selected", "random")
    searched = {dimension.key.removeprefix("variables.") for dimension in spec.tuning.space}
    assert not absent & searched
    assert {"hidden_layers", "units", "learning_rate", "weight_decay"} <= searched
    assert len(searched) == 14 - len(absent)
    assert spec.data.folds == 5


def test_its_own_values_are_those_of_realmlp_td(profile_of, tmp_path):
    profile = profile_of("classes", folds=5)
    text = spec_text("realmlp_td", profile)
    spec, alone = (
        loaded(profile, tmp_path),
        declnet.parse_spec(tomllib.loads(text), folder=tmp_path),
    )
    assert spec.loss == alone.loss
    assert spec.optimizer.learning_rate == alone.optimizer.learning_rate
    assert spec.optimizer.weight_decay == alone.optimizer.weight_decay
    assert spec.training == alone.training
    assert spec.data == alone.data
    assert spec.calibration == alone.calibration
    unnamed = {"name": None, "inputs": None}
    layers, others = (
        [(node.layer.model_copy(update=unnamed), node.output_shape) for node in nodes]
        for nodes in (check_spec(spec).nodes, check_spec(alone).nodes)
    )
    assert layers == others


@pytest.mark.parametrize("changes", [{"rows": 29}, {"folds": 1}], ids=str)
def test_a_table_without_folds_gets_one_model(changes, profile_of):
    profile = profile_of("values", **changes)
    assert spec_text("best", profile) == spec_text("realmlp_td", profile)
    *_, note = declnet.default_registry().find("template", "best")().notes_for_table(profile)
    assert note.startswith("nothing is searched")


def test_large_tables_get_fewer_folds_and_epochs(profile_of):
    profile, epochs = profile_of("values"), {}
    for rows in (1_000, 50_000, 200_000):
        columns = {name: replace(c, rows=rows) for name, c in profile.columns.items()}
        document = tomllib.loads(spec_text("best", replace(profile, columns=columns)))
        epochs[rows] = document["training"]["epochs"]
        assert document["data"]["folds"] == (5 if rows == 1_000 else 3)
    assert epochs[1_000] == 256 > epochs[50_000] > epochs[200_000] >= 8


def test_new_writes_it_and_tune_makes_one_predictor(profile_of, tmp_path, command_in):
    profile_of("binary")
    command = command_in(tmp_path)
    made = command("new", "s.toml", "--data", "table.csv", "--target", "binary", "--preset", "best")
    assert made.returncode == 0, made.stderr
    assert "declnet tune s.toml" in made.stdout
    assert tomllib.loads((tmp_path / "s.toml").read_text())["tune"]["minutes"] == 30
    few = ("data.folds=2", "training.epochs=2", "tune.trials=2")
    done = command("tune", "s.toml", *(f"--set={value}" for value in few), "--out", "study")
    assert done.returncode == 0, done.stderr
    assert "members, out of fold" in done.stdout
    table = "study", "table.csv"
    assert command("predict", *table, "-o", "p.csv").returncode == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == ROWS + 1
    exported = command("export", "study", "-o", "model.py")
    assert exported.returncode == 0, exported.stderr
    assert "compared with declnet" in exported.stdout
    for preset in ("linear", "portfolio"):
        refused = command(
            *("new", "t.toml", "--data", "table.csv", "--target", "binary"),
            *("--preset", preset, "--minutes", "3"),
        )
        assert refused.returncode == 2
        assert f'the preset "{preset}" does not take --minutes' in refused.stderr
