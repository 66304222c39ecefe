"""The preset `best`, which searches: its specs for several tables, and its search space."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet.training.checks.check import check_spec
from declnet.training.checks.tuning import study_problems
from declnet_plugins.standard.templates.features import preset_fields

from ..profiles import ROWS, TARGETS, X, spec_text, table_profile

WORDS = np.array([f"word{number}" for number in range(12)])[np.arange(ROWS) % 12]
ALL = ("a", "b", "color", "word")


@pytest.fixture
def profile_of(tmp_path):
    """Write a table with numbers, few and many categories; return its profile."""

    def write(*targets, rows=ROWS, features=ALL, **changes):
        colors = np.array(["red", "green", "blue", ""])[np.arange(ROWS) % 4]
        columns = {"a": X[:, 0], "b": X[:, 1], "color": colors, "word": WORDS}
        table = {**{name: columns[name] for name in features}, **{t: TARGETS[t] for t in targets}}
        rows_of = zip(*table.values(), strict=True)
        lines = [",".join(table), *(",".join(map(str, row)) for row in rows_of)]
        (tmp_path / "table.csv").write_text("\n".join(lines[: rows + 1]) + "\n", "utf-8")
        return replace(table_profile(tmp_path, *targets), **changes)

    return write


def preset_for(name, profile):
    """Return the preset of the spec that `declnet new` writes for a table."""
    return declnet.default_registry().find("preset", name).model_validate(preset_fields(profile))


def loaded(preset, profile, folder):
    return declnet.parse_spec(tomllib.loads(spec_text(preset, profile)), folder=folder)


@pytest.mark.parametrize(
    ("targets", "features", "searched"),
    [(("binary",), ALL, 14), (("values", "rare"), ("a", "color"), 12), (("classes",), ALL[2:], 11)],
)
def test_each_end_of_the_space_is_a_valid_spec(targets, features, searched, profile_of, tmp_path):
    profile = profile_of(*targets, features=features, minutes=7.0)
    spec = loaded("best", profile, tmp_path)
    assert check_spec(spec).problems == ()
    assert [*study_problems(spec, declnet.default_registry())] == []
    keys = spec.tuning.keys
    assert (keys.minutes, keys.weights, keys.search.type) == (7, "selected", "random")
    assert len(spec.tuning.space) == searched
    assert spec.data.folds == 5


def test_its_defaults_match_realmlp_td(profile_of, tmp_path):
    profile = profile_of("classes", folds=5)
    spec, alone = (loaded(preset, profile, tmp_path) for preset in ("best", "realmlp_td"))
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
    preset = preset_for("best", profile)
    assert "tune" not in preset.document()
    assert "[tune]" not in spec_text("best", profile)
    assert preset.about()[0].startswith("nothing is searched")


def test_less_time_leaves_fewer_epochs(profile_of):
    preset, epochs = preset_for("best", profile_of("values")), []
    for minutes in (30, 3):
        document = preset.model_copy(update={"rows": 3_000, "minutes": minutes}).document()
        epochs.append(document["training"]["epochs"])
        assert document["tune"]["minutes"] == minutes
    assert epochs[0] == 256
    assert 32 <= epochs[1] < 64


def test_large_tables_get_fewer_folds_and_epochs(profile_of):
    preset, epochs = preset_for("best", profile_of("values")), {}
    for rows in (1_000, 50_000, 200_000):
        document = preset.model_copy(update={"rows": rows}).document()
        epochs[rows] = document["training"]["epochs"]
        assert document["data"]["folds"] == (5 if rows == 1_000 else 3)
        assert document["tune"]["minutes"] == 30
    assert epochs[1_000] == 256 > epochs[50_000] > epochs[200_000] >= 8


def test_new_writes_it_and_tune_makes_one_predictor(profile_of, tmp_path, command_in):
    profile_of("binary")
    command = command_in(tmp_path)
    table = "--data", "table.csv", "--target", "binary"
    created = command("new", "s.toml", *table, "--preset", "best")
    assert created.returncode == 0, created.stderr
    assert "declnet tune s.toml" in created.stdout
    few = ("preset.folds=2", "training.epochs=2", "tune.trials=2")
    done = command("tune", "s.toml", *(f"--set={value}" for value in few), "--out", "study")
    assert done.returncode == 0, done.stderr
    assert "members, out of fold" in done.stdout
    assert command("predict", "study", "table.csv", "-o", "p.csv").returncode == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == ROWS + 1
    exported = command("export", "study", "-o", "model.py")
    assert exported.returncode == 0, exported.stderr
    assert "compared with declnet" in exported.stdout
    for preset in ("linear", "portfolio"):
        refused = command("new", "t.toml", *table, "--preset", preset, "--minutes", "3")
        assert refused.returncode == 2
        assert f'the preset "{preset}" does not take --minutes' in refused.stderr
