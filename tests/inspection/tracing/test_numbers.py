"""Arrays as text: small ones in full, large ones as statistics and corners."""

from __future__ import annotations

import numpy as np

from declnet.inspection.tracing.numbers import is_large, matrices, statistics


def shown(array: np.ndarray) -> list[tuple[str, list[str]]]:
    return [(matrix.index, [" ".join(row) for row in matrix.rows]) for matrix in matrices(array)]


def test_large_arrays_are_corners_and_statistics() -> None:
    images = np.arange(3 * 4 * 6 * 6, dtype=float).reshape(3, 4, 6, 6)
    assert is_large(images)
    corners = shown(images)
    assert [index for index, _ in corners] == ["[0, 0]", "[0, 3]", "[2, 0]", "[2, 3]"]
    assert corners[0][1][0].split() == ["0.0000", "1.0000", "…", "4.0000", "5.0000"]
    assert corners[-1][1][-1].split()[-1] == "431.0000"
    assert len(corners[0][1]) == 5
    (narrow,) = shown(np.arange(300.0).reshape(100, 3))
    assert narrow[1][0] == "0.0000 1.0000 2.0000"
    assert statistics(images).startswith("mean 215.5, standard deviation 124.7, from 0 to 431")


def test_a_large_constant_array_is_one_word() -> None:
    zeros = np.zeros((3, 64))
    assert statistics(zeros) == "all 0"
    assert shown(zeros) == []
    zeros[1, 1] = 1e-7
    assert statistics(zeros).endswith("from 0 to 1e-07")
    assert shown(zeros)[0][1][1].startswith("0.0000e+00 1.0000e-07 …")
    almost = np.ones((3, 64))
    almost[0, 0] += 1e-9
    assert statistics(almost).startswith("mean 1, ")
