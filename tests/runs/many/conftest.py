"""A searcher that needs no other package."""

from __future__ import annotations

import pytest

from declnet import Searcher
from declnet.testing.examples import registry_with


class Steps(Searcher):
    """Proposes rates in order; trials of rates below 0.05 are stopped after their first report."""

    type = "steps"
    rates: tuple[float, ...] = (0.1, 0.01, 0.2, 0.3)

    def propose(self, study, number, trials):
        assert [trial.number for trial in trials] == list(range(number))
        if number >= len(self.rates):
            return None
        return {"optimizer.learning_rate": self.rates[number], "model.layers.1": "relu"}

    def should_stop(self, study, trial, trials):
        assert "running" not in {other.state for other in trials}
        return trial.values["optimizer.learning_rate"] < 0.05 and len(trial.reported) == 1


@pytest.fixture
def registry():
    """All components, and the searcher `steps`."""
    return registry_with([Steps])
