"""`declnet sweep`, and `declnet run` with seeds or folds."""

from __future__ import annotations

import json
import re
import signal
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from statistics import mean, stdev

import pytest

from declnet.cli.display.result_tables import print_together
from declnet.cli.display.sweep_tables import print_series
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.many.ensembles.series import series_of
from declnet.runs.many.execution import threads, workers
from declnet.runs.many.execution.tasks import Outcome
from declnet_plugins.standard.data.arrays import NPZ

from .conftest import by_name

BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")
STATISTICS = {
    "mean": "mean",
    "standard deviation": "standard_deviation",
    "min": "min",
    "max": "max",
}


def content(path):
    return json.loads(path.read_text())


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


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_seed_gives_the_bits_of_a_run_of_its_own(declnet_cli, spec, tmp_path, jobs):
    declnet_cli.succeeds("run", spec, "--seeds", "0,3", "--jobs", jobs, "--quiet")
    for seed in (0, 3):
        alone = tmp_path / f"alone-{seed}"
        declnet_cli.succeeds("run", spec, "--set", f"seed={seed}", "--out", alone, "--quiet")
        same_bits(alone, tmp_path / f"runs/small-seeds-1/seed-{seed}")
    assert content(tmp_path / "alone-0/metrics.json") != content(tmp_path / "alone-3/metrics.json")


def test_wide_layers_have_the_bits_of_one_thread(declnet_cli, document, spec_file, tmp_path):
    document["model"]["dtype"] = "float32"
    wide = {"type": "dense", "units": 512}
    document["model"]["layers"][:1] = [wide, "relu", wide]
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--seeds", "1..2", "--jobs", "2", "--out", "many", "--quiet")
    declnet_cli.environment.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    declnet_cli.succeeds("run", spec, "--out", "alone", "--quiet")
    same_bits(tmp_path / "alone", tmp_path / "many/seed-1")


