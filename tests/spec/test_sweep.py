"""Sweeps: every combination once, in order, and errors at the place of each value."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet
from declnet.spec.document.overrides import parse_override
from declnet.spec.document.source_map import SourceMap
from declnet.spec.sweep import MOST_RUNS, range_values, sweep_of
from declnet.spec.validate import read_points
from declnet.spec.varying_keys import Reader, swept_value

BASE = """\
declnet = 1
loss = "categorical_crossentropy"
[variables]
width = 8
[data]
train = { type = "nnfs_spiral", samples = 10, classes = 3 }
[model]
layers = [{ type = "dense", units = "${width}" }, "relu", { type = "dense", units = 3 }, "softmax"]
[optimizer]
type = "sgd"
[training]
epochs = 2
"""


def swept(section):
    """Return the points of a section in an otherwise empty document."""
    sweep, problems = sweep_of(SourceMap({"sweep": section}))
    assert problems == []
    return sweep.points()


def problems_of(section):
    _, problems = sweep_of(SourceMap({"sweep": section}))
    return [(problem.code, problem.path[1:]) for problem in problems]


@pytest.fixture
def points(tmp_path):
    """Return a function that reads the points of a section, as (name, seeds, spec)."""

    def read(section, *overrides):
        (tmp_path / "s.toml").write_text(f"{BASE}[sweep]\n{section}", "utf-8")
        changes = [parse_override(text) for text in overrides]
        pairs = read_points(tmp_path / "s.toml", changes)
        return [(point.label, point.seeds, parsed.require()) for point, parsed in pairs]

    return read


SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.text("ab.", max_size=2), st.none())
LISTS = st.lists(SCALARS, min_size=1, max_size=4, unique_by=repr)


@given(st.lists(LISTS, min_size=1, max_size=3), st.booleans())
@settings(max_examples=60)
def test_a_grid_has_each_combination_once_in_order(lists, zipped):
    section = {f"k{at}": values for at, values in enumerate(lists)}
    expected = list(product(*lists))
    if zipped:
        section["z"] = list(range(len(lists[0])))
        section["zip"] = [["k0", "z"]]
        indexed = enumerate(lists[0])
        expected = [(value, at, *rest) for at, value in indexed for rest in product(*lists[1:])]
    points = swept(section)
    assert len(points) == prod(map(len, lists))
    keys = ["k0", "z", *section][:2] if zipped else ["k0"]
    keys += [key for key in section if key not in (*keys, "zip")]
    assert [[repr(point.values[key]) for key in keys] for point in points] == [
        list(map(repr, row)) for row in expected
    ]
    names = [point.label.casefold() for point in points]
    assert len(set(names)) == len(names)
    for point in points:
        assert point.source_map.document == point.values


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_a_condition_leaves_a_key_out_elsewhere(others, inner, chosen):
    chosen = min(chosen, others)
    section = {
        "inner": list(range(inner)),
        "other": list(range(others)),
        "when": {"inner": {"other": list(range(chosen))}},
    }
    points = swept(section)
    assert len(points) == chosen * inner + (others - chosen)
    for point in points:
        assert ("inner" in point.values) == (point.values["other"] < chosen)


def test_seeds_are_runs_of_one_point(points):
    grid = points('seed = { from = 3, to = 5 }\n"training.epochs" = [1, 2]\n')
    assert [point[:2] for point in grid] == [("-epochs=1", (3, 4, 5)), ("-epochs=2", (3, 4, 5))]
    zipped = points(
        'seed = [1, 2, 3]\nvariables.width = [4, 4, 5]\nzip = [["seed", "variables.width"]]'
    )
    assert [point[:2] for point in zipped] == [("-width=4", (1, 2)), ("-width=5", (3,))]
    assert [point[2].model.layers[0].units for point in zipped] == [4, 5]


def test_swept_values_replace_the_specs_and_longer_keys_change_parts_of_them(points):
    grid = points(
        '"optimizer.momentum" = [0.5, 0.9]\n'
        'optimizer = ["adam", { type = "sgd", learning_rate = 0.25 }]\n'
        'when = { "optimizer.momentum" = { optimizer = "sgd" } }\n'
    )
    names = ["-optimizer=adam", "-momentum=0.5-optimizer=sgd", "-momentum=0.9-optimizer=sgd"]
    assert [point[0] for point in grid] == names
    specs = [point[2] for point in grid]
    assert [spec.optimizer.type for spec in specs] == ["adam", "sgd", "sgd"]
    assert [spec.optimizer.momentum for spec in specs[1:]] == [0.5, 0.9]
    assert [spec.optimizer.learning_rate for spec in specs[1:]] == [0.25, 0.25]
    assert all(spec.sweep is None for spec in specs)


def test_the_command_line_replaces_a_swept_key(points, tmp_path):
    section = 'optimizer.learning_rate = [0.1, 0.2]\n"training.epochs" = [1, 2]\n'
    grid = points(section, "optimizer.learning_rate=0.5", "seed=4")
    assert [point[0] for point in grid] == ["-epochs=1", "-epochs=2"]
    assert {(point[2].optimizer.learning_rate, point[2].seed) for point in grid} == {(0.5, 4)}
    assert [point[0] for point in points(section, "sweep={}")] == [""]
    zipped = section + 'zip = [["optimizer.learning_rate", "training.epochs"]]'
    with pytest.raises(declnet.SpecError, match="varies together with other keys"):
        points(zipped, "training.epochs=4")
    more = [swept_value(parse_override(f"seed={seed}", 3)) for seed in (7, 8)]
    varied = [point for point, _ in read_points(tmp_path / "s.toml", (), [more])]
    assert [point.seeds for point in varied] == 2 * [(7, 8)]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"seed": [1, "a", -1]}, [("E012", ("seed", 1)), ("E013", ("seed", 2))]),
        ({"a": {}}, [("E012", ("a",))]),
        ({"a": [1, 2, 1]}, [("E019", ("a", 2))]),
        ({"a": {"b": [1]}, "a.b": [1]}, [("E003", ("a.b",))]),
        ({"extends": ["a"], "name": ["b"]}, [("E053", ("extends",)), ("E053", ("name",))]),
        ({"a": [1], "zip": "a"}, [("E012", ("zip",))]),
        ({"a": [1], "zip": [["a"]]}, [("E018", ("zip", 0))]),
        (
            {"a": [1], "b": [1], "c": [1], "zip": [["a", "b"], ["b", "c"]]},
            [("E019", ("zip", 1, 0))],
        ),
        ({"a": [1], "when": 3}, [("E012", ("when",))]),
        ({"a": [1], "when": {"b": {"a": 1}}}, [("E010", ("when", "b"))]),
        ({"a": [1], "when": {"a": {"b": 1}}}, [("E010", ("when", "a", "b"))]),
        ({"a": [1], "when": {"a": 1}}, [("E012", ("when", "a"))]),
        ({"a": [1], "when": {"a": {"a": 1}}}, [("E053", ("when", "a", "a"))]),
        ({"a": [1], "b": [1], "when": {"a": {"b": 1}, "b": {"a": 1}}}, [("E053", ("when",))]),
        ({"a": {"from": 0, "to": 0.5}}, [("E012", ("a", "to"))]),
        ({"a": {"from": 0, "to": 3, "step": 0}}, [("E013", ("a", "step"))]),
        ({"a": {"from": 0, "to": 10**9}}, [("E013", ("a", "to"))]),
        ({"a": {"from": 0, "to": 3, "log": [1, 2]}}, [("E053", ("a",))]),
        ({"a": {"count": 3}}, [("E011", ("a",))]),
        ({"a": {"log": [0, 2], "count": 3}}, [("E013", ("a", "log"))]),
        ({"a": {"log": [1, 2, 3], "count": 3}}, [("E012", ("a", "log"))]),
        ({"a": {"log": [1, True], "count": 3}}, [("E012", ("a", "log"))]),
        ({"a": {"linear": [1, 1], "count": 3}}, [("E013", ("a", "linear"))]),
        ({"a": {"linear": [-1e308, 1e308], "count": 3}}, [("E013", ("a", "linear"))]),
        ({"a": {"linear": [1, 4], "count": 9}}, [("E013", ("a", "count"))]),
        ({"a": {"linear": [1, 4], "count": 1}}, [("E013", ("a", "count"))]),
    ],
    ids=str,
)  # fmt: skip
def test_errors_in_the_section_are_located(section, expected):
    assert problems_of(section) == expected


def test_a_section_must_be_a_table_and_is_not_too_large():
    assert [problem.code for problem in sweep_of(SourceMap({"sweep": [1]}))[1]] == ["E012"]
    half = list(range(MOST_RUNS // 100 + 1))
    with pytest.raises(declnet.SpecError, match="more than 10,000 runs"):
        swept({"a": half, "b": half})


@given(st.integers(1, 10**6), st.integers(2, 40), st.floats(1.5, 1e3))
def test_ranges_include_their_ends_with_equal_ratios_or_distances(first, count, factor):
    last = first * factor
    for form in ("linear", "log"):
        reader = Reader()
        values = range_values(reader, {form: [float(first), last], "count": count}, ())
        assert reader.problems == []
        assert (values[0], values[-1], len(values)) == (first, last, count)
        assert values == sorted(set(values))
        steps = [b / a if form == "log" else b - a for a, b in pairwise(values)]
        assert max(steps) - min(steps) <= 1e-4 * max(values if form == "linear" else steps)


def test_a_run_of_a_sweep_is_refused_unless_it_is_emptied(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text(f"{BASE}[sweep]\nseed = [1, 2]\nvariables.width = [4, 5]\n", "utf-8")
    spec = declnet.load_spec(file)
    assert spec.sweep.count() == 4
    with pytest.raises(declnet.SpecError, match="a sweep of 4 runs") as caught:
        declnet.run(spec)
    assert (caught.value.problems[0].place.line, caught.value.problems[0].code) == (13, "E053")
    assert declnet.run(declnet.load_spec(file, {"sweep": {}})).epochs == 2
