"""The progress bar of a pass over data, shown on a terminal after a moment, unless quiet."""

from __future__ import annotations

import pytest

from declnet.cli.display import passes, progress
from declnet.data.passes import followed


class Bar:
    """A progress bar that records its updates."""

    def __init__(self):
        self.calls = []

    def add_task(self, title, total, rows):
        self.calls.append(("add", title, total, rows))
        return 0

    def update(self, task, completed, rows):
        self.calls.append(("update", completed, rows))

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")


@pytest.fixture
def bars(monkeypatch):
    shown = []

    def progress_bar(*columns):
        shown.append(Bar())
        return shown[-1]

    monkeypatch.setattr(progress, "progress_bar", progress_bar)
    monkeypatch.setattr(passes, "MOMENT", 0)
    monkeypatch.setattr(passes, "is_terminal", lambda stream: True)
    return shown


def read(total=None, **options):
    with passes.passes_followed(**options):
        list(followed([range(1500), range(500)], "reading the table", len, total))


def test_a_terminal_shows_a_bar_for_each_pass(bars):
    read()
    read(2000)
    assert [bar.calls for bar in bars] == [
        [
            ("add", "reading the table", total, f"1,500{of_all}"),
            "start",
            ("update", 1500, f"1,500{of_all}"),
            ("update", 2000, f"2,000{of_all}"),
            "stop",
        ]
        for total, of_all in [(None, ""), (2000, "/2,000")]
    ]


def test_short_passes_quiet_commands_and_files_show_none(bars, monkeypatch):
    read(quiet=True)
    monkeypatch.setattr(passes, "MOMENT", 60)
    read()
    monkeypatch.setattr(passes, "MOMENT", 0)
    monkeypatch.setattr(passes, "is_terminal", lambda stream: False)
    read()
    assert not bars
