from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from declnet.report.page.statistics.classification import (
    class_figures,
    class_labels,
    confusion_counts,
)

CLASSES = 4
labels = arrays.arrays(np.intp, st.integers(1, 40), elements=st.integers(0, CLASSES - 1))


@given(labels, st.randoms())
def test_figures_are_scikit_learns(true, random):
    metrics = pytest.importorskip("sklearn.metrics")
    predicted = np.array([random.randrange(CLASSES) for _ in true])
    counts = confusion_counts(true, predicted, CLASSES)
    everything = list(range(CLASSES))
    np.testing.assert_array_equal(
        counts, metrics.confusion_matrix(true, predicted, labels=everything)
    )
    found = class_figures(counts)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        true, predicted, labels=everything, zero_division=0
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    np.testing.assert_array_equal(found.support, support)


@pytest.mark.parametrize("y", [[2, 0, 1], [[2], [0], [1]], np.eye(3)[[2, 0, 1]]])
def test_labels_of_every_form(y):
    np.testing.assert_array_equal(class_labels(np.array(y)), [2, 0, 1])
