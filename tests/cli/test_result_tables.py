"""Tests of result tables."""

from __future__ import annotations

import numpy as np

from declnet import Evaluation
from declnet.cli.result_tables import print_evaluation


def test_of_many_classes_the_worst_pairs_are_listed(capsys):
    counts = np.diag(np.full(25, 40))
    counts[3, 8], counts[20, 1] = 7, 9
    names = tuple(f"c{index}" for index in range(25))
    print_evaluation(Evaluation("test", 1016, {"loss": 1.0}, names, counts))
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    at = words.index(["Most", "often", "confused"])
    found = [line for line in words[at:] if len(line) == 3 and line[2].isdigit()]
    assert found == [["c20", "c1", "9"], ["c3", "c8", "7"]]
