"""Metrics with one defect each."""

import numpy as np

from declnet import Metric

ONE_VALUE = ((1,), (3,), ((1,), ()))


class MeanSquaredDistance(Metric):
    """Without a batch it divides by zero instead of returning NaN."""

    type = "mean_squared_distance"
    better = "lower"
    example_shapes = ONE_VALUE

    def start(self):
        return [0.0, 0]

    def update(self, state, y_pred, y_true):
        state[0] += float(np.sum(np.square(y_pred - y_true.reshape(y_pred.shape)), dtype=float))
        state[1] += y_pred.size

    def result(self, state):
        return state[0] / state[1]


class SumInSingle(Metric):
    """It sums in float32, where small terms no longer change a large sum."""

    type = "sum_in_single"
    better = "lower"
    example_shapes = ONE_VALUE

    def start(self):
        return np.zeros(2, np.float32)

    def update(self, state, y_pred, y_true):
        for error in np.abs(y_pred - y_true.reshape(y_pred.shape)).ravel():
            state[0] += np.float32(error)
            state[1] += np.float32(1)

    def result(self, state):
        return float(state[0] / state[1]) if state[1] else float("nan")


class Explained(Metric):
    """It declares lower values as better, though perfect predictions give 1."""

    type = "explained"
    better = "lower"
    example_shapes = ONE_VALUE

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        truth = np.array(y_true, dtype=float).reshape(-1)
        state.append((np.array(y_pred, dtype=float).reshape(-1), truth))

    def result(self, state):
        if not state:
            return float("nan")
        predicted, true = (np.concatenate(parts) for parts in zip(*state, strict=True))
        spread = float(np.sum(np.square(true - true.mean())))
        return 1 - float(np.sum(np.square(true - predicted))) / spread if spread else 0.0


class HarmonicMean(Metric):
    """Recall and precision are 0 / 0 if no sample has, or is predicted to have, class 1."""

    type = "harmonic_mean"
    better = "higher"
    example_shapes = ((1,), ((1,), ()))

    def start(self):
        return [0, 0, 0]

    def update(self, state, y_pred, y_true):
        predicted, true = y_pred.reshape(-1) > 0.5, y_true.reshape(-1) > 0.5
        state[0] += int(np.sum(predicted & true))
        state[1] += int(np.sum(predicted))
        state[2] += int(np.sum(true))

    def result(self, state):
        right, predicted, true = state
        precision, recall = right / predicted, right / true
        return 2 * precision * recall / (precision + recall)


class RankedPairs(Metric):
    """Ties are ranked by position, so the result depends on the order of samples."""

    type = "ranked_pairs"
    better = "higher"
    example_shapes = ((1,), ((1,), ()))

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        state.append((y_pred.reshape(-1).copy(), y_true.reshape(-1) > 0.5))

    def result(self, state):
        if not state:
            return float("nan")
        scores, true = (np.concatenate(parts) for parts in zip(*state, strict=True))
        positive, negative = int(true.sum()), int((~true).sum())
        if not positive or not negative:
            return 0.5
        ranks = np.empty(len(scores))
        ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
        above = float(ranks[true].sum()) - positive * (positive + 1) / 2
        return above / (positive * negative)


DEFECTS = (
    ("A", MeanSquaredDistance),
    ("A", SumInSingle),
    ("B", Explained),
    ("B", HarmonicMean),
    ("B", RankedPairs),
)
