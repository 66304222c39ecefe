"""Renamed and removed fields of components, which are read with a warning in every spec."""

from __future__ import annotations

import itertools
from typing import ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from declnet import (
    Optimizer,
    RegistryError,
    Searcher,
    SpecError,
    open_run,
    parse_spec,
    run,
)
from declnet.cli.reading import checked_points, checked_spec
from declnet.registry.plugin import Plugin
from declnet.spec.document.overrides import parse_override
from declnet.spec.validate import read_spec
from declnet.testing.examples import registry_with


class Steady(Optimizer):
    """The first version of an optimizer."""

    type = "steady"

    learning_rate: float = 0.1
    speed: float = 1.0
    exact: bool = True

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * self.speed * dw


class NewSteady(Optimizer):
    """The next version, with one field renamed and one removed."""

    type = "steady"
    renamed_fields: ClassVar = {"speed": "factor"}
    removed_fields: ClassVar = {"exact": "updates are always exact; remove it"}

    learning_rate: float = 0.1
    factor: float = 1.0

    def update(self, w, dw, state, learning_rate, step):
        w -= learning_rate * self.factor * dw


def registry_of(optimizer, version):
    registry = registry_with([])
    registry.register(optimizer, Plugin("steady", "declnet-steady", version))
    return registry


@pytest.fixture
def registry():
    return registry_of(NewSteady, "2.0")


@pytest.fixture
def document(document):
    return {**document, "optimizer": {"type": "steady"}}


def test_the_last_writer_of_either_name_decides(document, spec_file, registry):
    names, number = ((), ("speed",), ("factor",), ("speed", "factor")), itertools.count(1)
    for by_base, by_file, by_override in itertools.product(names, names, names[:3]):
        expected, sections = 1.0, []
        for written in (by_base, by_file, by_override):
            sections.append({name: float(next(number)) for name in written})
            expected = [expected, *sections[-1].values()][-1]  # of both, the present name
        base, file, override = sections
        spec_file({**document, "optimizer": {"type": "steady", **base}}, "base.json")
        path = spec_file({"extends": "base.json", "optimizer": file}, "top.json")
        changes = [parse_override(f"optimizer.{key}={value}") for key, value in override.items()]
        parsed = read_spec(path, changes, registry)
        assert parsed.require().optimizer.factor == expected
        is_warned = "speed" in (*base, *file, *override)
        assert [problem.code for problem in parsed.diagnostics] == ["W015"] * is_warned


def test_warnings_have_places_and_values_are_checked_there(document, spec_file, registry):
    lines = [
        "declnet = 1",
        "[data]",
        f'train = {{ type = "npz", path = "{document["data"]["train"]["path"]}" }}',
        "[model]",
        'layers = [{ type = "dense", units = 3 }, "softmax"]',
        "[loss]",
        'type = "categorical_crossentropy"',
        "[optimizer]",
        'type = "steady"',
        "exact = true",
        "speed = 0.5",
        "[training]",
        "epochs = 1",
    ]
    path = spec_file("\n".join(lines), "spec.toml")

    def problems(*overrides):
        checked = checked_spec(path, overrides, registry)
        return [
            (str(problem.place).removeprefix(f"{path}:"), problem.code, problem.message)
            for problem in checked.problems
        ]

    renamed = ("W015", '"speed" was renamed to "factor"')
    removed = ("10:1", "W015", '"exact" was removed in a later version, and has no effect')
    assert problems() == [removed, ("11:1", *renamed)]
    assert problems("optimizer.speed=2.0")[1:] == [("--set:1:1", *renamed)]
    both = f"{renamed[1]}, which is written too, and has no effect"
    assert problems("optimizer.factor=2.0") == [removed, ("11:1", "W015", both)]
    lines[10] = 'speed = "fast"'
    spec_file("\n".join(lines), "spec.toml")
    wrong = ("E012", '"factor" must be a number, not "fast"')
    assert ("11:9", *wrong) in problems()


