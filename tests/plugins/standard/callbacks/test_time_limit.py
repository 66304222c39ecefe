from __future__ import annotations

import pytest

from declnet_plugins.standard.callbacks.time_limit import TimeLimit


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances by a minute at each reading."""
    now = [1000.0]

    def look():
        now[0] += 60
        return now[0]

    monkeypatch.setattr("declnet_plugins.standard.callbacks.time_limit.time.monotonic", look)
    return now


def test_epochs_that_are_not_logged_count(clock, follow):
    result, _ = follow(TimeLimit(minutes=4.0), [1] * 10, log_every=1000)
    assert result.stopped_at == 3


def test_time_between_two_sessions_does_not_count(clock, follow):
    callback = TimeLimit(minutes=5.0)
    _, state = follow(callback, [1])
    saved = callback.save(state)
    clock[0] += 10**6
    result, _ = follow(callback, [1] * 10, saved=saved)
    assert saved == {"seconds": 120.0}
    assert result.stopped_at == 2
