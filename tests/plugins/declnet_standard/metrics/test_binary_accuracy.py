from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.metrics import BinaryAccuracy

CHANCES = np.array([[0.9], [0.2], [0.6], [0.5]])


@pytest.mark.parametrize("y", [[1, 0, 0, 0], [[1], [0], [0], [0]], [True, False, False, False]])
def test_counts_alike_for_every_form_of_y(y, figure_of):
    assert figure_of(BinaryAccuracy(), CHANCES, y) == 0.75


def test_a_prediction_at_the_threshold_says_0(figure_of):
    assert figure_of(BinaryAccuracy(), [[0.5]], [0]) == 1
    assert figure_of(BinaryAccuracy(threshold=0.4), [[0.5]], [0]) == 0


def test_scores_are_cut_at_a_threshold_of_0(figure_of):
    assert figure_of(BinaryAccuracy(threshold=0.0), [[-3.0], [0.1]], [0, 1]) == 1


def test_each_output_counts(figure_of):
    y_pred, y = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], [[1, 0], [1, 1], [0, 1]]
    assert figure_of(BinaryAccuracy(), y_pred, y, 1, 2) == 0.5


def test_y_of_another_shape_is_refused(figure_of):
    with pytest.raises(ValueError, match="reshape"):
        figure_of(BinaryAccuracy(), [[0.9, 0.1]], [1])
