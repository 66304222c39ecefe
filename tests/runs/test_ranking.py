"""Which values of a metric are better."""

from __future__ import annotations

from declnet.runs.ranking import common_directions, stored_directions

LOSSES = dict.fromkeys(("loss", "data_loss", "regularization_loss"), "lower")


def test_directions_are_those_of_the_manifest():
    stored = {"loss": "lower", "hits": "higher", "count": None, "odd": 7}
    assert stored_directions(stored) == {**LOSSES, "hits": "higher"}


def test_runs_that_disagree_have_no_direction_in_common():
    first, second = {"hits": "higher", "gap": None, "both": "lower"}, {"hits": "lower"}
    common = common_directions([first, second, {"both": None}])
    assert common == {"hits": None, "gap": None, "both": "lower"}
