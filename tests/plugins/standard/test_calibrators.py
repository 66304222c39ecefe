"""The mathematics of the calibrators, against a search, counting and the theory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import ColumnError, default_registry


def build(type_name, **fields):
    return default_registry().find("calibrator", type_name).model_validate(fields)


def softmax(z):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def draw(p, rng):
    return (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1).clip(max=p.shape[1] - 1)


class TestTemperature:
    @pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
    @pytest.mark.parametrize("task", ["classes", "binary", "flags"])
    def test_it_finds_the_temperature_that_logits_were_divided_by(self, task, true):
        rng = np.random.default_rng(3)
        if task == "classes":
            z = rng.normal(0, 2, (20_000, 4))
            y, y_pred = draw(softmax(z), rng), softmax(z * true)
        else:
            z = rng.normal(0, 2, (20_000,) if task == "binary" else (20_000, 3))
            y = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(int)
            y_pred = 1 / (1 + np.exp(-z * true))
        temperature = build("temperature")
        state = temperature.fit(y_pred, y, task)
        assert state["temperature"] == pytest.approx(true, rel=0.05)
        again = temperature.fit(temperature.apply(y_pred, state), y, task)
        assert again["temperature"] == pytest.approx(1, rel=1e-6)

    @pytest.mark.parametrize("prior", [0, 30])
    def test_no_other_temperature_has_a_lower_smoothed_log_loss(self, prior):
        rng = np.random.default_rng(4)
        p = softmax(rng.normal(0, 3, (50, 3)))
        y = draw(softmax(np.log(p) / 3), rng)
        temperature = build("temperature", prior_samples=prior)
        state = temperature.fit(p, y, "classes")
        smooth = (50 * np.eye(3)[y] + 1 / 3) / 51 + prior / 50 * p

        def loss(value):
            return -(smooth * np.log(temperature.apply(p, state | {"temperature": value}))).sum()

        best = loss(state["temperature"])
        assert best < min(loss(state["temperature"] * factor) for factor in (0.999, 1.001))

    @pytest.mark.parametrize(("right", "bound"), [(True, 0.01), (False, 100)])
    def test_temperatures_have_bounds(self, right, bound):
        p, y = np.array([0.4999, 0.5001]).repeat(500), np.arange(2).repeat(500)
        state = build("temperature").fit(p, y if right else 1 - y, "binary")
        assert state["temperature"] == pytest.approx(bound)

    @pytest.mark.parametrize("task", ["classes", "binary"])
    def test_probabilities_of_0_and_1_stay_finite(self, task):
        p = np.array([1.0, 0.0, 0.5, 1.0])
        y = np.array([1, 0, 1, 0])
        y_pred = p if task == "binary" else np.stack([1 - p, p], axis=1)
        temperature = build("temperature")
        result = temperature.apply(y_pred, temperature.fit(y_pred, y, task))
        assert np.isfinite(result).all()
        assert 0.5 < result.max() < 1


class TestThreshold:
    def test_no_threshold_has_a_better_metric(self):
        rng = np.random.default_rng(5)
        y = (rng.random(300) < 0.1).astype(int)
        p = np.clip(0.1 + 0.1 * y + 0.05 * rng.normal(size=300), 0, 1)
        threshold = build("threshold", metric="f1")
        result = threshold.threshold(threshold.fit(p, y, "binary"))

        def f1(at):
            right = np.count_nonzero((p > at) & (y == 1))
            return 2 * right / (np.count_nonzero(p > at) + y.sum())

        assert f1(result) == max(f1(limit) for limit in [*p, 0.0])
        assert result not in p
        assert f1(result) > 2 * f1(0.5)

    def test_a_metric_to_minimize_and_one_with_a_threshold_of_its_own(self):
        p, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1])
        for metric in ("brier", {"type": "f1", "threshold": 0.9}):
            state = build("threshold", metric=metric).fit(p, y, "binary")
            assert state["threshold"] == pytest.approx(0.25)

    def test_scores_and_predictions_that_are_all_the_same(self):
        threshold = build("threshold", metric="f1")
        scores, y = np.array([-3.0, -2.0, 5.0]), np.array([0, 1, 1])
        assert threshold.fit(scores, y, "binary") == {"threshold": -2.5}
        assert threshold.fit(np.full(3, 0.2), y, "binary") == {"threshold": 0.2}

    def test_each_label_has_the_threshold_that_it_would_have_alone(self):
        rng = np.random.default_rng(7)
        y = (rng.random((200, 3)) < [0.1, 0.5, 0.8]).astype(int)
        p = np.clip(0.3 + 0.2 * y + 0.1 * rng.normal(size=y.shape), 0, 1)
        threshold = build("threshold", metric="f1")
        state = threshold.fit(p, y, "flags")
        alone = [threshold.fit(p[:, n], y[:, n], "binary")["threshold"] for n in range(3)]
        assert threshold.threshold(state).tolist() == alone
        assert threshold.summary(state).startswith("thresholds 0.")

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_label_that_is_always_the_same_remains_so(self, dtype):
        p = np.random.default_rng(8).random((40, 2)).astype(dtype)
        y = np.broadcast_to([0, 1], p.shape)
        state = build("threshold", metric="f1").fit(p.astype(float), y, "flags")
        assert np.array_equal(p > state["threshold"], y)

    @pytest.mark.parametrize("n", [1001, 1002, 2500])
    def test_of_many_predictions_a_thousand_thresholds_are_tried_at_even_ranks(self, n):
        rng = np.random.default_rng(6)
        for _ in range(9):
            y = rng.integers(0, 2, n)
            p = rng.random(n) ** 4 + 0.3 * y
            between = np.convolve(np.sort(p), [0.5, 0.5], "valid")
            ranks = np.linspace(0, n - 2, 1000).round().astype(int)
            tried = between[ranks] if n > 1001 else between
            right = np.array([np.mean((p > limit) == y) for limit in tried])
            best = np.flatnonzero(right == right.max())
            result = build("threshold", metric="binary_accuracy").fit(p, y, "binary")
            assert result["threshold"] == tried[best[len(best) // 2]]


class TestConformal:
    @given(n=st.integers(1, 60), percent=st.integers(1, 99))
    def test_the_limit_is_the_score_of_the_finite_sample_rank(self, n, percent):
        conformal = build("conformal", coverage=percent / 100)
        rank = -(-(n + 1) * percent // 100)
        assert (conformal.least_samples() <= n) == (rank <= n)
        if rank <= n:
            errors = np.random.default_rng(n).permutation(n) + 1.0
            assert conformal.fit(np.zeros(n), errors, "values")["limit"] == rank

    def test_quantiles_are_moved_until_they_cover(self):
        rng = np.random.default_rng(7)
        spread = rng.uniform(0.1, 2, 4000)
        y = spread * rng.normal(size=4000)
        y_pred = spread[:, None] * [-0.5, 0.0, 0.5]
        conformal = build("conformal", coverage=0.8)
        state = conformal.fit(y_pred[:2000], y[:2000], "values")
        lower, upper = conformal.intervals(y_pred[2000:], state)
        held = (lower <= y[2000:]) & (y[2000:] <= upper)
        assert held.mean() == pytest.approx(0.8, abs=0.03)
        widths = upper - lower
        assert widths[spread[2000:] > 1].mean() > 1.2 * widths[spread[2000:] < 1].mean()

    @pytest.mark.parametrize("method", ["lac", "aps"])
    @pytest.mark.parametrize("coverage", [0.7, 0.95])
    def test_sets_cover_though_the_probabilities_are_wrong(self, method, coverage):
        rng = np.random.default_rng(8)
        z = rng.normal(0, 1.5, (8000, 5))
        y, p = draw(softmax(z), rng), softmax(3 * z)
        conformal = build("conformal", coverage=coverage, method=method)
        sets = conformal.sets(p[4000:], conformal.fit(p[:4000], y[:4000], "classes"))
        assert sets[np.arange(4000), y[4000:]].mean() == pytest.approx(coverage, abs=0.025)


class TestConformalInLogarithms:
    @pytest.mark.parametrize("shift", [0.0, 2.0])
    @pytest.mark.parametrize(("shape", "quantiles"), [((), False), ((3,), False), ((), True)])
    def test_it_is_conformal_of_the_logarithms(self, shift, shape, quantiles):
        rng = np.random.default_rng(10)
        z = rng.normal(1, 1, (400, *shape))
        z_pred = z + rng.normal(0, 0.5, z.shape)
        if quantiles:  # so far apart that calibration moves them past each other
            z_pred = z_pred[:, None] + rng.uniform(1, 4, (400, 1)) * [1.0, 0.0, -1.0]
        of_values = build("conformal", coverage=0.3 if quantiles else 0.8)
        of_logs = build("conformal", coverage=of_values.coverage, scale="log", shift=shift)
        y, y_pred = np.exp(z) - shift, np.exp(z_pred) - shift
        state = of_values.fit(z_pred, z, "values")
        requested = of_values.intervals(z_pred, state)
        result = of_logs.intervals(y_pred, of_logs.fit(y_pred, y, "values"))
        for part, expected in zip(result, requested, strict=True):
            assert np.allclose(part, np.exp(expected) - shift, rtol=1e-9)
        if quantiles:
            assert (result[0] == result[1]).any()

    def test_it_covers_and_is_finite_though_predictions_have_no_logarithm(self):
        rng = np.random.default_rng(11)
        y = np.exp(rng.normal(0, 1, 4000))
        y_pred = y + rng.normal(0, 1, 4000)
        assert (y_pred <= 0).mean() > 0.15
        for coverage in (0.5, 0.95):  # such a prediction sets the limit, or does not
            conformal = build("conformal", coverage=coverage, scale="log")
            state = conformal.fit(y_pred[:2000], y[:2000], "values")
            lower, upper = conformal.intervals(y_pred[2000:], state)
            held = (lower <= y[2000:]) & (y[2000:] <= upper)
            assert held.mean() == pytest.approx(coverage, abs=0.03)
            assert (lower >= 0).all()
            assert np.isfinite(upper.astype(np.float32)).all()
        extremes = np.array([-np.finfo(float).max, 0.0, np.finfo(float).max])
        lower, upper = conformal.intervals(extremes, state)
        assert np.isfinite([lower, upper]).all()
        assert (lower <= upper).all()

    def test_a_target_without_a_logarithm_is_refused_with_its_position(self):
        y = np.array([[1.0, 2.0], [0.5, -0.5], [0.0, 3.0]])
        build("conformal").verify_targets(y)
        build("conformal", scale="log", shift=0.6).verify_targets(y)
        with pytest.raises(ColumnError, match=r"is -0\.5, but must be positive") as caught:
            build("conformal", scale="log").verify_targets(y)
        assert caught.value.row == 1
        assert "shift" in caught.value.hint
