"""`declnet run --seeds`."""

from __future__ import annotations

import json
import re
import signal
import time
from statistics import mean, stdev

import pytest


def rows_of(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    return {line[0]: line[1:] for line in lines}


def status(folder):
    return json.loads((folder / "manifest.json").read_text())["status"]


@pytest.fixture
def spec(spec_file, document):
    document["model"]["dtype"] = "float32"
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"batch_size": 7, "epochs": 5}
    return spec_file(document)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_seed_gives_the_bits_of_a_run_of_its_own(declnet_cli, spec, tmp_path, jobs):
    declnet_cli.succeeds("run", spec, "--seeds", "0,3,4", "--jobs", jobs, "--quiet")
    for seed in (0, 3, 4):
        alone, of_many = tmp_path / f"alone-{seed}", tmp_path / f"runs/small-seeds-1/seed-{seed}"
        declnet_cli.succeeds("run", spec, "--set", f"seed={seed}", "--out", alone, "--quiet")
        for file in ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml"):
            assert (alone / file).read_bytes() == (of_many / file).read_bytes()
    assert (tmp_path / "alone-0/metrics.json").read_bytes() != (
        tmp_path / "alone-3/metrics.json"
    ).read_bytes()


def test_wide_layers_have_the_bits_of_one_thread(declnet_cli, document, spec_file, tmp_path):
    document["model"] |= {"dtype": "float32"}
    document["model"]["layers"][0]["units"] = 512
    document["model"]["layers"].insert(2, {"type": "dense", "units": 512})
    document["model"]["layers"].insert(3, "relu")
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--seeds", "1..2", "--jobs", "2", "--out", "many", "--quiet")
    declnet_cli.environment.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    declnet_cli.succeeds("run", spec, "--out", "alone", "--quiet")
    alone, of_many = (tmp_path / each / "weights.safetensors" for each in ("alone", "many/seed-1"))
    assert alone.read_bytes() == of_many.read_bytes()


def test_the_summary_has_the_figures_of_the_runs(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("run", spec, "--seeds", "0..2", "--out", "many", "--quiet")
    summary = json.loads((tmp_path / "many/summary.json").read_text())
    metrics = [
        json.loads((tmp_path / f"many/seed-{seed}/metrics.json").read_text()) for seed in range(3)
    ]
    assert summary["name"] == "small"
    assert summary["seeds"] == [0, 1, 2]
    assert summary["finished"] == 3
    assert [each["metrics"] for each in summary["runs"]] == metrics
    assert [each["folder"] for each in summary["runs"]] == ["seed-0", "seed-1", "seed-2"]
    assert set(summary["figures"]) == {"train", "validation", "test"}
    for data in ("train", "validation", "test"):
        for name in ("loss", "data_loss", "regularization_loss", "accuracy"):
            values = [each[data][name] for each in metrics]
            found = summary["figures"][data][name]
            assert found["mean"] == pytest.approx(mean(values), rel=1e-15)
            assert found["standard_deviation"] == pytest.approx(stdev(values), rel=1e-12, abs=1e-17)
            assert (found["min"], found["max"]) == (min(values), max(values))


def test_the_table_has_a_row_for_each_seed_and_the_spread(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--seeds", "0..1", "--jobs", "2")
    rows = rows_of(out)
    assert rows["seed"] == [
        "train.accuracy",
        "train.loss",
        "validation.accuracy",
        "validation.loss",
        "test.accuracy",
        "test.loss",
        "seconds",
    ]
    metrics = json.loads((tmp_path / "runs/small-seeds-1/seed-1/metrics.json").read_text())
    assert float(rows["1"][1]) == pytest.approx(metrics["train"]["loss"], rel=1e-3)
    figures = json.loads((tmp_path / "runs/small-seeds-1/summary.json").read_text())["figures"]
    for row, key in (
        ("mean", "mean"),
        ("standard deviation", "standard_deviation"),
        ("min", "min"),
        ("max", "max"),
    ):
        assert float(rows[row][5]) == pytest.approx(figures["test"]["loss"][key], rel=1e-3)
    assert sum(line.startswith("small, seed ") for line in out.splitlines()) == 2
    assert re.fullmatch(r"\d+\.\d\d s, runs/small-seeds-1", out.splitlines()[-1])


def test_a_seed_that_fails_costs_the_others_nothing(declnet_cli, spec, tmp_path):
    (tmp_path / "many").mkdir()
    done = declnet_cli(
        "run", spec, "--seeds", "0..2", "--out", "many", "--set", "optimizer.learning_rate=3e18"
    )
    failed = [seed for seed in range(3) if status(tmp_path / f"many/seed-{seed}") == "failed"]
    assert failed
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    summary = json.loads((tmp_path / "many/summary.json").read_text())
    assert summary["finished"] == 3 - len(failed)
    for seed in failed:
        assert f"error: small, seed {seed}: epoch" in done.stderr
        assert "the loss is" in summary["runs"][seed]["error"]
        assert rows_of(done.stdout)[str(seed)][:2] == ["failed", "-"]


def test_one_seed_has_no_deviation(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--seeds", "5", "--out", "one", "--quiet")
    assert set(rows_of(out)["standard deviation"]) == {"-"}
    figures = json.loads((tmp_path / "one/summary.json").read_text())["figures"]
    assert figures["train"]["loss"]["standard_deviation"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "9..0"], "runs backwards"),
        (["--jobs", "2"], "--jobs is how many of several --seeds"),
        (["--seeds", "1", "--jobs", "0"], "--jobs"),
        (["--seeds", "1", "--set", "training.epochs=0"], "E0"),
        (["--seeds", "1", "--out", "full"], "full: the output folder is not empty"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    declnet_cli, spec, tmp_path, options, message
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    done = declnet_cli("run", spec, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def endless(declnet_cli, spec_file, document, tmp_path):
    """Start two endless workers and wait until both have logged."""
    document["training"] |= {"epochs": 10**9, "log_every": 1000}
    process = declnet_cli.start(
        "run", spec_file(document), "--seeds", "0..1", "--jobs", "2", "--out", "out"
    )
    folders = [tmp_path / "out" / f"seed-{seed}" for seed in range(2)]
    deadline = time.monotonic() + 60
    while not all((each / "history.jsonl").exists() for each in folders):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with process:
        yield process, folders


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_workers_and_their_folders_say_so(endless, number):
    process, folders = endless
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "interrupted")
    assert [status(each) for each in folders] == ["interrupted", "interrupted"]
    assert all((each / "weights.safetensors").exists() for each in folders)


def test_workers_do_not_outlive_the_command(endless):
    process, folders = endless
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(status(each) == "running" for each in folders):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [status(each) for each in folders] == ["interrupted", "interrupted"]
