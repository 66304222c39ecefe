"""Schedules that break their contract."""

from typing import Any, ClassVar

from declnet import Schedule

_asked: list[int] = []


class FallsAtEachCall(Schedule):
    """rate = 1 / (how often it was asked)."""

    type = "falls_at_each_call"

    def rate(self, step, total):
        _asked.append(step)
        return 1 / len(_asked)


class FallsBelowZero(Schedule):
    """rate = 1 - step / 5000."""

    type = "falls_below_zero"

    def rate(self, step, total):
        return 1 - step / 5000


class Overflows(Schedule):
    """rate = 1.01**step."""

    type = "overflows"

    def rate(self, step, total):
        return 1.01**step


class NotesItsSteps(Schedule):
    """rate = 1 / step, with the requested steps in a list on the class."""

    type = "notes_its_steps"
    asked: ClassVar[list[Any]] = []

    def rate(self, step, total):
        self.asked.append(step)
        return 1 / step


class EndsBelowZero(Schedule):
    """rate = 1 - 1.1 * step / total."""

    type = "ends_below_zero"

    def rate(self, step, total):
        return 1 - 1.1 * step / total


class GivesNothing(Schedule):
    """No rate after step 100."""

    type = "gives_nothing"

    def rate(self, step, total):
        return 0.1 if step <= 100 else None


WRONG = {
    FallsAtEachCall: "keeps_uses_apart",
    FallsBelowZero: "rates_are_right",
    Overflows: "rates_are_right",
    NotesItsSteps: "keeps_nothing_on_itself",
    EndsBelowZero: "rates_are_right",
    GivesNothing: "rates_are_right",
}
