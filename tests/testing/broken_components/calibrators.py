"""Calibrators that break their contract."""

from typing import ClassVar

import numpy as np

from declnet import Calibrator

from .expected import caught_by


class Sharper(Calibrator):
    """Right: p ** 2 / sum(p ** 2)."""

    type = "sharper"
    tasks = ("classes",)

    def fit(self, y_pred, y_true, task):
        return {"power": 2.0}

    def apply(self, y_pred, state):
        powers = y_pred ** state["power"]
        return powers / powers.sum(axis=1, keepdims=True)


@caught_by("gives_something_for_its_tasks")
class TakesTooMuch(Sharper):
    """Declares tasks that it cannot take."""

    tasks = ("classes", "binary")


@caught_by("gives_probabilities_for_probabilities")
class ForgetsTheSum(Sharper):
    """Powers that are not probabilities."""

    def apply(self, y_pred, state):
        return y_pred ** state["power"]


@caught_by("leaves_inputs_alone")
class SharpensInPlace(Sharper):
    """Overwrites the predictions."""

    def apply(self, y_pred, state):
        np.square(y_pred, out=y_pred)
        return y_pred / y_pred.sum(axis=1, keepdims=True)


@caught_by("parts_equal_the_whole")
class SharpensByTheBatch(Sharper):
    """Lets the power depend on the batch."""

    def apply(self, y_pred, state):
        return super().apply(y_pred, {"power": 1 + y_pred.max()})


@caught_by("state_can_be_stored")
class KeepsATuple(Sharper):
    """Has a state that is not as before when it is read back."""

    def fit(self, y_pred, y_true, task):
        return {"power": (2.0,)}

    def apply(self, y_pred, state):
        return super().apply(y_pred, {"power": state["power"][0]})

    def verify_state(self, state):
        if not isinstance(state["power"], tuple):
            raise ValueError("the power is not a tuple")


class Within(Calibrator):
    """Right: predictions ± the largest error."""

    type = "within"
    tasks = ("values",)

    def fit(self, y_pred, y_true, task):
        return {"error": np.abs(y_pred - y_true).max(axis=0)}

    def intervals(self, y_pred, state):
        return y_pred - state["error"], y_pred + state["error"]


@caught_by("keeps_its_promise")
class PromisesTooMuch(Within):
    """Promises everything, with intervals of half the width."""

    def intervals(self, y_pred, state):
        return y_pred - state["error"] / 4, y_pred + state["error"] / 4

    def promised_coverage(self):
        return 0.99


@caught_by("leaves_inputs_alone")
class SortsTheTargets(Within):
    """Overwrites the targets that it verifies."""

    def verify_targets(self, y_true):
        y_true.sort(axis=0)


@caught_by("gives_something_for_its_tasks")
class UpsideDown(Within):
    """Bounds in the wrong order."""

    def intervals(self, y_pred, state):
        return super().intervals(y_pred, state)[::-1]


@caught_by("keeps_nothing_on_itself")
class RemembersOnItself(Within):
    """Keeps what it learns on its class."""

    learned: ClassVar[float] = 0.0

    def fit(self, y_pred, y_true, task):
        type(self).learned = type(self).learned + 1
        return super().fit(y_pred, y_true, task)