def test_in_the_value_of_a_variable_an_earlier_name_is_an_error(document, spec_file, registry):
    opt = {"type": "steady", "speed": 2.0}
    path = spec_file({**document, "optimizer": "${opt}", "variables": {"opt": opt}})
    (problem,) = checked_spec(path, (), registry).problems
    assert (problem.code, problem.message) == ("E010", '"speed" was renamed to "factor"')
    assert [place.line for _, place in problem.notes] == [problem.place.line]


class Drawn(Searcher):
    """A searcher with a renamed field."""

    type = "drawn"
    renamed_fields: ClassVar = {"at": "value"}

    value: float = 1.0

    def propose(self, study, number, trials):
        return {dimension.key: self.value for dimension in study.space}


def test_a_searcher_may_have_a_key_of_an_earlier_version(document, spec_file, registry):
    registry.register(Drawn)
    document["data"]["validation"] = 0.2
    space = {"optimizer.factor": {"low": 0.5, "high": 2.0}}
    tune = {"trials": 2, "search": {"type": "drawn", "at": 0.75}, "space": space}
    parsed = read_spec(spec_file({**document, "tune": tune}), (), registry)
    assert parsed.require().tuning.searcher == Drawn(value=0.75)
    (warning,) = parsed.source_map.locate(parsed.diagnostics)
    assert (warning.code, warning.path) == ("W015", ("tune", "search", "at"))


def test_swept_and_tuned_keys_may_have_earlier_names(document, spec_file, registry):
    document["data"]["validation"] = 0.2
    path = spec_file({**document, "sweep": {"optimizer.speed": [0.5, 2.0]}})
    points = list(checked_points(path, (), registry))
    assert [parsed.spec.optimizer.factor for _, parsed, _ in points] == [0.5, 2.0]
    assert [warning.code for _, _, checked in points for warning in checked.problems] == [
        "W015"
    ] * 2
    space = {"optimizer.speed": {"low": 0.5, "high": 2.0}}
    path = spec_file({**document, "tune": {"trials": 2, "search": "random", "space": space}})
    assert {problem.code for problem in checked_spec(path, (), registry).problems} == {"W015"}


def test_a_stored_run_is_read_and_says_which_version_trained_it(
    document, registry, tmp_path, blobs
):
    before = registry_of(Steady, "1.0")
    document["optimizer"] = {"type": "steady", "speed": 0.5, "exact": True}
    run(parse_spec(document, before), out=tmp_path / "run", registry=before)
    notices = []
    opened = open_run(tmp_path / "run", registry, notice=notices.append)
    predictor = opened.predictor()
    assert opened.spec.optimizer == NewSteady(factor=0.5)
    expected = open_run(tmp_path / "run", before).predictor().predict(blobs[0])
    np.testing.assert_array_equal(predictor.predict(blobs[0]).probabilities, expected.probabilities)
    trained = "this run was trained with declnet-steady 1.0"
    assert sum(trained in notice for notice in notices) == 2
    with pytest.raises(SpecError, match=f"momentum.*{trained}"):
        read_spec(
            tmp_path / "run" / "spec.toml", [parse_override("optimizer.momentum=1")], registry
        ).require()


def test_what_a_group_has_stored_is_read_without_a_warning(registry):
    table = {"type": "steady", "speed": 0.5, "exact": True}
    context = {"registry": registry, "is_stored": True}
    assert Optimizer.from_declaration(table, context) == NewSteady(factor=0.5)
    both = Optimizer.from_declaration({**table, "factor": 2.0}, context)
    assert both == NewSteady(factor=2.0)
    with pytest.raises(ValidationError, match="was renamed"):
        Optimizer.from_declaration(table, {"registry": registry})


@pytest.mark.parametrize(
    ("renamed", "removed"),
    [({"factor": "learning_rate"}, {}), ({"speed": "velocity"}, {}), ({}, {"factor": "a note"})],
)
def test_invalid_names_are_refused_at_registration(renamed, removed):
    class Wrong(NewSteady):
        renamed_fields = renamed
        removed_fields = removed

    with pytest.raises(RegistryError, match=r"^Wrong\.re"):
        Wrong.verify_contract()
