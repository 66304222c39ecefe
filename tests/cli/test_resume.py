"""`declnet resume`: a run killed at any moment ends bit for bit like an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import tomllib

import pytest

INTERRUPTED = "interrupted\nto continue this run: declnet resume out"

FILES = ("weights.safetensors", "history.jsonl", "metrics.json", "history.csv")
KILLS = int(os.environ.get("DECLNET_TEST_KILLS", "2"))
"""In a row, of one run; times three runs. `.ci/long` has more."""

SPEC = """
declnet = 1
name = "killed"
seed = 3
data = { train = { type = "nnfs_spiral", samples = 100, classes = 3 }, validation = 0.2 }
loss = "categorical_crossentropy"
optimizer.type = "adam"
optimizer.learning_rate.type = "exponential"
optimizer.learning_rate.initial_rate = 0.02
optimizer.learning_rate.decay_rate = 0.99
optimizer.learning_rate.decay_steps = 30
[model]
layers = [
  { type = "dense", units = 16 }, "batch_norm", "relu", { type = "dropout", rate = 0.2 },
  { type = "dense", units = 3 }, "softmax",
]
[training]
log_every = 2
metrics = ["accuracy", "f1"]
callbacks = [
  { type = "early_stopping", patience = 60 },
  { type = "reduce_on_plateau", patience = 15, factor = 0.5 },
  "csv_log",
]
"""


def spec(samples, epochs, batch_size, **checkpoint):
    """A spec with everything that training depends on, with short or long epochs."""
    document = tomllib.loads(SPEC)
    document["data"]["train"]["samples"] = samples
    document["training"] |= {"epochs": epochs, "batch_size": batch_size}
    document["training"]["callbacks"].append({"type": "checkpoint", **checkpoint})
    return document


SPECS = {
    "short": spec(100, 150, 8, every_epochs=3, every_minutes=0.0005, monitor="validation_loss"),
    "long": spec(3000, 4, 4, every_minutes=0.001, keep_last=1),
}


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory):
    """The output of each spec without interruption."""
    from declnet import parse_spec, run

    results = {}
    for name, document in SPECS.items():
        folder = tmp_path_factory.mktemp(name) / "out"
        run(parse_spec(document), out=folder)
        results[name] = {file: (folder / file).read_bytes() for file in FILES}
    return results


def wait_for_a_moment(process, out, rng):
    """Wait for a random moment of a run: some time, or a checkpoint being written."""
    while process.poll() is None and not (out / "manifest.json").exists():
        time.sleep(0.001)
    watched, delay, writes = rng.random() < 0.5, rng.uniform(0, 1.5), rng.randint(1, 12)
    deadline = time.monotonic() + (8 if watched else delay)
    while process.poll() is None and time.monotonic() < deadline:
        if not watched:
            time.sleep(0.002)
        elif any((out / "checkpoints").glob(".*")):
            writes -= 1
            if not writes:
                return


@pytest.mark.xdist_group("killed_runs")
@pytest.mark.parametrize(("name", "seed"), [("short", 0), ("short", 1), ("long", 3)])
def test_killed_at_random_moments_it_ends_with_the_same_bits(
    declnet_cli, spec_file, tmp_path, never_stopped, name, seed
):
    rng, out = random.Random(seed), tmp_path / "out"
    process = declnet_cli.start("run", spec_file(SPECS[name]), "--quiet", "--out", "out")
    for _ in range(KILLS):
        wait_for_a_moment(process, out, rng)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = declnet_cli.start("resume", "out", "--quiet")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert {file: (out / file).read_bytes() for file in FILES} == never_stopped[name]
    assert json.loads((out / "manifest.json").read_text())["status"] == "finished"
    assert [path for path in out.rglob(".*") if path.is_file()] == []


def started(process):
    """Wait until a run has logged a few epochs."""
    for _ in range(5):
        process.stdout.readline()


SIGNALS = (
    (signal.SIGINT,),
    (signal.SIGTERM, signal.SIGHUP),  # of a service that is stopped
    (signal.SIGHUP, signal.SIGHUP),  # of a terminal that is closed
)


def test_an_interrupted_run_continues_where_it_stopped(declnet_cli, spec_file, document, tmp_path):
    if any(signal.getsignal(number) is signal.SIG_IGN for numbers in SIGNALS for number in numbers):
        pytest.skip("a signal is ignored, as under nohup")
    document["training"] |= {"epochs": 1500, "batch_size": 10}
    path, whole = spec_file(document), tmp_path / "whole"
    declnet_cli.succeeds("run", path, "--quiet", "--out", whole)
    for numbers in SIGNALS:
        with declnet_cli.start("run", path, "--out", "out") as process:
            started(process)
            for number in numbers:
                process.send_signal(number)
            _, err = process.communicate(timeout=60)
        assert (process.returncode, err.strip()) == (130, INTERRUPTED)
        epochs = len((tmp_path / "out" / "history.jsonl").read_text().splitlines())
        assert epochs < 1500
        done = declnet_cli("resume", "out")
        assert done.returncode == 0
        assert done.stderr.startswith(f"resuming at epoch {epochs}, after ")
        assert done.stdout.startswith(f"epoch: {epochs}, ")
        for file in FILES[:3]:
            assert (tmp_path / "out" / file).read_bytes() == (whole / file).read_bytes()
        shutil.rmtree(tmp_path / "out")


def test_a_run_that_cannot_be_resumed_exits_with_2_and_says_why(
    declnet_cli, refused, spec_file, document
):
    document["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    document["training"]["epochs"] = 10**6
    with declnet_cli.start("run", spec_file(document), "--out", "out") as process:
        started(process)
        assert "another process is writing to this run" in refused("resume", "out")
        process.kill()
    toml = declnet_cli.folder / "out" / "spec.toml"
    toml.write_text(toml.read_text().replace("epochs = 1000000", "epochs = 3"))
    said = refused("resume", "out")
    assert said.startswith("error: out: resuming would not reproduce an uninterrupted run")
    assert "spec.toml has been edited" in said
    for name in ("absent", "."):
        assert refused("resume", name).count("\n") == 1
