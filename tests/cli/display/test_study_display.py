"""The progress bar of a study."""

from __future__ import annotations

from typing import Any

from declnet.cli.display import progress, study_display
from declnet.runs.many import run_tasks
from declnet.training import heartbeat


class Bar:
    """A progress bar that records what it would show."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def add_task(self, _: str, **fields: Any) -> int:
        self.steps.append(fields)
        return 0

    def update(self, _: int, **fields: Any) -> None:
        self.steps.append(fields)


def test_the_bar_counts_only_trials_and_never_goes_backwards(
    declnet_cli, document, spec_file, monkeypatch
):
    """Trials of three folds each, after runs of the spec's own values."""
    bars = []
    for module in (progress, study_display):
        monkeypatch.setattr(module, "is_terminal", lambda _: True)
    monkeypatch.setattr(progress, "progress_bar", lambda *_, **__: bars.append(Bar()) or bars[-1])
    monkeypatch.setattr(progress, "STEP", 0.0)
    for module in (run_tasks, heartbeat):
        monkeypatch.setattr(module, "HEARTBEAT", 0.0)
    document["training"]["epochs"] = 6
    document["data"]["folds"] = 3
    space = {"optimizer.learning_rate": {"low": 0.01, "high": 1.0}}
    tune = {"trials": 3, "search": "random", "space": space}
    declnet_cli.succeeds("tune", spec_file({**document, "tune": tune}), "--out", "study")
    (bar,) = bars
    completed = [step["completed"] for step in bar.steps]
    assert completed == sorted(completed)
    assert all(step["done"] <= step["completed"] <= step["done"] + 1 for step in bar.steps)
    assert len({round(share % 1, 6) for share in completed}) > 10
    assert (bar.steps[0]["total"], completed[0], completed[-1]) == (3, 0, 3)
