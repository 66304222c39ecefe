"""`declnet run`: training, output, refused specs, and interruptions."""

from __future__ import annotations

import json
import re
import resource
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from declnet import load_model
from declnet.cli import run as run_command

from ..command_line import COMPILING

INTERRUPTED = "interrupted\nto continue this run: declnet resume out"


@pytest.fixture
def fails(refused, spec_file, document, tmp_path):
    """Run the document, which must be refused and leave no folder."""

    def run(*options, code=2):
        said = refused("run", spec_file(document), "--quiet", *options, code=code)
        assert said.startswith(("error: ", "error["))
        assert not (tmp_path / "runs").exists()
        return said

    return run


def test_an_output_folder_that_is_taken_is_left_as_it_was(fails, tmp_path):
    precious = tmp_path / "out" / "weights.safetensors"
    precious.parent.mkdir()
    precious.write_text("precious")
    assert "out: the output folder is not empty" in fails("--out", "out")
    assert [file.read_text() for file in precious.parent.iterdir()] == ["precious"]
    assert "the output folder is a file" in fails("--out", "out/weights.safetensors")
    assert precious.read_text() == "precious"


def test_the_source_of_initial_weights_is_shown_unless_quiet(declnet_cli, spec_file, document):
    declnet_cli.succeeds("run", spec_file(document), "--quiet", "--out", "first")
    start = {"path": "first/weights.safetensors", "only": ["dense_1.*"]}
    document["model"]["initial_weights"] = start
    spec, line = spec_file(document), "loaded from first/weights.safetensors: dense_1."
    assert line in declnet_cli.succeeds("run", spec)
    assert line not in declnet_cli.succeeds("run", spec, "--quiet")


@pytest.mark.parametrize("out", ["data.npz/below", "/proc/declnet"])
def test_a_place_that_cannot_be_written_fails_the_run(fails, out):
    message = fails("--out", out, code=1)
    assert out in message
    assert "cannot create" in message


def test_a_run_that_diverges_fails_and_says_where(
    refused, spec_file, document, tmp_path, history_of
):
    options = ["--set", "optimizer.learning_rate=1e200", "--set", "training.epochs=100"]
    said = refused("run", spec_file(document), *options, "--quiet", "--out", "out", code=1)
    assert re.search(r"error: epoch \d+: the loss is (nan|inf): \w+ \"\w+\" of .*overflowed", said)
    assert "the largest parameter grew from" in said
    assert '"status": "failed"' in (tmp_path / "out" / "manifest.json").read_text()
    assert all(np.isfinite(row["loss"]) for row in history_of(tmp_path / "out"))


@pytest.fixture
def endless(declnet_cli, spec_file, document):
    """Start an endless run, and return its process after its tenth line."""
    document["training"]["epochs"] = 10**9
    with declnet_cli.start("run", spec_file(document), "--out", "out") as process:
        for _ in range(10):
            process.stdout.readline()
        yield process
        process.kill()


def test_a_full_disk_fails_the_run_and_says_so(endless, tmp_path):
    room = (tmp_path / "out" / "history.jsonl").stat().st_size + 1000
    (child,) = Path(f"/proc/{endless.pid}/task/{endless.pid}/children").read_text().split()
    resource.prlimit(int(child), resource.RLIMIT_FSIZE, (room, room))
    _, err = endless.communicate(timeout=60)
    assert endless.returncode == 1
    assert "history.jsonl: cannot be written: File too large" in err
    assert "Traceback" not in err
    assert '"failed"' in (tmp_path / "out" / "manifest.json").read_text()


def test_a_run_continues_when_its_reader_closes_the_pipe(endless, tmp_path):
    """The run continues without a reader and can still be interrupted."""
    endless.stdout.close()
    history = tmp_path / "out" / "history.jsonl"
    before = history.stat().st_size
    while endless.poll() is None and history.stat().st_size < before + 10_000:
        time.sleep(0.01)
    endless.send_signal(signal.SIGINT)
    err = endless.stderr.read().removeprefix(COMPILING)
    assert (endless.wait(60), err.strip()) == (130, INTERRUPTED)


def test_an_interrupted_run_that_logs_nothing_says_so_and_has_a_model(
    declnet_cli, spec_file, document, blobs, tmp_path
):
    document["training"] |= {"epochs": 10**9, "log_every": 10**9}
    with declnet_cli.start("run", spec_file(document), "--quiet", "--out", "out") as process:
        while not (tmp_path / "out" / "history.jsonl").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1].removeprefix(COMPILING)
    assert (process.returncode, err.strip()) == (130, INTERRUPTED)
    out = tmp_path / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["status"], manifest["seconds"] > 0) == ("interrupted", True)
    assert np.isfinite(load_model(out).predict(blobs[0])).all()
    assert not [path for path in out.iterdir() if path.name.startswith((".", "metrics"))]


def test_the_seconds_are_those_of_the_command(spec_file, document, tmp_path, monkeypatch, capsys):
    clock = SimpleNamespace(perf_counter=iter([100.0, 115.5]).__next__)
    monkeypatch.setattr(run_command, "time", clock)
    path = spec_file(document)
    monkeypatch.chdir(tmp_path)
    run_command.run.main([str(path), "--quiet", "--out", "out"], standalone_mode=False)
    assert "\n15.50 s, out\n" in capsys.readouterr().out
