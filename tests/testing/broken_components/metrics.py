"""Metrics that break their contract."""

from typing import Any, ClassVar

import numpy as np

from declnet import Metric


class MeanError(Metric):
    """The mean of |y_pred - y_true|; right, the others spoil it."""

    type = "mean_error"

    def start(self):
        return [0.0, 0]

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true.reshape(y_pred.shape)).sum())
        state[1] += y_pred.size

    def result(self, state):
        return state[0] / state[1]


class MeanOfBatchMeans(MeanError):
    """The mean of the batches' means."""

    type = "mean_of_batch_means"

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true.reshape(y_pred.shape)).mean())
        state[1] += 1


class KeepsTheBatches(MeanError):
    """The mean error, of arrays that it does not own."""

    type = "keeps_the_batches"

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        state.append((y_pred, y_true.reshape(y_pred.shape)))

    def result(self, state):
        return float(np.mean(np.concatenate([np.abs(a - b) for a, b in state])))


class CountsOnItself(MeanError):
    """The mean error, of all that it ever saw."""

    type = "counts_on_itself"
    seen: ClassVar[list[Any]] = [0.0, 0]

    def start(self):
        return self.seen


class BroadcastsTargets(MeanError):
    """The mean error, of (n, 1) against (n,) broadcast."""

    type = "broadcasts_targets"

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true).mean()) * len(y_pred)
        state[1] += len(y_pred)


class SortsPredictions(MeanError):
    """The mean error, with the predictions sorted where they lie."""

    type = "sorts_predictions"

    def update(self, state, y_pred, y_true):
        y_pred.sort(axis=1)
        super().update(state, y_pred, y_true)


class TakesNothing(MeanError):
    """The mean error of nothing."""

    type = "takes_nothing"

    def result(self, state):
        return float("nan")


class HigherErrorsAreBetter(MeanError):
    """The mean error, said to be better where it is higher."""

    type = "higher_errors_are_better"
    better = "higher"


class LowerHitsAreBetter(MeanError):
    """The share of right labels, said to be better where it is lower."""

    type = "lower_hits_are_better"
    better = "lower"

    def update(self, state, y_pred, y_true):
        if y_true.ndim != 1 or y_true.dtype.kind != "i" or y_pred.shape[1] == 1:
            raise ValueError("labels only")
        state[0] += int((y_pred.argmax(axis=1) == y_true).sum())
        state[1] += len(y_true)


class ClipsTargets(MeanError):
    """The mean error, with y_true clipped to a range that it never leaves."""

    type = "clips_targets"

    def update(self, state, y_pred, y_true):
        np.clip(y_true, -1000, 1000, out=y_true)
        super().update(state, y_pred, y_true)


class GivesAnArray(MeanError):
    """The errors, not their mean."""

    type = "gives_an_array"

    def result(self, state):
        return np.array([state[0], state[1]])


WRONG = {
    MeanOfBatchMeans: "parts_equal_the_whole",
    KeepsTheBatches: "parts_equal_the_whole",
    CountsOnItself: "keeps_uses_apart",
    BroadcastsTargets: "parts_equal_the_whole",
    SortsPredictions: "leaves_inputs_alone",
    TakesNothing: "takes_usual_data",
    HigherErrorsAreBetter: "says_which_values_are_better",
    LowerHitsAreBetter: "says_which_values_are_better",
    ClipsTargets: "leaves_inputs_alone",
    GivesAnArray: "takes_usual_data",
}
