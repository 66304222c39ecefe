"""The time left, estimated from the progress since the first report."""

from __future__ import annotations

import pytest

from declnet.runs.display import time_left
from declnet.runs.display.time_left import TimeLeft, clock_text


def test_progress_before_the_first_report_does_not_count(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time_left.time, "monotonic", lambda: now[0])
    estimate = TimeLeft()
    assert estimate.seconds(50, 100) is None  # of a resumed run
    now[0] += 20
    assert estimate.seconds(50, 100) is None
    assert estimate.seconds(60, 100) == pytest.approx(80)
    now[0] += 60
    assert estimate.seconds(60.5, None) is None
    assert estimate.seconds(70, 100) == pytest.approx(120)  # slower meanwhile
    assert estimate.seconds(101, 100) == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-:--"), (0, "0:00"), (65.4, "1:05"), (7265, "2:01:05")]
)
def test_a_clock(seconds, text):
    assert clock_text(seconds) == text
