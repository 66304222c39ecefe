"""Recorded batches as programs of one sample, which compute the same for batches of other sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet_plugins.recording import (
    NotRecordedError,
    RecordedGenerator,
    SampleRecording,
    interpreted,
)

from .programs import COUNT, TABLE, computed, recorded

SHAPES = ((3,), (1,), (2, 3), (4, 1), (2, 2, 3))
CODES = st.lists(st.integers(0, 5 * COUNT - 1), min_size=1, max_size=7)


def batch(n: int, shape: tuple[int, ...], dtype: str = "f8") -> Any:
    return np.random.default_rng(n).normal(size=(n, *shape)).astype(dtype)


@given(CODES, st.sampled_from(SHAPES), st.sampled_from(["f8", "f4"]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_program_computes_the_same_for_other_batches(codes, shape, dtype, in_columns):
    def program_of(n: int) -> Any:
        x = batch(n, shape, dtype)
        x = np.asfortranarray(x) if in_columns else x
        return recorded(lambda x, table: computed(x, table, codes), x, TABLE)

    program = program_of(3)
    assert program.difference(program_of(5)) is None
    for n in (1, 2, 7):
        x = batch(n, shape, dtype)
        expected = computed(x.copy(), TABLE, codes)
        ((result,), _) = interpreted(program, [x])
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_interpolation_beyond_repeated_end_points_matches_numpy():
    points, values = np.array([4.0, 4, 16, 20, 20]), np.array([1.0, 2, 3, 5, 8])
    cells = np.array([[3.0], [4], [np.nextafter(4, 5)], [10], [20], [21], [np.inf], [-np.inf]])

    def function(x: Any) -> Any:
        return np.interp(x[:, 0], points, values)[:, None]

    ((result,), _) = interpreted(recorded(function, cells), [cells])
    np.testing.assert_allclose(result, function(cells), rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x - x.mean(axis=0), "computes with several samples together"),
        (lambda x: x[::-1], "several samples|first axis"),
        (lambda x: x[:1] + x, "computes with several samples together"),
        (lambda x: np.sort(x, axis=1), "calls np.sort, which has no form for a single sample"),
        (lambda x: x * 2 if x.max() > 0 else x, "computes with several samples together"),
        (lambda x: x * 2 if x[:, 0] > 0 else x, "needs the value of an array while it runs"),
        (lambda x: x[x > 0], "selects elements by a mask"),
        (lambda x: np.asarray(x) * 2, "uses values that were not recorded"),
        (lambda x: x.T, "returns an array whose first axis is not the samples"),
        (lambda x: x.view(np.int64) + 1, "reads the bytes of an array as another type"),
        (lambda x: np.divmod(x, 2)[0], "calls np.divmod, which returns several arrays"),
        (lambda x: x[np.arange(3), (x[:, 0] > 0).astype(int)], "places that depend on the data"),
        (lambda x: [step := x] and [step := step + x for _ in range(3000)][-1], "loop over more"),
    ],
)  # fmt: skip
def test_functions_without_a_form_for_one_sample_are_refused(function, message):
    with pytest.raises(NotRecordedError, match=message):
        recorded(function, batch(3, (4,)))


def test_random_draws_are_refused():
    recording = SampleRecording(3)
    x, rng = recording.input(batch(3, (4,))), np.random.default_rng(0)
    generator: Any = RecordedGenerator(recording, rng, 0)
    with pytest.raises(NotRecordedError, match=r"draws random numbers \(Generator.random\)"):
        np.add(x, generator.random((3, 4)))


@pytest.mark.parametrize("function", [lambda x: x / len(x), lambda x: x + np.arange(1.0)[:, None]])
def test_programs_for_batches_of_two_sizes_differ_by_what_depends_on_the_size(function):
    programs = [recorded(function, batch(n, (4,))) for n in (3, 5)]
    expected = "divide" if function(np.ones((2, 1)))[0, 0] == 0.5 else None
    assert programs[0].difference(programs[1]) == expected


def test_the_error_is_raised_in_the_line_of_the_function():
    def function(x: Any) -> Any:
        y = x + 1
        return y.sum(axis=0) * x

    with pytest.raises(NotRecordedError) as error:
        recorded(function, batch(3, (4,)))
    assert any(entry.name == "function" for entry in error.traceback)


def test_constants_are_computed_while_recording():
    table = np.arange(6.0).reshape(2, 3)

    def function(x: Any) -> Any:
        scale = np.sqrt(np.square(table).sum(axis=0)) + x[:, 0:1] * 0
        return x * np.linalg.norm(table, axis=0) + scale

    program = recorded(function, batch(3, (3,)))
    assert [operation.name for operation in program.operations if operation.kind != "map"] == []


def test_conditions_on_all_samples_are_checks_of_each():
    def function(x: Any) -> Any:
        if (x <= 0).any() or not np.isfinite(x).all():
            raise ValueError("has no logarithm")
        x -= x
        return np.log(x + 1)

    recording = SampleRecording(3, refuses=True)
    program = recording.program([function(recording.input(batch(3, (2,))))])
    x = np.array([[1.0, 2], [0, 1], [3, -1], [1, np.inf], [np.nan, 1]])
    _, masks = interpreted(program, [x])
    refused = [mask.any(axis=1).tolist() for mask in masks]
    assert refused == [
        [False, True, True, False, False],
        [False, False, False, True, True],
    ]
