"""Searchers that break what `declnet tune` relies on."""

import random
from itertools import count

from declnet import Searcher

from .expected import caught_by

CALLS = count()


def drawn(study, seed):
    """A value of each dimension that applies."""
    rng, values = random.Random(seed), {}
    for each in study.space:
        if each.applies(values):
            steps = each.choices or range(round((each.high - each.low) / each.step) + 1)
            value = rng.choice(steps)
            values[each.key] = value if each.choices else each.low + value * each.step
    return values


@caught_by("proposes_values_of_the_space")
class IgnoresConditions(Searcher):
    """A value of each dimension, whether or not it applies."""

    def propose(self, study, number, trials):
        return {"optimizer.momentum": 0.3, **drawn(study, number), "optimizer": "adam"}


@caught_by("repeats_a_study")
class DrawsAnew(Searcher):
    """Other values at each call."""

    def propose(self, study, number, trials):
        return drawn(study, next(CALLS))


class Memory:
    """A study in memory."""

    def __init__(self, study, trials):
        self.study, self.found, self.asked = study, trials, 0

    def ask(self):
        from declnet import StudyTrial

        values = drawn(self.study, len(self.found) * 100 + self.asked)
        self.asked += 1
        trial = StudyTrial(len(self.found), values, worker=self.study.worker)
        self.found.append(trial)
        return trial

    def trials(self):
        return self.found

    def report(self, number, step, value):
        return False

    def tell(self, number, state, value, seconds):
        from dataclasses import replace

        self.found[number] = replace(self.found[number], state=state, value=value)

    def importance(self):
        return {}

    def close(self):
        pass


@caught_by("keeps_what_it_is_told")
class Forgets(Searcher):
    """Keeps trials while the process lives."""

    def open(self, study):
        return Memory(study, [])


FOLDERS = {}


@caught_by("continues_a_study")
class CountsItsCalls(Searcher):
    """Values that depend on how often this process was asked."""

    def open(self, study):
        return Memory(study, FOLDERS.setdefault(study.directory, []))
