"""Searchers with one defect each."""

import math
import random

from declnet import Searcher


def drawn(study, rng):
    """Return a uniform draw for each key that applies."""
    values = {}
    for parameter in study.space:
        if parameter.applies(values):
            values[parameter.key] = value_of(rng, parameter)
    return values


def value_of(rng, key):
    """Draw a value of a dimension."""
    if key.choices:
        return rng.choice(key.choices)
    if key.step is not None:
        return key.low + key.step * rng.randint(0, round((key.high - key.low) / key.step))
    if not key.log:
        return rng.uniform(key.low, key.high)
    value = math.exp(rng.uniform(math.log(key.low), math.log(key.high)))
    return min(max(round(value) if key.is_integer else value, key.low), key.high)


class OnePoint(Searcher):
    """It draws only from the study's seed, so all trials are the same point."""

    type = "one_point"

    def propose(self, study, number, trials):
        return drawn(study, random.Random(study.seed))


class ByHash(Searcher):
    """Its seed is the hash of a string, which differs between processes."""

    type = "by_hash"

    def propose(self, study, number, trials):
        return drawn(study, random.Random(hash((study.name, study.seed, number))))


DEFECTS = (("A", OnePoint), ("B", ByHash))
