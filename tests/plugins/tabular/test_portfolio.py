"""The portfolio: shared and separate parts of its members, and the time for all of them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet.training.checks.check import check_spec

from ..profiles import ROWS, TARGETS, X, spec_document, spec_text, table_profile

ALL_TARGETS = {**TARGETS, "amounts": np.exp(2 * X[:, 0]).round(3) + 0.001}
MEMBERS = ("linear", "mlp", "realmlp_td")


@pytest.fixture
def profile_of(tmp_path):
    """Write a table with numbers, categories and a gap; return its profile."""

    def write(target, *others, rows=ROWS, **changes):
        targets = {"y": ALL_TARGETS[target], **{name: ALL_TARGETS[name] for name in others}}
        colors = np.array(["red", "green", "blue", ""])[np.arange(rows) % 4]
        lines = [",".join(["a", "b", "color", *targets])]
        for at in range(rows):
            cells = (X[at, 0], X[at, 1], colors[at], *(y[at] for y in targets.values()))
            lines.append(",".join(map(str, cells)))
        (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return replace(table_profile(tmp_path, *targets), **changes)

    return write


def with_rows(profile, rows, columns=2):
    """Return the profile of a larger table with more columns."""
    known = {name: replace(column, rows=rows) for name, column in profile.columns.items()}
    more = {f"x{number}": replace(known["a"], name=f"x{number}") for number in range(columns - 2)}
    return replace(profile, columns={**known, **more})


@pytest.mark.parametrize("others", [(), ("values", "classes")])
@pytest.mark.parametrize("target", ALL_TARGETS)
def test_members_match_what_the_presets_write_alone(target, others, profile_of, tmp_path):
    if target in others:
        pytest.skip("it is the first target")
    profile = profile_of(target, *others)
    spec = declnet.parse_spec(spec_document("portfolio", profile), folder=tmp_path)
    assert spec.members.selects
    assert tuple(member.spec.name for member in spec.members.members) == MEMBERS
    assert check_spec(spec).problems == ()
    for member in spec.members.members:
        document = spec_document(member.spec.name, replace(profile, folds=5))
        alone = declnet.parse_spec(document, folder=tmp_path)
        for section in ("model", "optimizer", "loss", "losses", "calibration"):
            assert getattr(member.spec, section) == getattr(alone, section), section
        assert member.spec.data.prepare == alone.data.prepare
        assert member.spec.data.inputs == alone.data.inputs
        assert member.spec.data.folds == 5
        callbacks = [c for c in alone.training.callbacks if c.type != "checkpoint"]
        shorter = {"callbacks": tuple(callbacks)}
        assert member.spec.training == alone.training.model_copy(update=shorter)


@pytest.mark.parametrize(
    ("rows", "changes"), [(29, {}), (ROWS, {"folds": 1}), (2_000_000, {})], ids=str
)
def test_a_table_without_folds_gets_one_model(rows, changes, profile_of):
    profile = profile_of("values", rows=min(rows, ROWS), **changes)
    profile = with_rows(profile, rows)
    alone = spec_document("realmlp_td", replace(profile, folds=1))
    assert spec_document("portfolio", profile) == alone
    template = declnet.default_registry().find("template", "portfolio")()
    assert not any(note.startswith("trains") for note in template.notes_for_table(profile))


def seconds_of(text):
    """Return the processor time that a spec states."""
    return int(
        re.search(r"^# Trains .*, in about (\d+) s of processor time", text, re.MULTILINE)[1]
    )


def test_training_takes_at_most_a_minute_for_10000_rows_of_20_columns(profile_of):
    profile, seconds = profile_of("values"), {}
    for rows in (300, 1_000, 10_000, 80_000):
        table = with_rows(profile, rows, 19)
        text = spec_text("portfolio", table)
        document, seconds[rows] = spec_document("portfolio", table), seconds_of(text)
        epochs = [member["training"]["epochs"] for member in document["members"]]
        assert document["data"]["folds"] == (5 if rows < 80_000 else 3)
        assert min(epochs) >= 8
        *_, note = declnet.default_registry().find("template", "portfolio")().notes_for_table(table)
        assert note.startswith("trains linear, mlp, realmlp_td in each of ")
        assert f"in about {seconds[rows]} s of processor time" in note
    assert seconds[300] < seconds[1_000] < seconds[10_000] <= 60
    assert seconds[80_000] <= 60


@pytest.mark.parametrize("target", ["rare", "amounts"])
def test_it_trains_and_predicts_as_one_model(target, profile_of, tmp_path):
    document = spec_document("portfolio", profile_of(target, folds=2))
    for member in document["members"]:
        member["training"]["epochs"] = 3
    declnet.run(declnet.parse_spec(document, folder=tmp_path), out=tmp_path / "run")
    predictor = declnet.load_predictor(tmp_path / "run")
    assert len(predictor.members) % 2 == 0
    result = predictor.predict({"a": X[:5, 0], "b": X[:5, 1], "color": ["red"] * 5})
    if target == "amounts":
        assert (result.prediction > 0).all()
    else:
        assert result.probabilities.sum(axis=1) == pytest.approx(np.ones(5))
