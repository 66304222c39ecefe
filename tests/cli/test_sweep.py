"""`declnet sweep`, and `declnet run` with seeds or folds."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from declnet import Outcome
from declnet.cli.display.result_tables import print_series
from declnet.runs.display.series_tables import series_table
from declnet.runs.many import local_executors
from declnet.runs.many.series import series_of
from declnet_plugins.standard.data.arrays import NPZ
from declnet_plugins.standard.metrics.classification import Accuracy

from .conftest import by_name, content

BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")


def status(folder):
    return content(folder / "manifest.json")["status"]


def same_bits(*folders):
    for file in BITS:
        assert len({(folder / file).read_bytes() for folder in folders}) == 1


@pytest.fixture
def spec(spec_file, document):
    document["model"]["dtype"] = "float32"
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"batch_size": 7, "epochs": 5}
    return spec_file(document)


def test_wide_layers_have_the_bits_of_one_thread(declnet_cli, document, spec_file, tmp_path):
    document["model"]["dtype"] = "float32"
    wide = {"type": "dense", "units": 512}
    document["model"]["layers"][:1] = [wide, "relu", wide]
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--seeds", "1..2", "--jobs", "2", "--out", "many", "--quiet")
    declnet_cli.environment.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    declnet_cli.succeeds("run", spec, "--out", "alone", "--quiet")
    same_bits(tmp_path / "alone", tmp_path / "many/seed-1")


def test_a_seed_that_fails_costs_the_others_nothing(declnet_cli, spec, tmp_path):
    (tmp_path / "many").mkdir()
    done = declnet_cli(
        "run", spec, "--seeds", "0..2", "--out", "many", "--set", "optimizer.learning_rate=3e18"
    )
    failed = [seed for seed in range(3) if status(tmp_path / f"many/seed-{seed}") == "failed"]
    assert failed
    assert done.returncode == 1
    summary = content(tmp_path / "many/summary.json")
    assert summary["finished"] == 3 - len(failed)
    for seed in failed:
        assert f"error: small, seed {seed}: epoch" in done.stderr
        assert "the loss is" in summary["runs"][seed]["error"]
        assert by_name(done.stdout)[str(seed)][:2] == ["failed", "-"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "9..0"], "runs backwards"),
        (["--jobs", "2"], "--jobs needs several runs to train in parallel"),
        (["--seeds", "1", "--jobs", "0"], "--jobs"),
        (["--seeds", "1", "--set", "training.epochs=0"], "E0"),
        (["--set", "seed=0,1"], "help: train with each seed: --seeds 0,1\n"),
        (["--set", "optimizer=sgd,adam"], "help: only `declnet sweep` takes several values"),
        (["--set", "training.epochs=3,x"], "help: only `declnet sweep` takes several values"),
        (["--set", "training.metrics=f1,accuracy"], "help: put it in brackets"),
        (["--seeds", "1", "--out", "full"], "full: the output folder is not empty"),
    ],
)
def test_errors_are_reported_before_anything_is_written(refused, spec, tmp_path, options, message):
    (tmp_path / "full" / "something").mkdir(parents=True)
    assert message in refused("run", spec, *options)
    assert not (tmp_path / "runs").exists()


@pytest.fixture(params=["jit", "numpy"])
def endless(request, declnet_cli, spec_file, document, tmp_path):
    """Start two endless runs in threads or in worker processes; wait until both have logged."""
    if request.param == "jit":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    document["training"] |= {"epochs": 10**9, "log_every": 1000}
    document["engine"] = {"kernels": request.param}
    process = declnet_cli.start(
        "run", spec_file(document), "--seeds", "0..1", "--jobs", "2", "--out", "out"
    )
    folders = [tmp_path / "out" / f"seed-{seed}" for seed in range(2)]
    deadline = time.monotonic() + 60
    while not all((folder / "history.jsonl").exists() for folder in folders):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with process:
        yield process, folders


@pytest.mark.parametrize(
    ("endless", "number"), [("jit", signal.SIGTERM), ("numpy", signal.SIGINT)], indirect=["endless"]
)
def test_an_interruption_ends_all_runs_and_is_recorded_in_their_folders(endless, number):
    process, folders = endless
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    message = "interrupted\nto continue all runs: declnet resume out"
    assert (process.returncode, err.strip()) == (130, message)
    assert [status(folder) for folder in folders] == ["interrupted", "interrupted"]
    assert all((folder / "weights.safetensors").exists() for folder in folders)
    assert all(list(folder.rglob("checkpoint*")) for folder in folders)


@pytest.mark.parametrize("endless", ["numpy"], indirect=True)
def test_workers_do_not_outlive_the_command(endless):
    process, folders = endless
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(status(folder) == "running" for folder in folders):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [status(folder) for folder in folders] == ["interrupted", "interrupted"]


def test_metrics_are_shown_with_the_digits_that_their_spread_supports(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    others = dict.fromkeys(("hits", "misses", "false_alarms"), 1.0)
    outcomes = [
        Outcome("small", 0, Path(), {"train": {"loss": 9, **others}, "test": test}, 2.0, None, fold)
        for fold in range(1, 31)
        if (test := {"loss": 1000.0 + fold / 4, **others, "rmse": 5e4 + 1e3 * fold})
    ]
    (series,) = series_of(outcomes)
    print_series(series, Path("runs/small-folds-1"))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 60
    runs = by_name(out)
    assert "20" in runs
    assert "21" not in runs  # of 30 folds
    assert "the first 20 of 30 runs" in out
    assert "; all are in runs/small-folds-1/summary.json" in " ".join(out.split())
    monkeypatch.setenv("COLUMNS", "500")
    print_series(series, Path("runs/small-folds-1"))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100
    table = series_table(series)
    column = table.columns.index("test.loss")
    mean, deviation = (row[column] for row in table.texts(table.footer))
    assert (mean, deviation) == ("1,003.9", "2.2")
    assert [row[column] for row in table.texts()][:2] == ["1,000.2", "1,000.5"]


@pytest.fixture
def specs(spec_file, document, tmp_path):
    """A folder of three specs that differ in their rates; `still` learns nothing."""
    (tmp_path / "specs").mkdir()
    document["training"]["epochs"] = 20
    for name, rate in (("still", 1e-5), ("slow", 0.01), ("fast", 0.5)):
        document["name"] = name
        document["optimizer"]["learning_rate"] = rate
        spec_file(document, f"specs/{name}.json")
    return tmp_path / "specs"


def test_validation_metrics_come_before_training_metrics(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "data.validation=0.5", "--quiet"]
    out = declnet_cli.succeeds("sweep", "specs", *options)
    assert out.startswith("validation.accuracy\n")
    assert out.count(" train   ±   validation   ±") == 2  # without test data
    out = declnet_cli.succeeds("sweep", "specs", *options, "--metric", "train.accuracy")
    assert out.startswith("train.accuracy\n")


def test_a_metric_of_unknown_direction_needs_an_order_before_the_sweep(
    declnet_cli, refused, specs, monkeypatch
):
    monkeypatch.setattr(Accuracy, "better", None)
    options = ["--seeds", "0", "--metric", "accuracy", "--jobs", "1", "--quiet"]
    message = 'values of "accuracy" are better; add --ascending or --descending'
    assert message in refused("sweep", "specs", *options)
    out = declnet_cli.succeeds("sweep", "specs", *options, "--ascending")
    assert list(by_name(out))[3] == "still"


def test_specs_in_subfolders_are_left_out(declnet_cli, specs):
    (specs / "base").mkdir()
    (specs / "fast.json").rename(specs / "base" / "fast.json")
    (specs / "extending.json").write_text('{"extends": "base/fast.json", "name": "faster"}')
    out = declnet_cli.succeeds("sweep", "specs", "--set", "training.epochs=1", "--quiet")
    assert {"slow", "still", "faster"} < set(by_name(out))
    assert "fast" not in by_name(out)


def test_a_spec_whose_runs_fail_comes_last(declnet_cli, specs):
    text = (specs / "fast.json").read_text()
    (specs / "fast.json").write_text(text.replace('"learning_rate": 0.5', '"learning_rate": 1e200'))
    done = declnet_cli("sweep", "specs", "--seeds", "0..1", "--quiet")
    assert done.returncode == 1
    assert list(by_name(done.stdout))[3:6] == ["slow", "still", "fast"]
    assert by_name(done.stdout)["fast"][:2] == ["0 of 2", "-"]
    assert done.stderr.count("error: fast, seed ") == 2
    done = declnet_cli("sweep", specs / "fast.json", "--seeds", "0", "--quiet", "--out", "alone")
    assert (done.returncode, "no run finished" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("specs --seeds 0 --metric accurac", 'did you mean "accuracy"?'),
        ("specs --seeds 0 --metric proof.loss", 'no spec has a metric "proof.loss"'),
        ("specs specs/fast.json --seeds 0", 'are both called "fast"'),
        ("folds --seeds 0", "not the folder of a sweep or of specs"),
        ("empty --seeds 0", "no .toml or .json spec in this folder"),
        ("specs --seeds 0 --out specs", "the output folder is not empty"),
        ("specs --seeds 0 --set training.epoch=1", 'did you mean "epochs"?'),
        ("specs --seeds 0 --picture a.gif", "ends in .png or .svg"),
        ("specs --seeds 0 --picture none/a.png", "there is no folder none"),
        ("absent.toml --seeds 0", "there is no such file"),
    ],
)
def test_errors_are_reported_before_anything_is_trained(refused, specs, tmp_path, options, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "folds").mkdir()
    (tmp_path / "folds" / "manifest.json").write_text("{}")
    assert message in refused("sweep", *options.split())
    assert not (tmp_path / "runs").exists()


def test_a_picture_needs_the_command_that_draws_it(refused, specs, tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_DISABLE_PLUGINS", "plot")
    said = refused("sweep", "specs", "--seeds", "0", "--picture", "a.png")
    assert "--picture needs the command `plot`" in said
    assert not (tmp_path / "runs").exists()


def test_data_is_loaded_once_for_all_checks_and_runs(
    declnet_cli, spec_file, document, monkeypatch, tmp_path
):
    loads, load = [], NPZ.load
    monkeypatch.setattr(NPZ, "load", lambda source, rng: loads.append(source) or load(source, rng))
    monkeypatch.setattr(local_executors, "WorkerProcesses", None)  # they are too brief for that
    document["data"] |= {"prepare": ["standardize"], "validation": 0.2}
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.2], "seed": [1, 2]}
    declnet_cli.succeeds("sweep", spec_file(document), "--quiet", "--jobs", "2")
    assert len(loads) == 1
    document["data"] |= {"folds": 3}
    del document["data"]["validation"], document["sweep"]
    declnet_cli.succeeds("run", spec_file(document), "--seeds", "1,2", "--quiet", "--jobs", "2")
    assert len(loads) == 2
    assert len(list(tmp_path.rglob("weights.safetensors"))) == 10


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_one_of_its_kind(declnet_cli, specs, tmp_path, suffix):
    pytest.importorskip("vl_convert", reason="the extra report is not installed")
    picture, later = tmp_path / f"sweep{suffix}", tmp_path / f"later{suffix}"
    options = ("--set", "training.epochs=1", "--quiet")
    declnet_cli.succeeds("sweep", "specs", "--seeds", "0..1", "--picture", picture, *options)
    assert declnet_cli.succeeds("plot", "runs/sweep-1", "-o", later) == f"{later}: drawn\n"
    assert later.read_bytes() == picture.read_bytes()
    start = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<svg"}[suffix]
    assert picture.read_bytes().startswith(start)
