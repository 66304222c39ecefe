"""Runs ended from outside keep their results so far."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from declnet import load_model, open_run


@pytest.fixture
def long_run(declnet_cli, spec_file, document, tmp_path):
    """Start an endless run, wait for its tenth line, and end it with a signal."""
    document["training"]["epochs"] = 10**9

    def end(number):
        with declnet_cli.start("run", spec_file(document), "--out", "out") as process:
            for _ in range(10):
                process.stdout.readline()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        return process.returncode, err, tmp_path / "out"

    return end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_keeps_history_and_weights(
    long_run, history_of, number, blobs
):
    code, err, out = long_run(number)
    assert code == 130
    assert err.strip() == "interrupted"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert manifest["seconds"] > 0
    rows = history_of(out)
    assert [row["epoch"] for row in rows] == list(range(len(rows)))
    assert len(rows) >= 10
    assert np.isfinite(load_model(out).predict(blobs[0])).all()
    assert not (out / "metrics.json").exists()
    assert not [each for each in out.iterdir() if each.name.startswith(".")]


def test_a_killed_run_leaves_lines_and_files_that_can_be_read(long_run):
    code, err, out = long_run(signal.SIGKILL)
    assert (code, err) == (-signal.SIGKILL, "")
    stored = open_run(out)
    assert [row["epoch"] for row in stored.history] == list(range(len(stored.history)))
    assert len(stored.history) >= 10
    assert stored.manifest["status"] == "running"


def test_a_quiet_run_that_logs_nothing_is_interrupted_too(
    declnet_cli, spec_file, document, tmp_path
):
    document["training"] |= {"epochs": 10**9, "log_every": 10**9}
    with declnet_cli.start("run", spec_file(document), "--quiet", "--out", "out") as process:
        while not (tmp_path / "out" / "history.jsonl").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "interrupted")
    assert '"interrupted"' in (tmp_path / "out" / "manifest.json").read_text()
