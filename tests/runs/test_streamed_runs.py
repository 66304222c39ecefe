"""Runs on streamed data: as accurate as in memory, resumed to the bit, in little memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from declnet import DataError, open_run, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged
from declnet.training import heartbeat

KILLS = int(os.environ.get("DECLNET_TEST_STREAM_KILLS", "0"))
"""Random kills of runs on each format of streamed data; by default, one of a run on CSV."""

FILES = ("weights.safetensors", "metrics.json", "history.jsonl", "preparation.json")


@pytest.fixture
def document(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (500, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", (x[:, 0] > x[:, 1]).astype(np.int64))
    source = {"type": "npy", "x": str(tmp_path / "x.npy"), "y": str(tmp_path / "y.npy")}
    layers = [
        {"type": "dense", "units": 8},
        "relu",
        {"type": "dropout", "rate": 0.1},
        {"type": "dense", "units": 2},
        "softmax",
    ]
    stream = {"validation": 0.2, "prepare": ["standardize"], "stream": {"window": 64}}
    return {
        "declnet": 1,
        "data": {"train": source, **stream},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 4, "batch_size": 24, "metrics": ["accuracy"]},
    }


def require_same(one, other):
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_it_learns_and_its_run_can_be_used(document, tmp_path):
    result = run(parse_spec(document), out=tmp_path / "run")
    assert result.metrics["validation"]["accuracy"] > 0.9
    assert result.baselines["train"].prediction
    stored = open_run(tmp_path / "run")
    sizes = [part.samples for part in stored.manifest.data.values()]
    assert sum(sizes) == 500
    x = np.load(tmp_path / "x.npy")
    predicted = stored.predictor().predict(x).outputs.argmax(axis=1)
    assert (predicted == np.load(tmp_path / "y.npy")).mean() > 0.9
    with pytest.raises(DataError, match="streamed"):
        stored.data()


@pytest.mark.parametrize("at", [1, 7, 17, 18, 60])
def test_a_run_interrupted_anywhere_is_resumed_to_the_bit(document, tmp_path, monkeypatch, at):
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)
    spec, steps = parse_spec(document), [0]
    whole = run(spec, out=tmp_path / "whole").directory

    def interrupting(event):
        steps[0] += not isinstance(event, EpochLogged)
        if steps[0] == at:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(spec, out=tmp_path / "run", listener=interrupting)
    resume(tmp_path / "run")
    require_same(whole, tmp_path / "run")


KILLED = """
import json, os, signal, sys
from declnet import parse_spec, run
from declnet.contracts.runs.callback import EpochLogged
from declnet.training import heartbeat
heartbeat.HEARTBEAT, heartbeat.PART = -1.0, 0.0
steps = 0
def killing(event):
    global steps
    steps += not isinstance(event, EpochLogged)
    if steps == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
run(parse_spec(json.loads(sys.argv[1])), out=sys.argv[2], listener=killing)
"""


def source_of(form, folder):
    """Write the arrays of the document as a table; return its data source."""
    polars = pytest.importorskip("polars")
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    frame = polars.DataFrame({f"x{at}": column for at, column in enumerate(x.T)} | {"y": y})
    path = folder / f"table.{form}"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path, row_group_size=70)
    return {"type": form, "path": str(path), "target": "y"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
@pytest.mark.parametrize("form", ["csv", "npy", "parquet"] if KILLS else ["csv"])
def test_a_run_killed_within_an_epoch_is_resumed_to_the_bit(document, tmp_path, form):
    if form != "npy":
        document["data"]["train"] = source_of(form, tmp_path)
    often = {"type": "checkpoint", "every_minutes": 1e-9}  # also within epochs
    document["training"]["callbacks"] = [often]
    whole = run(parse_spec(document), out=tmp_path / "whole").directory
    kills = [23] if not KILLS else np.random.default_rng(0).integers(1, 60, KILLS).tolist()
    for number, at in enumerate(kills):
        folder = tmp_path / f"run_{number}"
        command = [sys.executable, "-c", KILLED, json.dumps(document), str(folder), str(at)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert at == 1 or [*(folder / "checkpoints").iterdir()]  # the first event comes before any
        resume(folder)
        require_same(whole, folder)


MEASURED = """
import json, sys
from pathlib import Path
from declnet import parse_spec, run
run(parse_spec(json.loads(sys.argv[1])))
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024)
"""

MEGABYTES = int(os.environ.get("DECLNET_TEST_STREAM_MB", "0"))
"""Size of the file that is streamed in little memory."""


@pytest.mark.skipif(not MEGABYTES, reason="takes long: DECLNET_TEST_STREAM_MB=800")
def test_memory_does_not_grow_with_the_data(document, tmp_path):
    rows = MEGABYTES * 10**6 // 400
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, 100)}
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        rng = np.random.default_rng(0)
        for start in range(0, rows, 10_000):
            part = rng.standard_normal((min(10_000, rows - start), 100), np.float32)
            file.write(part.tobytes())
    np.save(tmp_path / "y.npy", np.arange(rows) % 2)
    document["data"]["stream"] = True
    document["training"] |= {"epochs": 1, "batch_size": 256}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, json.dumps(document)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 500
