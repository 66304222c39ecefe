"""Deadlines of runs."""

from __future__ import annotations

import time

import pytest

from declnet.runs.signals import DeadlineReached, interrupted_at, require_time


def test_a_deadline_applies_only_in_its_context():
    for deadline in (time.time() - 1, time.time() + 1000):
        with interrupted_at(time.time() + 1000), interrupted_at(deadline):
            if deadline < time.time():
                with pytest.raises(DeadlineReached):
                    require_time()
            else:
                require_time()
        require_time()