def test_the_summary_and_the_table_have_the_metrics_of_the_runs(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--seeds", "0..2")
    parent = tmp_path / "runs/small-seeds-1"
    summary = content(parent / "summary.json")
    metrics = [content(parent / f"seed-{seed}/metrics.json") for seed in range(3)]
    assert (summary["name"], summary["seeds"], summary["finished"]) == ("small", [0, 1, 2], 3)
    assert [each["metrics"] for each in summary["runs"]] == metrics
    assert [each["folder"] for each in summary["runs"]] == ["seed-0", "seed-1", "seed-2"]
    assert set(summary["metrics"]) == {"train", "validation", "test"}
    for data in ("train", "validation", "test"):
        for name in ("loss", "data_loss", "regularization_loss", "accuracy"):
            values = [each[data][name] for each in metrics]
            found = summary["metrics"][data][name]
            assert found["mean"] == pytest.approx(mean(values), rel=1e-15)
            assert found["standard_deviation"] == pytest.approx(stdev(values), rel=1e-12, abs=1e-17)
            assert (found["min"], found["max"]) == (min(values), max(values))
    rows = by_name(out)
    assert rows["seed"] == [
        *(f"{data}.{name}" for data in metrics[0] for name in ("accuracy", "loss")),
        "seconds",
    ]
    assert float(rows["1"][1]) == pytest.approx(metrics[1]["train"]["loss"], rel=1e-3)
    for row, key in STATISTICS.items():
        expected = summary["metrics"]["test"]["loss"][key]
        assert float(rows[row][5]) == pytest.approx(expected, rel=1e-3)
    assert sum(line.startswith("small, seed ") for line in out.splitlines()) == 3
    assert re.fullmatch(r"\d+\.\d\d s, runs/small-seeds-1", out.splitlines()[-1])


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


def test_one_seed_has_no_deviation(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--seeds", "5", "--out", "one", "--quiet")
    assert set(by_name(out)["standard deviation"]) == {"-"}
    metrics = content(tmp_path / "one/summary.json")["metrics"]
    assert metrics["train"]["loss"]["standard_deviation"] is None


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
def test_what_is_wrong_is_reported_before_anything_is_written(
    refused, spec, tmp_path, options, message
):
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
    while not all((each / "history.jsonl").exists() for each in folders):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with process:
        yield process, folders


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_all_runs_and_their_folders_say_so(endless, number):
    process, folders = endless
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    said = "interrupted\nto continue all runs: declnet resume out"
    assert (process.returncode, err.strip()) == (130, said)
    assert [status(each) for each in folders] == ["interrupted", "interrupted"]
    assert all((each / "weights.safetensors").exists() for each in folders)
    assert all(list(each.rglob("checkpoint*")) for each in folders)


@pytest.mark.parametrize("endless", ["numpy"], indirect=True)
def test_workers_do_not_outlive_the_command(endless):
    process, folders = endless
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(status(each) == "running" for each in folders):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [status(each) for each in folders] == ["interrupted", "interrupted"]


@pytest.fixture
def folds(spec_file, document):
    document["data"] |= {"folds": 3, "split": {"method": "stratified"}}
    document["training"] |= {"batch_size": 7, "epochs": 5}
    return spec_file(document)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_fold_gives_the_bits_of_a_run_of_its_own(declnet_cli, folds, tmp_path, jobs):
    declnet_cli.succeeds("run", folds, "--jobs", jobs, "--quiet")
    for fold in (1, 2, 3):
        alone, again = tmp_path / f"alone-{fold}", tmp_path / f"again-{fold}"
        of_many = tmp_path / f"runs/small-folds-1/fold-{fold}"
        declnet_cli.succeeds("run", folds, "--set", f"data.fold={fold}", "--out", alone, "--quiet")
        declnet_cli.succeeds("run", of_many / "spec.toml", "--out", again, "--quiet")
        same_bits(alone, again, of_many)
    assert content(tmp_path / "alone-1/metrics.json") != content(tmp_path / "alone-2/metrics.json")
    assert "finished" in declnet_cli("resume", of_many).stderr
    assert "validation" in declnet_cli.succeeds("evaluate", of_many)


def test_the_table_has_the_mean_and_the_deviation_of_the_folds(declnet_cli, folds, tmp_path):
    out = declnet_cli.succeeds("run", folds, "--out", "many")
    assert "small, seed 1, fold 2: validation, acc:" in out
    losses = [
        content(tmp_path / f"many/fold-{fold}/metrics.json")["validation"]["loss"]
        for fold in (1, 2, 3)
    ]
    rows = by_name(out[out.index(" fold ") :])
    column = rows["fold"].index("validation.loss")
    assert float(rows["mean"][column]) == pytest.approx(mean(losses), rel=1e-3)
    assert float(rows["standard deviation"][column]) == pytest.approx(stdev(losses), rel=1e-3)
    summary = content(tmp_path / "many/summary.json")
    folders = [(each["fold"], each["folder"]) for each in summary["runs"]]
    assert folders == [(1, "fold-1"), (2, "fold-2"), (3, "fold-3")]
    assert summary["metrics"]["validation"]["loss"]["mean"] == pytest.approx(mean(losses))


def test_a_run_of_folds_ends_with_the_metrics_of_all_models(declnet_cli, folds, tmp_path):
    out = declnet_cli.succeeds("run", folds, "--set", "data.test=0.2", "--out", "many")
    *_, out_of_fold, test, baseline, _ = out.splitlines()
    found = json.loads(declnet_cli.succeeds("evaluate", "many", "--format", "json"))
    first, second = (each["metrics"] for each in found["evaluations"])
    expected = f"accuracy: {first['accuracy']:.3f}, loss: {first['loss']:.3f}"
    assert out_of_fold == f"out of fold: {expected}"
    assert test == f"test, mean of all models: accuracy: {second['accuracy']:.3f}"
    assert baseline.startswith('test baseline, always "')


def test_averages_without_metrics_have_no_line(capsys):
    print_together([Evaluation("out of fold", 8, {"loss": 0.5}), Evaluation("test", 2, {})])
    assert capsys.readouterr().out == "out of fold: loss: 0.500\n"


def test_a_table_of_runs_that_does_not_fit_has_a_row_for_each_metric(monkeypatch, capsys):
    outcomes = [
        Outcome("small", 0, Path(f"fold-{fold}"), {"test": {"loss": fold / 4}}, 2.0, None, fold)
        for fold in (1, 2, 3)
    ]
    (series,) = series_of(outcomes)
    print_series(series)
    assert len(capsys.readouterr().out.splitlines()) > 8
    monkeypatch.setattr("declnet.cli.display.sweep_tables.table_room", lambda _: -1)
    print_series(series)
    rows = by_name(capsys.readouterr().out)
    assert rows["test.loss"] == ["0.5000", "0.2500", "0.2500", "0.7500"]
    assert rows["seconds"] == ["2.00", "0.00", "2.00", "2.00"]


def test_seeds_and_folds_multiply(declnet_cli, folds, tmp_path):
    out = declnet_cli.succeeds("run", folds, "--seeds", "4..5", "--out", "many", "--quiet")
    summary = content(tmp_path / "many/summary.json")
    folders = [f"seed-{seed}/fold-{fold}" for seed in (4, 5) for fold in (1, 2, 3)]
    assert [each["folder"] for each in summary["runs"]] == folders
    assert summary["seeds"] == [4, 5]
    assert all((tmp_path / "many" / each / "weights.safetensors").exists() for each in folders)
    assert out.splitlines()[0].split()[:2] == ["seed", "fold"]
    declnet_cli.succeeds("sweep", folds, "--seeds", "4", "--out", "swept", "--quiet")
    summary = content(tmp_path / "swept/small/summary.json")
    assert [each["folder"] for each in summary["runs"]] == folders[:3]


@pytest.fixture
def specs(spec_file, document, tmp_path):
    """A folder of three specs that differ in their rates; `still` learns nothing."""
    (tmp_path / "specs").mkdir()
    document["training"]["epochs"] = 40
    for name, rate in (("still", 1e-5), ("slow", 0.01), ("fast", 0.5)):
        document["name"] = name
        document["optimizer"]["learning_rate"] = rate
        spec_file(document, f"specs/{name}.json")
    return tmp_path / "specs"


def test_specs_are_compared_by_the_mean_of_their_first_metric(declnet_cli, specs, tmp_path):
    out = declnet_cli.succeeds("sweep", "specs", "--seeds", "0..2", "--quiet")
    assert out.startswith("train.accuracy\n")
    assert list(by_name(out))[3:6] == ["fast", "slow", "still"]
    for name in ("fast", "slow", "still"):
        folder = tmp_path / "runs/sweep-1" / name
        values = [
            content(folder / f"seed-{seed}/metrics.json")["train"]["accuracy"] for seed in range(3)
        ]
        found = by_name(out)[name]
        expected = [mean(values), stdev(values), min(values), max(values)]
        assert found[0] == "3"
        assert list(map(float, found[1:5])) == pytest.approx(expected, rel=1e-3, abs=1e-9)
        summary = content(folder / "summary.json")
        assert summary["metrics"]["train"]["accuracy"]["mean"] == pytest.approx(mean(values))
    whole = content(tmp_path / "runs/sweep-1/summary.json")
    assert whole["metric"] == "train.accuracy"
    assert [each["name"] for each in whole["specs"]] == ["fast", "slow", "still"]
    assert re.fullmatch(r"\d+\.\d\d s, runs/sweep-1", out.splitlines()[-1])


def test_several_values_are_tried_in_all_combinations(declnet_cli, document, spec_file, tmp_path):
    document["variables"] = {"width": 4}
    document["model"]["layers"][0]["units"] = "${width}"
    spec = spec_file(document)
    options = ["--set", "variables.width=5,6,5", "--set", "optimizer.learning_rate=0.1,0.2"]
    out = declnet_cli.succeeds("sweep", spec, *options, "--set", "training.epochs=2", "--quiet")
    names = {f"small-width={each}-learning_rate={rate}" for each in (5, 6) for rate in (0.1, 0.2)}
    assert set(list(by_name(out))[3:7]) == names
    alone = tmp_path / "alone"
    changes = ["variables.width=6", "optimizer.learning_rate=0.2", "training.epochs=2"]
    name = "small-width=6-learning_rate=0.2"
    words = [word for each in (*changes, f"name={name}") for word in ("--set", each)]
    declnet_cli.succeeds("run", spec, *words, "--out", alone, "--quiet")
    same_bits(alone, tmp_path / "runs/small-sweep-1" / name / "seed-1")


def test_values_of_keys_with_the_same_end_have_whole_keys_in_names(refused, declnet_cli, spec):
    options = ["--set", "data.validation=0.1,0.2", "--set", "training.epochs=1"]
    options += ["--set", "model.layers.1.type=relu,tanh", "--set", "optimizer.type=sgd,adam"]
    out = declnet_cli.succeeds("sweep", spec, *options, "--quiet")
    assert "small-validation=0.1-model.layers.1.type=relu-optimizer.type=sgd" in out
    said = refused("sweep", spec, *options, "--set", "training.epochs=0,0.5")
    assert said.count("error[") == 2
    assert "--set:5:17" in said


def test_a_loss_is_best_where_it_is_smallest(declnet_cli, specs, tmp_path):
    options = [
        "--metric",
        "loss",
        "--set",
        "seed=4",
        "--quiet",
    ]  # the spec's seed, if none is given
    out = declnet_cli.succeeds("sweep", *sorted(specs.iterdir(), reverse=True), *options)
    assert out.startswith("train.loss\n")
    assert (tmp_path / "runs/sweep-1/fast/seed-4/metrics.json").exists()
    assert list(by_name(out))[3:6] == ["fast", "slow", "still"]


def test_validation_metrics_come_before_training_metrics(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "data.validation=0.5", "--quiet"]
    assert declnet_cli.succeeds("sweep", "specs", *options).startswith("validation.accuracy\n")
    out = declnet_cli.succeeds("sweep", "specs", *options, "--metric", "train.accuracy")
    assert out.startswith("train.accuracy\n")


def test_the_gap_is_that_of_each_run_from_training_to_test_data(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("sweep", spec, "--seeds", "0..2", "--metric", "loss", "--quiet")
    summary = content(tmp_path / "runs/small-sweep-1/small/summary.json")
    metrics = [each["metrics"] for each in summary["runs"]]
    assert set(summary["gaps"]) == {"validation", "test"}
    titles = [line.split(",")[0] for line in out.splitlines() if " ± " in line and "," in line]
    assert titles == ["accuracy", "loss"]
    for name, table in zip(titles, out.split("mean ± standard deviation")[1:], strict=True):
        assert by_name(table)["spec"] == ["train", "±", "test", "±", "gap", "±"]
        train, test = ([each[data][name] for each in metrics] for data in ("train", "test"))
        gaps = [of_train - of_test for of_train, of_test in zip(train, test, strict=True)]
        expected = [
            each for values in (train, test, gaps) for each in (mean(values), stdev(values))
        ]
        shown = list(map(float, by_name(table)["small"]))
        assert shown == pytest.approx(expected, rel=1e-3, abs=1e-9)
        assert summary["gaps"]["test"][name]["mean"] == pytest.approx(mean(gaps))


def test_without_test_data_the_gap_is_to_validation_data(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "data.validation=0.5", "--quiet"]
    out = declnet_cli.succeeds("sweep", "specs", *options)
    assert out.count(" train   ±   validation   ±") == 2
    failing = (specs / "fast.json").read_text().replace(": 0.5", ": 1e200")
    (specs / "fast.json").write_text(failing)
    done = declnet_cli("sweep", "specs", *options)
    assert by_name(done.stdout)["fast"] == ["-"] * 6
    assert " gap " not in declnet_cli.succeeds("sweep", specs / "slow.json", "--seeds", "0..1")


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


def test_a_sweep_without_a_finished_run_says_so(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "optimizer.learning_rate=1e200", "--quiet"]
    done = declnet_cli("sweep", "specs", *options)
    assert done.returncode == 1
    assert "no run finished" in done.stderr


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
def test_what_is_wrong_is_reported_before_anything_is_trained(
    refused, specs, tmp_path, options, message
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "folds").mkdir()
    (tmp_path / "folds" / "ensemble.json").write_text("{}")
    assert message in refused("sweep", *options.split())
    assert not (tmp_path / "runs").exists()


def test_a_picture_needs_the_command_that_draws_it(refused, specs, tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_DISABLE_PLUGINS", "plot")
    said = refused("sweep", "specs", "--seeds", "0", "--picture", "a.png")
    assert "--picture needs the command `plot`" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_one_of_its_kind(declnet_cli, specs, tmp_path, suffix):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    picture = tmp_path / f"sweep{suffix}"
    declnet_cli.succeeds("sweep", "specs", "--seeds", "0..1", "--picture", picture, "--quiet")
    later = tmp_path / f"later{suffix}"
    assert declnet_cli.succeeds("plot", "runs/sweep-1", "-o", later) == f"{later}: drawn\n"
    assert later.read_bytes() == picture.read_bytes()
    if suffix == ".svg":
        root = ET.parse(picture).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(root.iter())) > 100
        return
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    assert (width, 400 < height < 800) == (1540, True)
    assert 20_000 < picture.stat().st_size < 200_000


def test_data_is_loaded_once_for_all_checks_and_runs(
    declnet_cli, spec_file, document, monkeypatch, tmp_path
):
    loads, load = [], NPZ.load
    monkeypatch.setattr(NPZ, "load", lambda source, rng: loads.append(source) or load(source, rng))
    for module in (threads, workers):
        monkeypatch.setattr(module, "at_once", None)  # in this process: it takes them but a moment
    document["data"] |= {"prepare": ["standardize"], "validation": 0.2}
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.2], "seed": [1, 2]}
    declnet_cli.succeeds("sweep", spec_file(document), "--quiet", "--jobs", "2")
    assert len(loads) == 1
    document["data"] |= {"folds": 3}
    del document["data"]["validation"], document["sweep"]
    declnet_cli.succeeds("run", spec_file(document), "--seeds", "1,2", "--quiet", "--jobs", "2")
    assert len(loads) == 2
    assert len(list(tmp_path.rglob("weights.safetensors"))) == 10
