from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from declnet_plugins.report.page.ranking import rank

samples = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40)


@given(samples)
def test_areas_match_scikit_learn(pairs):
    metrics = pytest.importorskip("sklearn.metrics")
    scores = np.array([score for score, _ in pairs], float)
    positive = np.array([label for _, label in pairs])
    assume(positive.any() and not positive.all())
    result = rank(scores, positive)
    assert result.roc_area == pytest.approx(metrics.roc_auc_score(positive, scores))
    expected = metrics.average_precision_score(positive, scores)
    assert result.average_precision == pytest.approx(expected)
    false, true, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(result.false_positive_rate, false)
    np.testing.assert_allclose(result.true_positive_rate, true)


@pytest.mark.parametrize("positive", [[True, True], [False, False]])
def test_one_class_alone_cannot_be_ranked(positive):
    assert rank(np.array([0.1, 0.2]), np.array(positive)) is None
